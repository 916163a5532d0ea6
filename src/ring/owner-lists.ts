/**
 * The owners of every partition as lists of ids. Partitions with the same owners share one list: in a small cluster
 * there are few, they stay in the cache, and whether two are the same is one comparison.
 */
import type { Placement } from './placement.ts'

/** By partition; frozen. */
export type OwnerLists = readonly (readonly string[])[]

/** The lists of a placement. */
export function ownerLists({ members, owners, n }: Placement, partitions: number): OwnerLists {
  const lists = new Map<string, readonly string[]>()
  return Array.from({ length: partitions }, (_, partition) => {
    const first = partition * n
    // A list is found by its members' indexes, each of which is one character.
    let indexes = ''
    for (let i = first; i < first + n; i++) indexes += String.fromCharCode(owners[i]!)
    const known = lists.get(indexes)
    if (known !== undefined) return known
    const ids: string[] = []
    for (let i = first; i < first + n; i++) ids.push(members[owners[i]!]!.id)
    lists.set(indexes, Object.freeze(ids))
    return ids
  })
}

/**
 * What `make` makes of the two lists of each partition. Made once for each pair of lists, of which there are few;
 * `partition` is the first one with that pair.
 */
export function pairwise<T extends object>(
  first: OwnerLists,
  second: OwnerLists,
  make: (owners: readonly string[], others: readonly string[], partition: number) => T,
): readonly T[] {
  const made = new Map<readonly string[], Map<readonly string[], T>>()
  return first.map((owners, partition) => {
    const others = second[partition]!
    let pairs = made.get(owners)
    if (pairs === undefined) made.set(owners, (pairs = new Map<readonly string[], T>()))
    let one = pairs.get(others)
    if (one === undefined) pairs.set(others, (one = make(owners, others, partition)))
    return one
  })
}

/** `before`, with the very list of `after` wherever the owners stay the same, in whatever order. */
export function staying(before: OwnerLists, after: OwnerLists): OwnerLists {
  return pairwise(before, after, (owners, next) => {
    const isSame = owners.length === next.length && owners.every((id) => next.includes(id))
    return isSame ? next : owners
  })
}

/** The owners of both, those of the first before the others. Lists that are the same stay that list. */
export function union(first: OwnerLists, second: OwnerLists): OwnerLists {
  return pairwise(first, second, (owners, others) => {
    if (owners === others) return owners
    return Object.freeze([...owners, ...others.filter((id) => !owners.includes(id))])
  })
}
