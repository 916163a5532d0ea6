/**
 * Vector clocks as flat lists of numbers: node, counter, node, counter, and so on, in ascending order of the nodes.
 * A list of pairs or a map would say the same, but cost an object for each entry and a hash for each look-up.
 */

/** Invariant: each node stands in it once, with a counter of at least 1. */
export type Clock = readonly number[]

/** How the first of two clocks stands to the second one. */
export type Order = 'before' | 'equal' | 'after' | 'concurrent'

export const emptyClock: Clock = []

export function compare(a: Clock, b: Clock): Order {
  let hasMore = false
  let hasLess = false
  let i = 0
  let j = 0
  while (i < a.length && j < b.length) {
    const nodes = a[i]! - b[j]!
    const counters = nodes === 0 ? a[i + 1]! - b[j + 1]! : -nodes
    if (counters > 0) hasMore = true
    if (counters < 0) hasLess = true
    if (nodes <= 0) i += 2
    if (nodes >= 0) j += 2
  }
  if (i < a.length) hasMore = true
  if (j < b.length) hasLess = true
  if (hasMore) return hasLess ? 'concurrent' : 'after'
  return hasLess ? 'before' : 'equal'
}

/** The clock after one more write by this node. */
export function advance(clock: Clock, node: number): Clock {
  for (let i = 0; i < clock.length; i += 2) {
    if (clock[i] !== node) continue
    const advanced = clock.slice()
    advanced[i + 1] = clock[i + 1]! + 1
    return advanced
  }
  return merge(clock, [node, 1])
}

/** The smallest clock that has seen all that either has. */
export function merge(a: Clock, b: Clock): Clock {
  const merged: number[] = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    const left = a[i] ?? Infinity
    const right = b[j] ?? Infinity
    const counters = Math.max(left <= right ? a[i + 1]! : 0, right <= left ? b[j + 1]! : 0)
    merged.push(Math.min(left, right), counters)
    if (left <= right) i += 2
    if (right <= left) j += 2
  }
  return merged
}
