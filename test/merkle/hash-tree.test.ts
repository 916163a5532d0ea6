import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  digestOf,
  HashTree,
  isSameDigest,
  leafCount,
  leafOf,
  leavesFor,
} from '../../src/merkle/hash-tree.ts'
import { RecordDigest } from '../../src/merkle/record-digest.ts'

type Item = readonly [key: string, bytes: Uint8Array]

const items = fc.uniqueArray(
  fc.tuple(fc.string({ minLength: 1 }), fc.uint8Array({ minLength: 1 })),
  {
    selector: ([key]) => key,
    maxLength: 60,
  },
)

function digested([key, bytes]: Item, ofCluster = 7): Uint8Array {
  const digest = new RecordDigest(ofCluster)
  digest.compute(key, bytes, 0, bytes.length)
  return digestOf(digest)
}

function treeOf(list: readonly Item[], leaves = 16): HashTree {
  const tree = new HashTree(leaves)
  const digest = new RecordDigest(7)
  for (const [key, bytes] of list) {
    digest.compute(key, bytes, 0, bytes.length)
    tree.add(digest)
  }
  return tree
}

describe('the digest of a record', () => {
  test('is another one when any bit of it is another one (G2)', () => {
    const bytes = Uint8Array.from({ length: 103 }, (_, i) => i * 7)
    const seen = new Set([digested(['key', bytes]).join()])
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const other = bytes.slice()
      other[bit >> 3]! ^= 1 << (bit & 7)
      seen.add(digested(['key', other]).join())
    }
    expect(seen.size).toBe(1 + bytes.length * 8)
  })

  test('is another one under another key, in another cluster, and with a zero more', () => {
    const bytes = Uint8Array.of(1, 2, 3, 0)
    const all = [
      digested(['a', bytes]),
      digested(['b', bytes]),
      digested(['a', bytes], 8),
      digested(['a', Uint8Array.of(1, 2, 3, 0, 0)]),
      digested(['a', Uint8Array.of(1, 2, 3)]),
    ]
    expect(new Set(all.map((each) => each.join())).size).toBe(all.length)
  })

  test('has no two alike among 200 000 records that differ in a counter', () => {
    const seen = new Set<string>()
    const bytes = new Uint8Array(60)
    for (let i = 0; i < 200_000; i++) {
      bytes[20] = i
      bytes[21] = i >> 8
      bytes[22] = i >> 16
      seen.add(digested(['key', bytes]).join())
    }
    expect(seen.size).toBe(200_000)
  })
})

describe('a hash tree', () => {
  test('is the same whatever the order of its records', () => {
    fc.assert(
      fc.property(items, (list) => {
        const root = treeOf(list).root()
        expect(treeOf(list.toReversed()).root()).toEqual(root)
      }),
    )
  })

  test('differs in exactly the leaves whose records differ', () => {
    fc.assert(
      fc.property(items, items, fc.constantFrom(1, 4, 16), (mine, theirs, told) => {
        const tree = treeOf(mine)
        const digest = new RecordDigest(7)
        const digests = (list: readonly Item[]): Map<string, string> =>
          new Map(list.map((item) => [item[0], digested(item).join()]))
        const [here, there] = [digests(mine), digests(theirs)]
        const leaves = new Set<number>()
        for (const key of new Set([...here.keys(), ...there.keys()])) {
          if (here.get(key) === there.get(key)) continue
          digest.compute(key, new Uint8Array(0), 0, 0)
          leaves.add(leafOf(digest, told))
        }
        const found = tree.differing(treeOf(theirs).leaves(told))
        expect(found).toEqual([...leaves].sort((a, b) => a - b))
        expect(isSameDigest(tree.root(), treeOf(theirs).root())).toBe(leaves.size === 0)
      }),
    )
  })

  test('has the root of what is in it, whatever it followed and whatever was added since', () => {
    fc.assert(
      fc.property(items, items, (before, after) => {
        const tree = treeOf(after)
        const earlier = treeOf(before)
        earlier.root()
        tree.follow(earlier)
        expect(tree.root()).toEqual(treeOf(after).root())
        const digest = new RecordDigest(7)
        digest.compute('one more', Uint8Array.of(1), 0, 1)
        tree.add(digest)
        const added: Item = ['one more', Uint8Array.of(1)]
        expect(tree.root()).toEqual(treeOf([...after, added]).root())
      }),
    )
  })

  test('tells a leaf for about eight records', () => {
    expect([0, 1, 8, 9, 1000, 10 ** 7].map(leavesFor)).toEqual([1, 1, 1, 2, 128, 1024])
  })

  test('has leaves for a million keys within a megabyte', () => {
    for (const partitions of [1, 16, 128, 1024, 8192]) {
      const leaves = leafCount(partitions)
      expect(leaves & (leaves - 1)).toBe(0)
      expect(leaves * partitions * 8).toBeLessThanOrEqual(2 ** 20)
    }
    expect(leafCount(65_536)).toBe(16)
  })
})
