/** When a tree is believed, and what it is made of (HAZARDS G1). */
import { describe, expect, test } from 'vitest'
import { shelf, trustedMs, type Shelf } from './kit.ts'

async function rootOf({ trees, pass }: Shelf): Promise<string> {
  return (await pass(trees.tree(0))).tree.root().join()
}

describe('the tree of a partition', () => {
  test('is another one after a write', async () => {
    const it = await shelf()
    it.put('b\0k', 'one')
    const before = await rootOf(it)
    it.put('b\0k', 'two')
    it.clock.pass(2_000)
    expect(await rootOf(it)).not.toBe(before)
  })

  test('is another one after the shortest way of a write', async () => {
    const it = await shelf()
    it.put('b\0k', 'one')
    const before = await rootOf(it)
    const region = { bytes: new Uint8Array(0), start: 0, end: 0, hold: undefined }
    it.put('b\0other', 'newer')
    await rootOf(it)
    expect(it.store.near.find(0, 'b\0other', region, 'kept')).toBe(true)
    const revision = it.revisions.of(0)
    const next = await shelf()
    next.put('b\0k', 'one')
    next.put('b\0other', 'newer')
    next.put('b\0other', 'newest')
    expect(next.store.near.find(0, 'b\0other', region, 'kept')).toBe(true)
    const record = { bytes: region.bytes, start: region.start + 8, end: region.end }
    expect(it.store.near.merge(0, 'b\0other', record)).toBe(true)
    expect(it.revisions.of(0)).not.toBe(revision)
    it.clock.pass(2_000)
    expect(await rootOf(it)).not.toBe(before)
  })

  test('is read again after a write failed, although nothing seems to have changed', async () => {
    const it = await shelf()
    it.put('b\0k', 'one')
    await rootOf(it)
    it.clock.pass(2_000)
    expect(it.trees.builtCount).toBe(1)
    await rootOf(it)
    expect(it.trees.builtCount).toBe(1)
    it.revisions.allChanged()
    await rootOf(it)
    expect(it.trees.builtCount).toBe(2)
  })

  test('is read again after a while, and finds what the storage lost by itself', async () => {
    const it = await shelf()
    it.put('b\0k', 'one')
    it.put('b\0other', 'one')
    const before = await rootOf(it)
    void it.storage.write([{ partition: 0, key: 'b\0k', value: undefined }])
    expect(await rootOf(it)).toBe(before)
    it.clock.pass(trustedMs)
    expect(await rootOf(it)).not.toBe(before)
  })

  test('has all records of many pages, and is made once for all who ask', async () => {
    const it = await shelf()
    for (let i = 0; i < 1_000; i++) it.put(`b\0${i}`, 'v')
    const asked = [it.trees.tree(0), it.trees.tree(0), it.trees.tree(0)]
    const built = await it.pass(Promise.all(asked.map(async (each) => each)))
    expect(built.map(({ tree }) => tree.records)).toEqual([1_000, 1_000, 1_000])
    expect(it.trees.builtCount).toBe(1)
  })

  test('leaves no timer behind when the node closes while it is read', async () => {
    const it = await shelf()
    for (let i = 0; i < 1_000; i++) it.put(`b\0${i}`, 'v')
    const building = it.trees.tree(0)
    await new Promise((resolve) => setImmediate(resolve))
    expect(it.clock.pending).toBe(1)
    it.trees.close()
    await building
    expect(it.clock.pending).toBe(0)
  })
})

describe('a damaged record', () => {
  test('is in no leaf, and is listed as damaged, not left out (H3)', async () => {
    const it = await shelf()
    it.put('b\0k', 'one')
    void it.storage.write([{ partition: 0, key: 'b\0bad', value: new Uint8Array(20) }])
    const built = await it.pass(it.trees.tree(0))
    expect(built.damaged).toEqual(['b\0bad'])
    expect(built.tree.records).toBe(1)
    const span = { after: undefined, upTo: undefined, fold: 1, leaves: new Set([0]) }
    const { records } = await it.pass(it.trees.list(0, span, { records: 9, ms: 9 }))
    expect(records.map(({ key, digest }) => [key, digest === undefined])).toEqual([
      ['b\0bad', true],
      ['b\0k', false],
    ])
  })
})

describe('a list of records', () => {
  test('comes in pages that together have each record of the leaves once', async () => {
    const it = await shelf()
    for (let i = 0; i < 900; i++) it.put(`b\0${i}`, 'v')
    const leaves = new Set([1, 2])
    const found: string[] = []
    let after: string | undefined
    do {
      const span = { after, upTo: undefined, fold: 4, leaves }
      const page = await it.pass(it.trees.list(0, span, { records: 50, ms: 1e9 }))
      found.push(...page.records.map(({ key }) => key))
      after = page.upTo
    } while (after !== undefined)
    const span = { after: undefined, upTo: undefined, fold: 4, leaves }
    const all = await it.pass(it.trees.list(0, span, { records: 1e9, ms: 1e9 }))
    expect(found).toEqual(all.records.map(({ key }) => key))
    expect(found.length).toBeGreaterThan(300)
    const upTo = found[99]!
    const some = await it.pass(it.trees.list(0, { ...span, upTo }, { records: 1e9, ms: 1e9 }))
    expect(some.records.map(({ key }) => key)).toEqual(found.slice(0, 100))
  })
})
