/**
 * How long a proposer waits after it met a higher ballot. Two proposers that retry at once can
 * overtake each other for ever (Paxos Made Simple §2.4, HAZARDS I7): chance settles it.
 */

/** Longest wait after the first attempt, in milliseconds: some round trips of a local network. */
const FIRST_MS = 25

/** No wait is longer, in milliseconds. */
const LONGEST_MS = 2000

/**
 * A wait in milliseconds, uniform below a bound that doubles with each attempt up to 2 s. It starts
 * from zero, not from half the bound, because spread is what parts the rivals.
 *
 * @param attempt how many attempts have failed, from 1
 * @param random uniform in [0, 1)
 */
export function backoffMs(attempt: number, random: number): number {
  return Math.min(FIRST_MS * 2 ** (attempt - 1), LONGEST_MS) * random
}
