/**
 * What many keys at once cost beside one: `getMany` and `putMany` of 100 keys over three processes on loopback TCP, of
 * which this one is the client and a replica. Latencies are medians, of one key and of many in turn.
 *
 *     npx tsx bench/micro/batch.ts
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { bytesCodec, createNode, tcpTransport } from '../../src/index.ts'
import { median } from '../cases.ts'

const rounds = 1000
const runs = 3
const keys: readonly string[] = Array.from({ length: 100 }, (_, i) => `k${i}`)
const value: Uint8Array = Buffer.alloc(100, 7)

async function timeUs(work: () => Promise<unknown>): Promise<number> {
  const beganMs = performance.now()
  await work()
  return (performance.now() - beganMs) * 1000
}

async function compare(
  name: string,
  one: () => Promise<unknown>,
  many: () => Promise<unknown>,
): Promise<void> {
  const ones: number[] = []
  const manies: number[] = []
  for (let i = 0; i < rounds; i++) {
    ones.push(await timeUs(one))
    manies.push(await timeUs(many))
  }
  const tail = (all: readonly number[]): number => median(all.slice(rounds / 2))
  const [single, hundred] = [tail(ones), tail(manies)]
  const ratio = (hundred / single).toFixed(2)
  console.log(
    `${name}: one ${single.toFixed(0)} µs, 100 at once ${hundred.toFixed(0)} µs: ${ratio} ×`,
  )
}

const transport = (): ReturnType<typeof tcpTransport> =>
  tcpTransport({ host: '127.0.0.1', port: 0 })

/** A replica in a process of its own, until this one ends. */
async function startReplica(id: string, seed: string): Promise<ChildProcess> {
  const child = fork(new URL(import.meta.url), [id, seed])
  await once(child, 'message')
  return child
}

async function serve(id: string, seed: string): Promise<void> {
  const node = await createNode({ id, seeds: [seed], transport: transport() })
  process.send?.('ready')
  await once(process, 'disconnect')
  await node.close()
}

async function measure(): Promise<void> {
  const node = await createNode({ id: 'n1', transport: transport() })
  const children = [await startReplica('n2', node.address), await startReplica('n3', node.address)]
  const bucket = node.bucket<Uint8Array>('b', { codec: bytesCodec() })
  const writes = keys.map((key) => ({ key, value }))
  while (node.members().length < 3) await bucket.get('k7')
  await bucket.putMany(writes, { w: 'all' })
  for (let i = 0; i < runs; i++) {
    await compare(
      'get',
      () => bucket.get('k7'),
      () => bucket.getMany(keys),
    )
    await compare(
      'put',
      () => bucket.put('k7', value),
      () => bucket.putMany(writes),
    )
  }
  for (const child of children) child.disconnect()
  await Promise.all(children.map((child) => once(child, 'exit')))
  await node.close()
}

const [, , id, seed] = process.argv
if (id !== undefined && seed !== undefined) await serve(id, seed)
else await measure()
