/** Writes whose storage, owners or ring do what they rarely do. */
import { describe, expect, test } from 'vitest'
import { ClosedError } from '../../src/base/errors.ts'
import { PutOperation } from '../../src/coordinator/put.ts'
import { frameType } from '../../src/rpc/frame.ts'
import { applied, fakeNode, partition, putOf, ringOf, soon, type FakeNode } from './kit.ts'

const ids = Array.from({ length: 40 }, (_, i) => `n${i}`)

function four(): { owners: readonly string[]; other: string; as: (self: string) => FakeNode } {
  const ring = ringOf(['a', 'b', 'c', 'd'])
  const owners = ring.owners(partition)
  const other = ['a', 'b', 'c', 'd'].find((id) => !owners.includes(id))!
  return { owners, other, as: (self) => fakeNode(self, ring) }
}

function codeOf(error: unknown): string {
  return (error as { code: string }).code
}

describe('a write whose deadline passes while the local storage still reads', () => {
  interface Slow {
    readonly fake: FakeNode
    readonly owners: readonly string[]
    readonly stored: (done: unknown) => void
    readonly failed: (error: Error) => void
  }

  function slow(): Slow {
    const { owners, as } = four()
    const fake = as(owners[0]!)
    let stored: (done: unknown) => void = () => undefined
    let failed: (error: Error) => void = () => undefined
    fake.store.write = () =>
      new Promise((resolve, reject) => {
        stored = resolve
        failed = reject
      })
    return { fake, owners, stored: (done) => stored(done), failed: (error) => failed(error) }
  }

  test('is uncertain, counted out once, and asks nobody, also not one that stands in', async () => {
    const { fake, owners, stored } = slow()
    fake.down.add(owners[2]!)
    const outcome = new PutOperation(fake.node, putOf()).start().catch(codeOf)
    fake.clock.pass(1_100)
    expect(await outcome).toBe('ERR_WRITE_UNCERTAIN')
    stored(applied)
    await soon()
    expect(fake.node.stats.inFlight).toBe(0)
    expect([...fake.lanes.values()].map(({ made }) => made)).toEqual(
      [...fake.lanes.values()].map(() => 0),
    )
  })

  test('still reaches the other owners, by hints, once it is stored', async () => {
    const { fake, owners, stored } = slow()
    const outcome = new PutOperation(fake.node, putOf()).start().catch(codeOf)
    fake.clock.pass(1_100)
    await outcome
    expect(fake.kept).toEqual([])
    stored(applied)
    await soon()
    expect(fake.kept.toSorted()).toEqual(owners.slice(1).toSorted())
  })

  test('is counted out once when the storage fails after that', async () => {
    const { fake, failed } = slow()
    const outcome = new PutOperation(fake.node, putOf()).start().catch(codeOf)
    fake.clock.pass(1_100)
    await outcome
    failed(new Error('disk'))
    await soon()
    expect(fake.node.stats).toMatchObject({ inFlight: 0, failed: 1 })
  })
})

describe('a connection that breaks', () => {
  test('is worth another one: the owner gets the write again, and a hint only after that', () => {
    const { owners, as } = four()
    const fake = as(owners[0]!)
    void new PutOperation(fake.node, putOf()).start().catch(codeOf)
    fake.lane(owners[1]!).fail(new ClosedError('half open'), true)
    fake.lane(owners[1]!).fail(new ClosedError('half open'), true)
    expect(fake.lane(owners[1]!).made).toBe(3)
    expect(fake.kept).toEqual([])
    fake.lane(owners[1]!).fail(new ClosedError('gone'), true)
    expect(fake.lane(owners[1]!).made).toBe(3)
    expect(fake.kept).toEqual([owners[1]])
  })
})

describe('a coordinator that owns no copy', () => {
  test('stands in for the owner that failed, not for another one', async () => {
    const { owners, other, as } = four()
    const fake = as(other)
    const put = new PutOperation(fake.node, putOf()).start()
    fake.lane(owners[0]!).acknowledge()
    await soon()
    fake.lane(owners[1]!).fail(new ClosedError('gone'))
    const receipt = await put
    expect(fake.kept).toEqual([owners[1]])
    expect(receipt.hinted).toEqual([owners[1]])
    expect(receipt.acknowledged.map(({ node, role }) => [node, role])).toEqual([
      [owners[0], 'primary'],
      [other, 'fallback'],
    ])
  })

  test('counts for nothing while no owner has failed', async () => {
    const { owners, other, as } = four()
    const fake = as(other)
    const put = new PutOperation(fake.node, putOf()).start()
    fake.lane(owners[0]!).acknowledge()
    fake.lane(owners[1]!).acknowledge()
    const receipt = await put
    expect(receipt.hinted).toEqual([])
    expect(receipt.acknowledged.map(({ node }) => node)).toEqual([owners[0], owners[1]])
  })
})

describe('replicas that work under another epoch', () => {
  test('have three retries each, not three together', async () => {
    const { owners, as } = four()
    const fake = as(owners[0]!)
    const put = new PutOperation(fake.node, putOf({ needed: 3 })).start()
    for (let i = 0; i < 3; i++) {
      fake.lane(owners[1]!).answer(frameType.otherEpoch)
      fake.lane(owners[2]!).answer(frameType.otherEpoch)
    }
    fake.lane(owners[1]!).acknowledge()
    fake.lane(owners[2]!).acknowledge()
    expect((await put).acknowledged).toHaveLength(3)
    expect(fake.kept).toEqual([])
  })

  test('never make more replicas than a tally can count', async () => {
    const ring = ringOf(ids, { n: 15 })
    const owners = ring.owners(partition)
    const fake = fakeNode(owners[0]!, ring)
    const refused = ids.filter((id) => id !== owners[0] && id !== owners[1])
    for (const id of refused) fake.lane(id).refusal = new ClosedError('down')
    const put = new PutOperation(fake.node, putOf({ needed: 15 })).start().catch(codeOf)
    const after = ringOf(ids.slice(20).concat('x1', 'x2', 'x3', 'x4', 'x5'), { n: 15, epoch: 2 })
    fake.setRing(after)
    expect(() => fake.lane(owners[1]!).answer(frameType.otherEpoch)).not.toThrow()
    fake.clock.pass(1_100)
    expect(await put).toBe('ERR_WRITE_UNCERTAIN')
    const others = after.owners(partition).filter((id) => id !== owners[0])
    for (const id of others) expect(fake.kept).toContain(id)
  })
})
