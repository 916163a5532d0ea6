/**
 * One process of the demo: a coterie node over TCP, with its data on disk. It does what its parent asks over IPC and
 * reports ten times a second, and when the ring changes. A real service would call the bucket itself.
 */
import { createNode, oneProcess, tcpTransport, type StoreError } from 'coterie'
import { lmdbStorage } from 'coterie/lmdb'
import type { Call, Commands, FromNode, NodeSettings, Report } from './protocol.ts'

const reportIntervalMs = 100

// Ctrl-C reaches every process of the terminal: the parent decides what becomes of it. Without a parent there is
// nothing left to do.
process.on('SIGINT', () => undefined)
process.on('disconnect', () => process.exit(1))

const settings = JSON.parse(process.argv[2] ?? '{}') as NodeSettings
const node = await createNode({
  id: settings.id,
  cluster: 'demo',
  seeds: settings.seeds,
  transport: tcpTransport({ port: 0 }),
  storage: lmdbStorage({ path: settings.directory }),
  membership: oneProcess(),
  handoff: { intervalMs: 500 },
})
const bucket = node.bucket('records')

node.on('member-up', ({ id }) => notify({ event: 'member-up', member: id }))
node.on('member-suspect', ({ id }) => notify({ event: 'member-suspect', member: id }))
node.on('member-down', ({ id }) => notify({ event: 'member-down', member: id }))
node.on('member-left', ({ id }) => notify({ event: 'member-left', member: id }))
node.on('ring-change', ({ epoch, moving }) => {
  notify({ event: 'ring-change', epoch, moving })
  send({ kind: 'report', report: report() })
})
node.on('hints-delivered', ({ target, count }) => {
  notify({ event: 'hints-delivered', target, count })
})
node.on('background-error', ({ task, error }) => {
  notify({ event: 'background-error', task, message: error.message })
})

process.on('message', (call: Call) => {
  perform(call).then(
    (answer) => send({ kind: 'answer', id: call.id, answer }),
    ({ code, message }: StoreError) => {
      send({ kind: 'failure', id: call.id, failure: { code: code ?? 'ERR', message } })
    },
  )
})
setInterval(() => send({ kind: 'report', report: report() }), reportIntervalMs)
send({ kind: 'ready', address: node.address })

async function perform(call: Call): Promise<Commands[Call['name']]['answer']> {
  switch (call.name) {
    case 'put': {
      const { key, value, context } = call.ask
      const receipt = await bucket.put(key, value, context === undefined ? {} : { context })
      return { context: receipt.context.toString() }
    }
    case 'read': {
      const entries = await bucket.getMany(call.ask.keys, { r: 'quorum' })
      return call.ask.keys.map((key) => entries.get(key)?.siblings ?? [])
    }
    case 'settle': {
      const receipt = await bucket.update(call.ask.key, (siblings) => union(siblings))
      return { context: receipt.context.toString() }
    }
    case 'report':
      return report()
    case 'leave':
      await node.leave()
      return null
    case 'close':
      await node.close()
      return null
  }
}

function union(siblings: readonly unknown[]): string[] {
  return [...new Set((siblings as string[][]).flat())].toSorted()
}

function report(): Report {
  const { operations, handoff, repair, transition } = node.stats()
  return {
    ring: node.ring(),
    puts: operations.puts,
    stage: node.members().find(({ id }) => id === settings.id)?.stage ?? '',
    hints: handoff.hints,
    marks: handoff.dirtyPartitions,
    lacking: transition.lacking,
    delivered: handoff.delivered,
    repairs: repair.reads,
  }
}

function notify(notice: Extract<FromNode, { kind: 'notice' }>['notice']): void {
  send({ kind: 'notice', notice })
}

/** The parent may be gone at any moment; then so is this process. */
function send(message: FromNode): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
}
