/**
 * Shapes of partitions, for `SimCluster.partition`: `cluster.partition(...bridge(cluster.names))`.
 * Each takes the names in the order in which they are dealt to the groups: shuffle them for another
 * partition of the same shape.
 *
 * One node alone needs no shape: `cluster.partition(['n1'])`.
 */

import { InvalidArgumentError } from '../base/errors.ts'

/** Groups of nodes: two hear each other when some group has both. */
export type Groups = readonly (readonly string[])[]

/** Two groups that hear nothing of each other. The first is a majority when the number is odd. */
export function halves(names: readonly string[]): Groups {
  requireNames(names, 2)
  const middle = Math.ceil(names.length / 2)
  return [names.slice(0, middle), names.slice(middle)]
}

/**
 * Two groups that hear nothing of each other, and one node, the first name, that hears all: rumours
 * get through, and every node reaches a majority or nearly so, but no two sides agree on who is
 * there.
 * @throws {InvalidArgumentError} for fewer than 3 names.
 */
export function bridge(names: readonly string[]): Groups {
  requireNames(names, 3)
  const [middle, ...others] = names
  return halves(others).map((side) => [...side, middle ?? ''])
}

/**
 * Every node hears a majority, and no two hear the same one: the nodes stand in a ring, and each
 * hears its nearest neighbours on both sides. With 4, 6, 8 … names, one more than a bare majority
 * may be heard.
 * @throws {InvalidArgumentError} for fewer than 4 names: with 3, each would hear all.
 */
export function majoritiesRing(names: readonly string[]): Groups {
  requireNames(names, 4)
  const majority = Math.floor(names.length / 2) + 1
  // Who is in a group of `size` neighbours with others hears 2 × size − 1 nodes, itself included.
  const size = Math.ceil((majority + 1) / 2)
  const twice = [...names, ...names]
  return names.map((_, first) => twice.slice(first, first + size))
}

function requireNames(names: readonly string[], least: number): void {
  const count = new Set(names).size
  if (count === names.length && count >= least) return
  throw new InvalidArgumentError('names', `must be ${least} or more different names`)
}
