/**
 * Seeds that once found a fault, each with what it was. They are run with every test run, as long as
 * the drawing of plans leaves them what they were; then a scenario in `test/cluster` stays.
 */

/** A seed with its story. */
export interface KeptSeed {
  readonly seed: number
  /** What it found, in a sentence. */
  readonly found: string
}

/** All of them, oldest first. */
export const keptSeeds: readonly KeptSeed[] = [
  {
    seed: 25_527_449,
    found: 'a node that was put out while it started opened all the same, and everybody refused it',
  },
]
