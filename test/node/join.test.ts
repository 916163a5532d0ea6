/** What a node makes of the answers of its seeds, without a cluster. */
import { expect, test } from 'vitest'
import { TopologyBusyError, UnavailableError, type StoreError } from '../../src/index.ts'
import { join, type JoinOptions } from '../../src/node/join.ts'
import { toTuple } from '../../src/ring/configuration-check.ts'
import type { Channel } from '../../src/rpc/channel.ts'
import { RefusedError } from '../../src/rpc/handshake.ts'
import { frameType } from '../../src/rpc/frame.ts'
import { pack } from '../../src/rpc/pack.ts'
import type { CallSink } from '../../src/rpc/pending-calls.ts'
import { configurationOf, memberOf } from '../ring/kit.ts'
import { HandClock } from '../rpc/kit.ts'

/** What a seed answers each time; an error is one for which no connection comes about. */
type Answer = readonly unknown[] | StoreError

function channelTo(answer: Answer): Channel {
  const lastError = answer instanceof Error ? answer : undefined
  const call = (sink: CallSink, tag: number): number | undefined => {
    if (answer instanceof Error) return undefined
    const bytes = pack(answer)
    queueMicrotask(() => {
      sink.answered(tag, {
        type: frameType.result,
        flags: 0,
        bytes,
        bodyStart: 0,
        end: bytes.length,
      })
    })
    return 1
  }
  const nothing = (): void => undefined
  const rest = { retryNow: nothing, close: nothing, abandon: nothing, session: undefined }
  return { ...rest, call, lastError } as unknown as Channel
}

/** What joining comes to when the seeds answer so. Time passes by itself. */
async function joining(seeds: Readonly<Record<string, Answer>>): ReturnType<typeof join> {
  const clock = new HandClock()
  const options: JoinOptions = {
    seeds: Object.keys(seeds),
    address: 'self:1',
    member: { id: 'self', store: 'own' },
    zone: undefined,
    weight: undefined,
    replaces: undefined,
    n: undefined,
    claim: [],
    isBack: false,
    clock,
    timeoutMs: 3000,
    contact: (address) => channelTo(seeds[address]!),
    takeHeardFrom: () => new Set(),
    isClosed: () => false,
  }
  let isOver = false
  const outcome = join(options).finally(() => (isOver = true))
  outcome.catch(() => undefined)
  for (let i = 0; i < 1000 && !isOver; i++) {
    for (let turn = 0; turn < 50; turn++) await Promise.resolve()
    clock.pass(10)
  }
  return outcome
}

const configuration = configurationOf([memberOf('a'), memberOf('b')])
const joined = ['joined', toTuple(configuration), []]
const unreachable = new UnavailableError('nobody there', { needed: 1, alive: 0 })

// Found by seed 182959089 of the storm: a seed of its list had been replaced, ran again, and this node knew.
test('a seed that is out for good keeps nobody from joining by the others', async () => {
  const message = '"b" has left this cluster for good'
  const departed = new RefusedError({ reason: 'departed', message })
  const outcome = await joining({ 'a:1': joined, 'b:1': departed })
  expect(outcome).toMatchObject({ configuration: { members: [{ id: 'a' }, { id: 'b' }] } })
})

test('a member that says of this node that it is out for good ends the attempt', async () => {
  const refusal = { reason: 'departed', message: '"self" has left this cluster for good' } as const
  const expulsion = new RefusedError(refusal, { byPeer: true })
  const outcome = joining({ 'a:1': joined, 'b:1': expulsion })
  await expect(outcome).rejects.toBe(expulsion)
})

test('that owners change is told, although another seed does not answer at all', async () => {
  const outcome = joining({ 'a:1': ['busy', true], 'b:1': unreachable })
  await expect(outcome).rejects.toMatchObject({
    code: 'ERR_JOIN',
    message: expect.stringContaining('owners change already') as string,
    cause: expect.any(TopologyBusyError) as Error,
  })
})
