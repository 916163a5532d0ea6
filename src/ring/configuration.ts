/**
 * The ring configuration: who owns the data. It changes only by an explicit act, one at a time, and each epoch is
 * agreed among the members of the one before (`ring/register/`). Membership (`membership/`) tells who answers now
 * and never changes it.
 */

/**
 * Where a member is in its life in the ring. One that is `joining` owns data like any other, and has no vote yet on
 * the next configuration: it was let in, and has not said itself that it is there.
 */
export type Stage = 'joining' | 'normal' | 'leaving'

/** One member of the ring. */
export interface RingMember {
  readonly id: string
  /** Identity of the member's storage: 32 hexadecimal digits, drawn when the storage was empty. A member whose
   *  storage was wiped is another member under the same id. */
  readonly store: string
  /** Failure domain; '' when none is given. */
  readonly zone: string
  /** Share of the data relative to others, > 0. */
  readonly weight: number
  readonly stage: Stage
}

/** Invariant: `members` is sorted by id, ids are unique. */
export interface RingConfiguration {
  /** Identity of the cluster: 32 hexadecimal digits, drawn when it was founded. */
  readonly cluster: string
  /** 1 at the founding, one more with each change. */
  readonly epoch: number
  /** Q: a power of two, fixed at the founding. */
  readonly partitions: number
  /** N: how many members own each partition, or all of them if there are fewer. */
  readonly n: number
  readonly members: readonly RingMember[]
  /** Stores that have left or were removed, newest last: terminal for them (HAZARDS E8). */
  readonly departed: readonly string[]
}

/**
 * The members that decide on the next configuration, by majority: all but those that are joining. A node that was let
 * in when it had given up already, its storage lost, so takes no majority away. Without anybody else, all decide.
 */
export function votersOf({ members }: RingConfiguration): readonly RingMember[] {
  const voters = members.filter(({ stage }) => stage !== 'joining')
  return voters.length > 0 ? voters : members
}
