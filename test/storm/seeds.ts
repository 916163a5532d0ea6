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
  {
    seed: 198_671_619,
    found:
      'an owner that was back kept a hint for itself, told so by a repair that had begun while it was away',
  },
  {
    seed: 70_766_720,
    found:
      'a newcomer that lost its storage while it took over a place asked for another zone, and waited for the end of ' +
      'the change that waited for it',
  },
  {
    seed: 182_959_089,
    found:
      'a seed that had been replaced and ran again kept a newcomer from joining by the other seeds',
  },
  {
    seed: 206_092,
    found:
      'the storm counted a node with an emptied disk that was rolled back before it was in as one with a vote, and ' +
      'took two votes of three',
  },
  {
    seed: 140_603_473,
    found:
      'the storm asked for equal owners after a read that had met a tombstone while it was reaped, and put it back',
  },
  {
    seed: 140_603_710,
    found:
      'an heir that came late took the place of a node that had been back meanwhile, which the storm had forgotten',
  },
  {
    seed: 206_921,
    found:
      'a ring that changed between a read and the repair that it waited for made the read fail',
  },
]
