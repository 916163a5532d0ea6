/** Many operations at once come to the same as each by itself, whatever the owners do; and they make few frames. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ClosedError, OverloadedError, ProtocolError } from '../../src/base/errors.ts'
import { Gathering } from '../../src/coordinator/gathering.ts'
import type { GetRequest } from '../../src/coordinator/get-request.ts'
import { startGets } from '../../src/coordinator/many-gets.ts'
import { startPuts } from '../../src/coordinator/many-puts.ts'
import type { PutRequest } from '../../src/coordinator/put-request.ts'
import { startGet } from '../../src/coordinator/quick-get.ts'
import { startPut } from '../../src/coordinator/quick-put.ts'
import type { Receipt } from '../../src/coordinator/receipt.ts'
import { storedHeaderBytes } from '../../src/replica/stored-record.ts'
import { AnswersFrame, batchBytesMax, GetsReader, PutsReader } from '../../src/rpc/batch-frame.ts'
import { packFailure } from '../../src/rpc/failure.ts'
import { plainFrame, readGet, readPut } from '../../src/rpc/frame-buffer.ts'
import { frameType } from '../../src/rpc/frame.ts'
import type { AnswerFrame } from '../../src/rpc/pending-calls.ts'
import { partition, putOf, ringOf, soon, type FakeNode } from './kit.ts'
import {
  elsewhere,
  members,
  nodeWith,
  others,
  troubles,
  type Holds,
  type Lane,
} from './store-kit.ts'

const keys = ['k0', 'k1', 'k2', 'k3'] as const
const storageKeyOf = (key: string): string => `b\0${key}`

type Call = Lane['calls'] extends Map<number, infer C> ? C : never

/** A node with a real store, and a record for each key but some. */
async function nodeWithRecords(
  absentMask: number,
  expiredMask = 0,
  holds?: Holds,
): Promise<FakeNode> {
  const has = (mask: number, i: number): boolean => ((mask >>> i) & 1) === 1
  const records = keys.map((key, i) => ({
    storageKey: storageKeyOf(key),
    value: key,
    expiresAtMs: has(expiredMask, i) ? 1 : 0,
  }))
  const present = records.filter((_, i) => !has(absentMask, i))
  const fake = await nodeWith(present, holds)
  fake.node.stats.inFlight = keys.length
  return fake
}

/** What an owner says of one key. */
interface Answer {
  readonly type: number
  readonly body?: Uint8Array
}

const refusal = packFailure(new OverloadedError('no'))
const nonsense = packFailure(new ProtocolError('what?'))

/** By what owners do; `version`: whether the coordinator has told one. */
const answersTo = {
  agree: (isPut: boolean, version: boolean): Answer =>
    isPut ? { type: frameType.stored } : { type: version ? frameType.same : frameType.absent },
  differ: (isPut: boolean): Answer =>
    isPut
      ? { type: frameType.stored }
      : { type: frameType.record, body: elsewhere.subarray(storedHeaderBytes) },
  lack: (isPut: boolean): Answer =>
    isPut ? { type: frameType.failed, body: nonsense } : { type: frameType.absent },
  refuse: (): Answer => ({ type: frameType.failed, body: refusal }),
} as const

type Saying = keyof typeof answersTo

const deeds = {
  ...troubles,
  refuseAll: (lane: Lane) => lane.answer(frameType.failed, refusal),
} as const

/** Answers everything that waits in the lane: of each key what is said of it, the others with `rest`. */
function answerAll(lane: Lane, says: { mask: number; about: Saying; rest: Saying }): void {
  const calls = [...lane.calls.values()]
  lane.calls.clear()
  const answerOf = (key: string, isPut: boolean, version: boolean): Answer => {
    const index = keys.findIndex((each) => storageKeyOf(each) === key)
    const saying = ((says.mask >>> index) & 1) === 1 ? says.about : says.rest
    return answersTo[saying](isPut, version)
  }
  for (const call of calls) answerOne(call, answerOf)
}

function answerOne(
  { sink, tag, frame }: Call,
  answerOf: (key: string, isPut: boolean, version: boolean) => Answer,
): void {
  const tell = ({ type, body = new Uint8Array(0) }: Answer): void =>
    sink.answered(tag, { type, flags: 0, bytes: body, bodyStart: 0, end: body.length })
  if (frame[0] === frameType.put)
    return tell(answerOf(readPut(frame, 0, frame.length)!.key, true, false))
  if (frame[0] === frameType.get) {
    const { key, versionStart } = readGet(frame, 0, frame.length)!
    return tell(answerOf(key, false, versionStart < frame.length))
  }
  const answers: Answer[] = []
  const isPut = frame[0] === frameType.puts
  const items = isPut
    ? new PutsReader(frame, 0, frame.length)
    : new GetsReader(frame, 0, frame.length)
  while (items.next()) {
    const version = items instanceof GetsReader && items.versionStart < items.versionEnd
    answers.push(answerOf(items.key, isPut, version))
  }
  sink.answered(tag, answersOf(answers))
}

/** One answer for many keys, in their order. */
function answersOf(answers: readonly Answer[]): AnswerFrame {
  const frame = new AnswersFrame(0)
  answers.forEach(({ type, body }, i) => frame.add(i, plainFrame({ type, flags: 0, id: 0 }, body)))
  const { bytes, end } = frame.done()
  const copy = Buffer.from(bytes.subarray(0, end))
  return { type: frameType.answers, flags: 0, bytes: copy, bodyStart: 6, end }
}

/** What an owner, or time, does next. */
type Step =
  | { lane: number; mask: number; about: Saying; rest: Saying }
  | { lane: number; does: keyof typeof deeds }
  | { passMs: number }

const lane = fc.nat(members.length - 1)
const saying = fc.constantFrom(...(Object.keys(answersTo) as Saying[]))
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ lane, mask: fc.nat(15), about: saying, rest: saying }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      lane,
      does: fc.constantFrom(...(Object.keys(deeds) as (keyof typeof deeds)[])),
    }),
  },
  { weight: 1, arbitrary: fc.record({ passMs: fc.constantFrom(20, 120, 600) }) },
)

interface How {
  readonly needed: number
  readonly sloppy: boolean
  readonly deafAtFirst: boolean
  /** Keys that this node has nothing of. */
  readonly absentMask: number
  /** Keys whose value is over. */
  readonly expiredMask: number
}

const setting: fc.Arbitrary<How> = fc.record({
  needed: fc.constantFrom(1, 2, 3),
  sloppy: fc.boolean(),
  deafAtFirst: fc.boolean(),
  absentMask: fc.nat(15),
  expiredMask: fc.constantFrom(0, 0, 1, 6),
})

/** Everything that can be seen of the operations under a script. */
async function story(
  begin: (fake: FakeNode) => Promise<unknown>[],
  script: readonly Step[],
  how: How,
): Promise<unknown> {
  const holds: Holds = { kept: 0 }
  const fake = await nodeWithRecords(how.absentMask, how.expiredMask, holds)
  fake.clock.pass(10)
  if (how.deafAtFirst) fake.lane(others[0]).refusal = new ClosedError('deaf')
  const seen: unknown[] = []
  const told: unknown[] = []
  const settled = begin(fake).map((each, i) =>
    each.then(
      (result) => (told[i] = result),
      (error: { code: string }) => (told[i] = error.code),
    ),
  )
  for (const each of script) {
    if ('passMs' in each) fake.clock.pass(each.passMs)
    else if ('does' in each) deeds[each.does](fake.lane(members[each.lane]!))
    else answerAll(fake.lane(members[each.lane]!), each)
    await soon()
    seen.push(fake.node.stats.inFlight)
  }
  fake.clock.pass(5_000)
  await Promise.all(settled)
  fake.clock.pass(5_000)
  await soon()
  // Nothing that is over keeps any of the storage's memory.
  expect(holds.kept).toBe(0)
  const stored = keys.map((key) => {
    const record = fake.node.store.read(partition, storageKeyOf(key)) as Uint8Array | undefined
    return record && Buffer.from(record).toString('hex')
  })
  return {
    seen,
    told,
    stored,
    kept: fake.kept.toSorted(),
    stats: fake.node.stats,
    deadlines: fake.node.wheel.size,
    waiting: members.map((id) => fake.lane(id).calls.size),
    load: members.map((id) => fake.lane(id).load.inFlight),
  }
}

const getOf = (key: string, more: Partial<GetRequest>): GetRequest => ({
  bucket: 'b',
  key,
  partition,
  storageKey: storageKeyOf(key),
  timeoutMs: 1_000,
  kind: 'siblings',
  readRepair: 'blocking',
  needed: 2,
  sloppy: true,
  ...more,
})

const told: Parameters<typeof startGet<string>>[2] = (_, found) =>
  found === undefined
    ? 'nothing'
    : Buffer.from(found.bytes.subarray(found.start, found.end)).toString('hex')

/** What becomes of each, as it would be told alone; all are told when the last is there. */
function each<T>(gathering: Gathering<T>, count: number): Promise<T>[] {
  return Array.from({ length: count }, async (_, i) => {
    const { results, errors } = await gathering.promise
    if (errors.has(i)) throw errors.get(i) as Error
    return results[i]!
  })
}

function putsAtOnce(fake: FakeNode, puts: readonly PutRequest[]): Promise<unknown>[] {
  const writes = new Gathering<Receipt>(puts.length, false)
  startPuts(fake.node, puts, writes, () => 'id')
  return each(writes, puts.length).map((write) => write.then(shown))
}

function getsAtOnce(fake: FakeNode, gets: readonly GetRequest[]): Promise<string>[] {
  const reads = new Gathering<string>(gets.length, false)
  startGets(fake.node, gets, told, reads)
  return each(reads, gets.length)
}

const shown = (receipt: Receipt): unknown => JSON.parse(JSON.stringify(receipt))

describe('many at once', () => {
  test('writes come to the same as each by itself', async () => {
    await fc.assert(
      fc.asyncProperty(setting, fc.array(step, { maxLength: 10 }), async (how, script) => {
        const { needed, sloppy } = how
        const puts = keys.map((key) =>
          putOf({ needed, sloppy, key, storageKey: storageKeyOf(key) }),
        )
        const batch = await story((fake) => putsAtOnce(fake, puts), script, how)
        const single = (fake: FakeNode): Promise<unknown>[] =>
          puts.map((put) => startPut(fake.node, put).then(shown))
        expect(batch).toEqual(await story(single, script, how))
      }),
      { numRuns: 1_000 },
    )
  })

  test('reads come to the same as each by itself', async () => {
    await fc.assert(
      fc.asyncProperty(setting, fc.array(step, { maxLength: 10 }), async (how, script) => {
        const { needed, sloppy } = how
        const gets = keys.map((key) => getOf(key, { needed, sloppy }))
        const batch = await story((fake) => getsAtOnce(fake, gets), script, how)
        const single = (fake: FakeNode): Promise<unknown>[] =>
          gets.map((get) => {
            fake.node.stats.gets += 1
            return startGet(fake.node, get, told)
          })
        const alone = await story(single, script, how)
        expect(batch).toEqual(alone)
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('frames', () => {
  test('one to each owner that has to be asked, and one deadline', async () => {
    const fake = await nodeWithRecords(0b0100)
    const reading = Promise.all(
      getsAtOnce(
        fake,
        keys.map((key) => getOf(key, {})),
      ),
    )
    expect(others.map((id) => fake.lane(id).made)).toEqual([1, 1])
    expect(fake.node.wheel.size).toBe(2)
    expect(others.map((id) => fake.lane(id).load.inFlight)).toEqual([2, 2])
    for (const id of others) answerAll(fake.lane(id), { mask: 0, about: 'agree', rest: 'agree' })
    const read = await reading
    expect(read.map((each) => each === 'nothing')).toEqual([false, false, true, false])
    expect(fake.node.wheel.size).toBe(0)
    expect(others.map((id) => fake.lane(id).load.inFlight)).toEqual([0, 0])
  })

  test('of writes one to each owner, also for keys that are new', async () => {
    const fake = await nodeWithRecords(0b0110)
    const puts = keys.map((key) => putOf({ key, storageKey: storageKeyOf(key) }))
    const writing = Promise.all(putsAtOnce(fake, puts))
    expect(others.map((id) => fake.lane(id).made)).toEqual([1, 1])
    expect(fake.node.wheel.size).toBe(1)
    answerAll(fake.lane(others[0]), { mask: 0, about: 'agree', rest: 'agree' })
    expect(await writing).toHaveLength(4)
    expect(fake.node.wheel.size).toBe(1)
    answerAll(fake.lane(others[1]), { mask: 0, about: 'agree', rest: 'agree' })
    expect(fake.node.wheel.size).toBe(0)
  })

  test('no longer than they may be: the rest goes in further ones', async () => {
    const fake = await nodeWithRecords(0)
    const value = new Uint8Array(batchBytesMax / 4)
    const puts = Array.from({ length: 10 }, (_, i) =>
      putOf({ key: `n${i}`, storageKey: `b\0n${i}`, value }),
    )
    fake.node.stats.inFlight = puts.length
    const writing = putsAtOnce(fake, puts)
    const { calls } = fake.lane(others[0])
    expect(calls.size).toBe(4)
    for (const { frame } of calls.values()) expect(frame.length).toBeLessThan(batchBytesMax + 100)
    for (const id of others) answerAll(fake.lane(id), { mask: 0, about: 'agree', rest: 'agree' })
    await Promise.all(writing)
    expect(fake.node.stats.inFlight).toBe(0)
  })
})

test('a read that begins anew takes no answer that was meant for what it was before', async () => {
  const fake = await nodeWithRecords(0)
  const asked = keys.slice(0, 3).map((key) => getOf(key, {}))
  const reading = Promise.all(getsAtOnce(fake, asked))
  fake.node.stats.inFlight = 3
  // The first and the third ask one owner, the second the other one; each hedges at the other's.
  fake.clock.pass(120)
  const [one, two] = others.map((id) => fake.lane(id)) as [Lane, Lane]
  expect([two.made, one.made]).toEqual([2, 3])
  const takeOut = (lane: Lane, isIt: (frame: Buffer) => boolean): Call => {
    const [id, call] = [...lane.calls].find(([, { frame }]) => isIt(frame))!
    lane.calls.delete(id)
    return call
  }
  fake.setRing(ringOf(members, { epoch: 2 }))
  const hedge = takeOut(one, (frame) => frame.includes('k0'))
  const nothing = new Uint8Array(0)
  const otherEpoch = { flags: 0, bytes: nothing, bodyStart: 0, end: 0, type: frameType.otherEpoch }
  hedge.sink.answered(hedge.tag, otherEpoch)
  const same = { type: frameType.same }
  const early = takeOut(two, (frame) => frame[0] === frameType.gets)
  early.sink.answered(early.tag, answersOf([same, same]))
  await soon()
  expect(fake.node.stats.inFlight).toBe(2)
  for (const each of [two, one]) answerAll(each, { mask: 0, about: 'agree', rest: 'agree' })
  await reading
  expect(fake.node.stats.inFlight).toBe(0)
})
