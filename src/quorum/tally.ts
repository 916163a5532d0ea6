/** The words that both tallies share. */

/**
 * How an operation stands: `reached` enough answers that count have come; `lost` the replicas asked
 * so far cannot give enough any more, unless one that was given up answers after all; `pending`
 * neither is certain. With nobody asked yet an operation is `lost`: ask someone.
 */
export type Outcome = 'pending' | 'reached' | 'lost'

/** `primary`: an owner of the key. `fallback`: stands in for an owner that does not answer (Dynamo
 *  §4.6). */
export type ReplicaRole = 'primary' | 'fallback'

/** How a tally counts. */
export interface TallyOptions {
  /** R or W: how many answers that count the operation needs; at least 1. */
  readonly needed: number
  /** Whether the answers of fallbacks count (sloppy quorum, Dynamo §4.6) or those of primaries
   *  alone (strict). */
  readonly sloppy: boolean
}
