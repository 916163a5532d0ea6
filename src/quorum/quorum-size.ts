/**
 * How many replicas an operation needs, from the words and numbers that callers write (Dynamo §4.5:
 * N, R and W). Says nothing of who may be counted: that is the tallies' matter.
 */

/**
 * The number of replicas that `quorum` asks for among `n` owners: `'one'` is 1, `'quorum'` a
 * majority, `'all'` is n, a number is itself.
 *
 * A cluster smaller than N works with its size. The caller passes that size as `n`, which settles
 * the words, and clamps a number itself: `Math.min(quorumSize(w, n), n)`. It is not done here,
 * because a number above N is a mistake to be told at once (`checkQuorum`) and only a small cluster
 * makes it legitimate.
 *
 * @param quorum one that `checkQuorum` found nothing wrong with
 * @param n how many owners a key has: N, or the size of a smaller cluster; at least 1
 */
export function quorumSize(quorum: number | 'one' | 'quorum' | 'all', n: number): number {
  if (quorum === 'one') return 1
  if (quorum === 'quorum') return Math.floor(n / 2) + 1
  if (quorum === 'all') return n
  return quorum
}

/**
 * What is wrong with `value` as a quorum among `n` owners, as a sentence without its end;
 * `undefined` if nothing is. Valid are the integers from 1 to n and the words `'one'`, `'quorum'`
 * and `'all'`.
 *
 * @param n N of the cluster, not the number of members that it happens to have
 */
export function checkQuorum(value: unknown, n: number): string | undefined {
  if (value === 'one' || value === 'quorum' || value === 'all') return undefined
  const valid = `an integer from 1 to N = ${n}, 'one', 'quorum' or 'all'`
  if (typeof value === 'string') return `must be ${valid}, not '${value}'`
  if (typeof value !== 'number') return `must be ${valid}, not of type ${typeof value}`
  if (!Number.isInteger(value) || value < 1 || value > n) return `must be ${valid}, not ${value}`
  return undefined
}
