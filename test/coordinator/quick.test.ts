/** The short ways of reads and writes come to the same as the long ones, whatever the owners do. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ClosedError, OverloadedError } from '../../src/base/errors.ts'
import type { GetRequest } from '../../src/coordinator/get-request.ts'
import { GetOperation } from '../../src/coordinator/get.ts'
import { PutOperation } from '../../src/coordinator/put.ts'
import { startGet } from '../../src/coordinator/quick-get.ts'
import { startPut } from '../../src/coordinator/quick-put.ts'
import { storedHeaderBytes } from '../../src/replica/stored-record.ts'
import { packFailure } from '../../src/rpc/failure.ts'
import { frameType } from '../../src/rpc/frame.ts'
import { partition, putOf, soon, storageKey, type FakeNode } from './kit.ts'
import {
  elsewhere,
  members,
  nodeWith,
  others,
  ring,
  troubles,
  type Holds,
  type Lane,
} from './store-kit.ts'

/** A node with a real store, and a record in it. */
function nodeWithRecord(expiresAtMs = 0, holds?: Holds): Promise<FakeNode> {
  return nodeWith([{ storageKey, value: 'first', expiresAtMs }], holds)
}

/** What an owner, or time, does next. */
type Step = { lane: number; does: keyof typeof deeds } | { passMs: number }

const deeds = {
  ...troubles,
  agree: (lane: Lane, isPut: boolean) => lane.answer(isPut ? frameType.stored : frameType.same),
  differ: (lane: Lane, isPut: boolean) =>
    isPut
      ? lane.answer(frameType.stored)
      : lane.answer(frameType.record, elsewhere.subarray(storedHeaderBytes)),
  lack: (lane: Lane) => lane.answer(frameType.absent),
  refuse: (lane: Lane) => lane.answer(frameType.failed, packFailure(new OverloadedError('no'))),
} as const

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      lane: fc.nat(members.length - 1),
      does: fc.constantFrom(...(Object.keys(deeds) as (keyof typeof deeds)[])),
    }),
  },
  { weight: 1, arbitrary: fc.record({ passMs: fc.constantFrom(20, 120, 600) }) },
)

/** Everything that can be seen of one operation under a script. */
async function story(
  begin: (fake: FakeNode) => Promise<unknown>,
  script: readonly Step[],
  {
    deafAtFirst,
    isPut,
    expiresAtMs,
  }: { deafAtFirst: boolean; isPut: boolean; expiresAtMs: number },
): Promise<unknown> {
  const holds: Holds = { kept: 0 }
  const fake = await nodeWithRecord(expiresAtMs, holds)
  fake.clock.pass(1)
  if (deafAtFirst) fake.lane(others[0]).refusal = new ClosedError('deaf')
  const seen: unknown[] = []
  const settled = begin(fake).then(
    (result) => seen.push(result),
    (error: { code: string }) => seen.push(error.code),
  )
  for (const each of script) {
    if ('passMs' in each) fake.clock.pass(each.passMs)
    else deeds[each.does](fake.lane(members[each.lane]!), isPut)
    await soon()
    seen.push([fake.node.stats.inFlight, ...members.map((id) => fake.lane(id).made)])
  }
  fake.clock.pass(5_000)
  await settled
  fake.clock.pass(5_000)
  await soon()
  // Nothing that is over keeps any of the storage's memory.
  expect(holds.kept).toBe(0)
  const stored = Buffer.from(fake.node.store.read(partition, storageKey) as Uint8Array)
  return {
    seen,
    stored: stored.toString('hex'),
    kept: fake.kept,
    stats: fake.node.stats,
    deadlines: fake.node.wheel.size,
  }
}

function getOf(more: Pick<GetRequest, 'needed' | 'sloppy'>): GetRequest {
  const key = { bucket: 'b', key: 'k', partition, storageKey, timeoutMs: 1_000 }
  return { ...key, kind: 'siblings', readRepair: 'blocking', ...more }
}

/** The record that a read tells. */
const tell: Parameters<typeof startGet<string>>[2] = (_, found) =>
  found === undefined
    ? 'nothing'
    : Buffer.from(found.bytes.subarray(found.start, found.end)).toString('hex')

const setting = fc.record({
  needed: fc.constantFrom(1, 2, 3),
  sloppy: fc.boolean(),
  deafAtFirst: fc.boolean(),
  /** Of the record here: never, soon, or before the story begins. */
  expiresAtMs: fc.constantFrom(0, 50, 1),
})

describe('the short way', () => {
  test('of a write comes to the same as the long one', async () => {
    await fc.assert(
      fc.asyncProperty(setting, fc.array(step, { maxLength: 12 }), async (how, script) => {
        const put = putOf({ needed: how.needed, sloppy: how.sloppy })
        const told = (receipt: unknown): unknown => JSON.parse(JSON.stringify(receipt))
        const options = { ...how, isPut: true }
        const short = await story((fake) => startPut(fake.node, put).then(told), script, options)
        const long = (fake: FakeNode): Promise<unknown> =>
          new PutOperation(fake.node, put).start().then(told)
        expect(short).toEqual(await story(long, script, options))
      }),
      { numRuns: 1_000 },
    )
  })

  test('of a read comes to the same as the long one', async () => {
    await fc.assert(
      fc.asyncProperty(setting, fc.array(step, { maxLength: 12 }), async (how, script) => {
        const request = getOf({ needed: how.needed, sloppy: how.sloppy })
        const options = { ...how, isPut: false }
        const short = await story((fake) => startGet(fake.node, request, tell), script, options)
        const long = (fake: FakeNode): Promise<unknown> =>
          new GetOperation(fake.node, request, tell).start()
        expect(short).toEqual(await story(long, script, options))
      }),
      { numRuns: 1_000 },
    )
  })

  test('of a read is left when the value has expired once the answer is there', async () => {
    const fake = await nodeWithRecord(2)
    const read = startGet(fake.node, getOf({ needed: 2, sloppy: false }), tell)
    fake.clock.pass(2)
    // Whoever was asked says that it has the same; then both are sent the end of the value.
    fake.lane(others.find((id) => fake.lane(id).made > 0)!).answer(frameType.same)
    await soon()
    for (const id of others) fake.lane(id).acknowledge()
    expect(await read).not.toContain(Buffer.from('first').toString('hex'))
    expect(fake.node.stats.expired).toBe(1)
    expect(others.map((id) => fake.lane(id).made).toSorted((a, b) => a - b)).toEqual([1, 2])
  })

  test('is taken: a write that all owners take makes no whole operation', async () => {
    const fake = await nodeWithRecord()
    const { write } = fake.store
    fake.store.write = () => {
      throw new Error('the long way')
    }
    const put = startPut(fake.node, putOf())
    fake.lane(others[0]).acknowledge()
    expect((await put).acknowledged.map(({ node }) => node)).toEqual(
      ring.owners(partition).filter((id) => id !== others[1]),
    )
    expect(fake.node.stats.inFlight).toBe(0)
    expect(fake.node.wheel.size).toBe(1)
    fake.lane(others[1]).acknowledge()
    expect(fake.node.wheel.size).toBe(0)
    expect(write).not.toBe(fake.store.write)
  })
})
