/**
 * Whatever a peer sends ends in an answer or in the end of its connection: nothing is thrown, kept without
 * bound, or hangs.
 */
import { expect, test } from 'vitest'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { frameType } from '../../src/rpc/frame.ts'
import { SeededRandom } from '../../src/sim/seeded-random.ts'
import {
  fuzzFrames,
  fuzzSeed,
  helloOf,
  Intruder,
  Mutator,
  target,
  turn,
  type Target,
} from './fuzz-kit.ts'

setFlagsFromString('--expose_gc')
const collectGarbage = runInNewContext('gc') as () => void

function heapMiB(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed / 2 ** 20
}

const longMs = 600_000
const { hello, put, get, gets, puts, forward, call, cast, piece } = frameType
const { stored, record, absent, result, otherEpoch, failed, receipt, welcome } = frameType
const toOne = [stored, record, absent, result, otherEpoch, failed, receipt]
const answers = [...toOne, frameType.answers]

/** Feeds that many mutated frames of some types; fails with the first that was thrown at. */
async function feed(
  to: Target,
  types: readonly number[],
  count: number,
): Promise<{ connections: number; answers: number }> {
  const random = new SeededRandom(fuzzSeed)
  const frames = types.flatMap((type) => [...(to.corpus.get(type) ?? [])])
  const mutator = new Mutator(random, frames)
  const intruder = new Intruder(to, helloOf(to.corpus, 'n2'))
  for (let i = 0; i < count; i++) {
    const frame = mutator.next()
    const thrown = intruder.feed(frame)
    if (thrown !== undefined) {
      const note = `frame ${i} of seed ${fuzzSeed}: ${frame.toString('hex').slice(0, 2000)}`
      throw new Error(note, { cause: thrown })
    }
    if (i % 200 === 0) await turn()
  }
  intruder.end()
  await turn()
  return intruder
}

test('the corpus has every type of frame that nodes exchange', async () => {
  const { corpus } = await target()
  const missing = Object.entries(frameType).filter(([, type]) => !corpus.has(type))
  expect(missing.map(([name]) => name)).toEqual(['refused', 'otherEpoch', 'failed'])
})

test(
  'mutated puts, gets and forwarded writes: the cluster works on',
  { timeout: longMs },
  async () => {
    const to = await target()
    const before = heapMiB()
    const told = await feed(to, [put, get, puts, gets, forward], fuzzFrames * 0.6)
    expect(told.answers).toBeGreaterThan(fuzzFrames / 10)
    expect(heapMiB() - before).toBeLessThan(60)
    for (const node of to.nodes) {
      await node.bucket('after').put(`by ${node.id}`, 1, { w: 3 })
      expect((await node.bucket('after').get(`by ${node.id}`, { r: 3 })).value()).toBe(1)
    }
  },
)

test(
  'mutated calls, casts and nonsense: the node stays bounded and closes in time',
  { timeout: longMs },
  async () => {
    const to = await target({ timeoutMs: 50 })
    const before = heapMiB()
    await feed(to, [call, cast, hello, ...answers, welcome], fuzzFrames * 0.25)
    expect(heapMiB() - before).toBeLessThan(60)
    expect(JSON.parse(JSON.stringify(to.node.stats()))).toEqual(to.node.stats())
    await to.node.close()
  },
)

test('mutated pieces of long frames: the node stays bounded and works on', async () => {
  const to = await target()
  const before = heapMiB()
  await feed(to, [piece], fuzzFrames * 0.02)
  expect(heapMiB() - before).toBeLessThan(60)
  await to.node.bucket('after').put('k', 1, { w: 3 })
})

test('mutated greetings: nobody gets in who is nobody', { timeout: longMs }, async () => {
  const to = await target()
  const random = new SeededRandom(fuzzSeed)
  const frames = [...to.corpus.get(hello)!, ...to.corpus.get(welcome)!]
  const mutator = new Mutator(random, frames)
  const before = heapMiB()
  for (let i = 0; i < fuzzFrames * 0.1; i++) {
    const intruder = new Intruder(to, mutator.next())
    expect(intruder.feed(mutator.next())).toBe(undefined)
    intruder.end()
    if (i % 200 === 0) await turn()
  }
  expect(heapMiB() - before).toBeLessThan(60)
  await to.node.bucket('after').put('k', 1, { w: 3 })
  expect(to.node.members()).toHaveLength(4)
})

test('mutated answers while operations wait: each of them ends', { timeout: longMs }, async () => {
  const to = await target({ timeoutMs: 200 })
  const random = new SeededRandom(fuzzSeed)
  const frames = answers.flatMap((type) => [...(to.corpus.get(type) ?? [])])
  const mutator = new Mutator(random, frames)
  const bucket = to.node.bucket('b')
  const outcomes: Promise<unknown>[] = []
  let fed = 0
  while (fed < fuzzFrames * 0.05) {
    for (let i = 0; i < 8; i++) {
      const key = `k${mutator.below(40)}`
      const operation = i % 2 === 0 ? bucket.get(key, { r: 3 }) : bucket.put(key, i, { w: 3 })
      outcomes.push(operation.catch(() => undefined))
    }
    const many = Array.from({ length: 4 }, (_, i) => `k${(fed + i) % 40}`)
    const writes = many.map((key) => ({ key, value: fed }))
    outcomes.push(bucket.getMany(many).catch(() => undefined))
    outcomes.push(bucket.putMany(writes, { w: 3 }).catch(() => undefined))
    for (const handler of to.dialled()) {
      const frame = mutator.next()
      if (frame.length >= 6) frame.writeUInt32LE((mutator.below(8) << 16) | mutator.below(8), 2)
      if (frame.length <= handler.frameBytesMax(frame[0]!)) handler.frame(frame, 0, frame.length)
      fed += 1
    }
    await turn()
  }
  await Promise.all(outcomes)
  expect(to.node.stats().operations.inFlight).toBe(0)
})
