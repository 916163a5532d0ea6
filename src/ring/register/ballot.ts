/**
 * Ballots: the numbers that order the proposals for one epoch (Paxos Made Simple §2.2).
 */

/** Invariant: no two proposals for one epoch carry the same ballot. */
export interface Ballot {
  /** Rises with each attempt; starts anew with each epoch. */
  readonly counter: number
  /**
   * Who proposes: the node's id and a nonce drawn at its start. Without the nonce a restarted node
   * would reuse a ballot for another value, and two values could be chosen (HAZARDS I5).
   */
  readonly proposer: string
}

/** Negative, zero or positive: the order by counter, then by proposer (UTF-16 code units, the same
 *  on every node). */
export function compareBallots(left: Ballot, right: Ballot): number {
  if (left.counter !== right.counter) return left.counter - right.counter
  if (left.proposer === right.proposer) return 0
  return left.proposer < right.proposer ? -1 : 1
}

/**
 * A ballot of `proposer` above `seen`.
 *
 * @param seen the highest ballot known for the epoch; that includes every ballot which `proposer`
 *   has issued for it since its start, or ballots would be reused
 */
export function nextBallot(seen: Ballot | undefined, proposer: string): Ballot {
  return { counter: (seen?.counter ?? 0) + 1, proposer }
}
