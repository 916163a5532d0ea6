/** Writes on their way to an owner, and what too much of them does. */
import { describe, expect, test } from 'vitest'
import {
  ClosedError,
  OverloadedError,
  StorageError,
  TopologyBusyError,
  type StoreError,
} from '../../src/base/errors.ts'
import { ForwardedPuts, routePut } from '../../src/coordinator/forward.ts'
import { PutOperation } from '../../src/coordinator/put.ts'
import type { Ring } from '../../src/ring/ring.ts'
import { packFailure } from '../../src/rpc/failure.ts'
import { frameType } from '../../src/rpc/frame.ts'
import { pack } from '../../src/rpc/pack.ts'
import { fakeNode, partition, putOf, ringOf, soon } from './kit.ts'

const members = ['a', 'b', 'c', 'd']
const ring: Ring = ringOf(members)
const owners = ring.owners(partition)
const outsider = members.find((id) => !owners.includes(id))!
const codeOf = (error: unknown): string => (error as StoreError).code

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

  test('nonsense leaves the write uncertain, and counted out', async () => {
    const fake = fakeNode(outsider, ring)
    const put = routePut(fake.node, putOf(), () => 'id').catch(codeOf)
    fake.lane(owners[0]!).answer(frameType.result, pack(['no context', [1], []]))
    expect(await put).toBe('ERR_WRITE_UNCERTAIN')
    expect(fake.node.stats.inFlight).toBe(0)
  })

  test('no more: one whose connection ends may have done it', async () => {
    const fake = fakeNode(outsider, ring)
    const put = routePut(fake.node, putOf(), () => 'id').catch(codeOf)
    fake.lane(owners[0]!).fail(new ClosedError('gone'), true)
    expect(await put).toBe('ERR_WRITE_UNCERTAIN')
    expect(fake.lane(owners[1]!).made).toBe(0)
  })
})

const tuple = (expiresAtMs = 0): readonly unknown[] => {
  const { bucket, key, storageKey, kind, value } = putOf()
  const head = ['put', 'id', bucket, key, partition, storageKey, kind]
  return [...head, 2, true, 1_000, false, expiresAtMs, null, Buffer.from(value)]
}

describe('a forwarded write whose value expires', () => {
  test.each([-1, NaN, Infinity, -Infinity])('at %s is malformed: no record can say so', (atMs) => {
    const fake = fakeNode(owners[0]!, ring)
    const puts = new ForwardedPuts(fake.node, () => false)
    expect(() => puts.coordinate(tuple(atMs))).toThrow('a malformed forwarded write')
    expect(fake.node.stats.inFlight).toBe(1)
  })

  test('some time is taken', async () => {
    const fake = fakeNode(owners[0]!, ring)
    const puts = new ForwardedPuts(fake.node, () => false)
    const answer = puts.coordinate(tuple(0.5))
    fake.lane(owners[1]!).acknowledge()
    expect(await answer).toHaveLength(3)
  })
})

describe('a forwarded write that arrives twice', () => {
  test('gets the same answer, also when the node has begun to close meanwhile', async () => {
    const fake = fakeNode(owners[0]!, ring)
    let isClosed = false
    const puts = new ForwardedPuts(fake.node, () => isClosed)
    const first = puts.coordinate(tuple())
    isClosed = true
    const second = puts.coordinate(tuple())
    fake.lane(owners[1]!).acknowledge()
    expect(await second).toEqual(await first)
    expect(fake.lane(owners[1]!).made).toBe(1)
  })

  test('stays refused: whoever forwarded it has gone on to another owner', async () => {
    const fake = fakeNode(owners[0]!, ring)
    const puts = new ForwardedPuts(fake.node, () => false)
    fake.node.stats.inFlight = fake.node.inFlightMax
    expect(await puts.coordinate(tuple()).catch(codeOf)).toBe('ERR_OVERLOADED')
    fake.node.stats.inFlight = 0
    expect(await puts.coordinate(tuple()).catch(codeOf)).toBe('ERR_OVERLOADED')
    expect(fake.lane(owners[1]!).made).toBe(0)
  })

  test('is refused by a node that is closed', async () => {
    const puts = new ForwardedPuts(fakeNode(owners[0]!, ring).node, () => true)
    expect(await puts.coordinate(tuple()).catch(codeOf)).toBe('ERR_CLOSED')
  })
})

describe('too much', () => {
  test('under way refuses forwarded writes too', async () => {
    const fake = fakeNode(owners[0]!, ring)
    fake.node.stats.inFlight = fake.node.inFlightMax
    const puts = new ForwardedPuts(fake.node, () => false)
    expect(await puts.coordinate(tuple()).catch(codeOf)).toBe('ERR_OVERLOADED')
    expect(fake.node.stats.inFlight).toBe(fake.node.inFlightMax)
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
