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

/** `before`, with the very list of `after` wherever the owners stay the same, in whatever order. */
export function staying(before: OwnerLists, after: OwnerLists): OwnerLists {
  const known = new Map<readonly string[], Map<readonly string[], boolean>>()
  return before.map((owners, partition) => {
    const next = after[partition]!
    let pairs = known.get(owners)
    if (pairs === undefined) known.set(owners, (pairs = new Map<readonly string[], boolean>()))
    let isSame = pairs.get(next)
    if (isSame === undefined) {
      isSame = owners.length === next.length && owners.every((id) => next.includes(id))
      pairs.set(next, isSame)
    }
    return isSame ? next : owners
  })
}

/** The owners of both, those of the first before the others. Lists that are the same stay that list. */
export function union(first: OwnerLists, second: OwnerLists): OwnerLists {
  const unions = new Map<readonly string[], Map<readonly string[], readonly string[]>>()
  return first.map((owners, partition) => {
    const others = second[partition]!
    if (owners === others) return owners
    let known = unions.get(owners)
    if (known === undefined) {
      known = new Map<readonly string[], readonly string[]>()
      unions.set(owners, known)
    }
    let list = known.get(others)
    if (list === undefined) {
      list = Object.freeze([...owners, ...others.filter((id) => !owners.includes(id))])
      known.set(others, list)
    }
    return list
  })
}
