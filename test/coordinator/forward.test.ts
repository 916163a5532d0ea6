/** Writes on their way to an owner, and what too much of them does. */
import { describe, expect, test } from 'vitest'
import {
  ClosedError,
  OverloadedError,
  StorageError,
  TopologyBusyError,
  type StoreError,
} from '../../src/base/errors.ts'
import { routePut } from '../../src/coordinator/forward.ts'
import { ForwardedPuts } from '../../src/coordinator/forwarded-puts.ts'
import { PutOperation } from '../../src/coordinator/put.ts'
import { storedHeaderBytes } from '../../src/replica/stored-record.ts'
import type { Ring } from '../../src/ring/ring.ts'
import { packFailure, unpackFailure } from '../../src/rpc/failure.ts'
import { answerHeadBytes, frameType } from '../../src/rpc/frame.ts'
import { forwardFrame, receiptFrame, type ToldReceipt } from '../../src/rpc/forward-frame.ts'
import { requestId, setRequestId, type Frame } from '../../src/rpc/frame-buffer.ts'
import { contentOf } from '../../src/versions/context.ts'
import { fakeNode, firstRecord, partition, putOf, ringOf, soon, type FakeNode } from './kit.ts'

const members = ['a', 'b', 'c', 'd']
const ring: Ring = ringOf(members)
const owners = ring.owners(partition)
const outsider = members.find((id) => !owners.includes(id))!
const codeOf = (error: unknown): string => (error as StoreError).code

const stored = firstRecord('v')

describe('an owner that answers a forwarded write', () => {
  const nothingHappened = [
    new TopologyBusyError('no copy'),
    new ClosedError('closing'),
    new OverloadedError('busy'),
  ]
  test.each(nothingHappened)('with $code lets the next one take it', async (error) => {
    const fake = fakeNode(outsider, ring)
    const put = routePut(fake.node, putOf(), () => 'id').catch(codeOf)
    fake.lane(owners[0]!).answer(frameType.failed, packFailure(error))
    await soon()
    expect(fake.lane(owners[1]!).made).toBe(1)
    fake.lane(owners[1]!).answer(frameType.failed, packFailure(new StorageError('full')))
    expect(await put).toBe('ERR_STORAGE')
    expect(fake.node.stats.inFlight).toBe(0)
  })

  const head = {
    head: Buffer.from(stored.subarray(storedHeaderBytes)).toString('latin1', 0, 28),
    stamp: 0,
  }
  const sound = {
    nodes: undefined,
    storedMask: 3,
    fallbackMask: 0,
    durableMask: 0,
    hinted: [],
    context: head,
  }
  const bodyOf = (told: ToldReceipt): { body: Uint8Array; flags: number } => {
    const { bytes, end } = receiptFrame(1, told)
    return { body: Buffer.from(bytes.subarray(answerHeadBytes, end)), flags: bytes[1]! }
  }

  test('with a receipt is believed: who has the write, under which context', async () => {
    const fake = fakeNode(outsider, ring)
    const put = routePut(fake.node, putOf(), () => 'id')
    const { body, flags } = bodyOf(sound)
    fake.lane(owners[0]!).answer(frameType.receipt, body, flags)
    const { acknowledged, context } = await put
    expect(acknowledged.map(({ node }) => node)).toEqual(owners.slice(0, 2))
    expect(
      contentOf(context, { cluster: fake.node.cluster(), bucket: 'b', key: 'k' }).causal.vector,
    ).toHaveLength(1)
    expect([fake.node.stats.inFlight, fake.node.wheel.size]).toEqual([0, 0])
  })

  test.each<[string, number, Partial<ToldReceipt> | undefined]>([
    ['the answer to another request', frameType.stored, undefined],
    ['no receipt', frameType.receipt, undefined],
    ['a context of nothing', frameType.receipt, { context: { head: 'nonsense', stamp: 0 } }],
    ['a context that is damaged', frameType.receipt, { context: 'no context' }],
    ['an impossible stamp', frameType.receipt, { context: { ...head, stamp: -1 } }],
    ['replicas that do not exist', frameType.receipt, { storedMask: 8 }],
  ])('nonsense leaves the write uncertain, and counted out: %s', async (_, type, more) => {
    const fake = fakeNode(outsider, ring)
    const put = routePut(fake.node, putOf(), () => 'id').catch(codeOf)
    const told = more === undefined ? undefined : bodyOf({ ...sound, ...more })
    fake.lane(owners[0]!).answer(type, told?.body, told?.flags)
    expect(await put).toBe('ERR_WRITE_UNCERTAIN')
    expect([fake.node.stats.inFlight, fake.node.wheel.size]).toEqual([0, 0])
  })

  test('not at all in time leaves the write uncertain, and nobody else is asked', async () => {
    const fake = fakeNode(outsider, ring)
    const put = routePut(fake.node, putOf(), () => 'id').catch(codeOf)
    fake.clock.pass(1_100)
    expect(await put).toBe('ERR_WRITE_UNCERTAIN')
    expect(fake.lane(owners[0]!).calls.size).toBe(0)
    expect(fake.lane(owners[1]!).made).toBe(0)
    expect([fake.node.stats.inFlight, fake.node.wheel.size]).toEqual([0, 0])
  })

  test('no more: one whose connection ends may have done it', async () => {
    const fake = fakeNode(outsider, ring)
    const put = routePut(fake.node, putOf(), () => 'id').catch(codeOf)
    fake.lane(owners[0]!).fail(new ClosedError('gone'), true)
    expect(await put).toBe('ERR_WRITE_UNCERTAIN')
    expect(fake.lane(owners[1]!).made).toBe(0)
  })
})

/** An owner that is sent a forwarded write, any number of times, and what it answered, in order. */
class Owner {
  readonly fake: FakeNode = fakeNode(owners[0]!, ring)
  readonly answers: Buffer[] = []
  isClosed = false
  readonly failed: Error[] = []
  readonly #puts: ForwardedPuts

  constructor() {
    this.#puts = new ForwardedPuts(this.fake.node, {
      isClosed: () => this.isClosed,
      failed: (error) => void this.failed.push(error),
    })
  }

  get codes(): (string | number)[] {
    return this.answers.map((bytes) => {
      if (bytes[0] !== frameType.failed) return bytes[0]!
      return unpackFailure(bytes, answerHeadBytes, bytes.length).code
    })
  }

  take(more: { expiresAtMs?: number; kind?: number; key?: string } = {}): void {
    const { storageKey, value } = putOf()
    const options = {
      partition,
      kind: 1,
      needed: 2,
      sloppy: true,
      tombstone: false,
      expiresAtMs: 0,
    }
    const write = { ...options, writeId: 'id', key: storageKey, context: undefined, ...more }
    const frame = forwardFrame({ epoch: ring.epoch, timeLeftMs: 1_000 }, write, value)
    setRequestId(frame.bytes, 7)
    const bytes = Buffer.from(frame.bytes.subarray(0, frame.end))
    const send = ({ bytes: sent, end }: Frame): boolean => {
      this.answers.push(Buffer.from(sent.subarray(0, end)))
      return true
    }
    this.#puts.answer(
      { send, fail: (error) => void this.failed.push(error) },
      bytes,
      0,
      bytes.length,
    )
  }
}

describe('a forwarded write', () => {
  test.each([
    { expiresAtMs: -1 },
    { expiresAtMs: NaN },
    { expiresAtMs: Infinity },
    { expiresAtMs: -Infinity },
    { kind: 9 },
    { key: 'no bucket' },
  ])('with $expiresAtMs $kind $key is malformed: no record can say so', (more) => {
    const owner = new Owner()
    owner.take(more)
    expect(owner.codes).toEqual(['ERR_PROTOCOL'])
    expect(owner.fake.node.stats.inFlight).toBe(1)
  })

  test('whose value expires some time is taken', async () => {
    const owner = new Owner()
    owner.take({ expiresAtMs: 0.5 })
    owner.fake.lane(owners[1]!).acknowledge()
    await soon()
    expect(owner.codes).toEqual([frameType.receipt])
    expect(requestId(owner.answers[0]!, 0)).toBe(7)
  })
})

describe('a forwarded write that arrives twice', () => {
  test('gets the same answer, also when the node has begun to close meanwhile', async () => {
    const owner = new Owner()
    owner.take()
    owner.isClosed = true
    owner.take()
    owner.fake.lane(owners[1]!).acknowledge()
    await soon()
    expect(owner.codes).toEqual([frameType.receipt, frameType.receipt])
    expect(owner.answers[1]).toEqual(owner.answers[0])
    expect(owner.fake.lane(owners[1]!).made).toBe(1)
  })

  test('stays refused: whoever forwarded it has gone on to another owner', async () => {
    const owner = new Owner()
    const { node } = owner.fake
    node.stats.inFlight = node.inFlightMax
    owner.take()
    await soon()
    node.stats.inFlight = 0
    owner.take()
    await soon()
    expect(owner.codes).toEqual(['ERR_OVERLOADED', 'ERR_OVERLOADED'])
    expect(owner.fake.lane(owners[1]!).made).toBe(0)
    expect(owner.failed).toEqual([])
  })

  test('is refused by a node that is closed', async () => {
    const owner = new Owner()
    owner.isClosed = true
    owner.take()
    await soon()
    expect(owner.codes).toEqual(['ERR_CLOSED'])
  })
})

describe('too much', () => {
  test('under way refuses forwarded writes too', async () => {
    const owner = new Owner()
    const { node } = owner.fake
    node.stats.inFlight = node.inFlightMax
    owner.take()
    await soon()
    expect(owner.codes).toEqual(['ERR_OVERLOADED'])
    expect(node.stats.inFlight).toBe(node.inFlightMax)
  })

  test('in the lanes to the owners refuses a write before anything is stored', async () => {
    const fake = fakeNode(owners[0]!, ring)
    let writes = 0
    const { write } = fake.store as { write: () => unknown }
    fake.store.write = () => {
      writes += 1
      return write()
    }
    fake.lane(owners[1]!).room = false
    const one = new PutOperation(fake.node, putOf()).start()
    fake.lane(owners[2]!).acknowledge()
    await one
    fake.lane(owners[2]!).room = false
    fake.node.stats.inFlight = 1
    expect(await new PutOperation(fake.node, putOf()).start().catch(codeOf)).toBe('ERR_OVERLOADED')
    expect(writes).toBe(1)
    expect(fake.node.stats.inFlight).toBe(0)
    expect(fake.lane(outsider).made).toBe(0)
  })
})
