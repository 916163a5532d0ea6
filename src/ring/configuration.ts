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
  /**
   * What its tokens are hashed of: another name than its id when it took over the place of a dead member, or when its
   * id is somebody else's place. Unique like ids. @default the id
   */
  readonly place?: string
}

/**
 * A change of owners that is under way. Until it is over, both sets of owners are asked: a read needs R answers of
 * each, a write W (joint quorums, Raft §6). It is over when every new owner has what the owners before had.
 */
export interface Transition {
  /** The members that place the owners before the change; sorted by id, ids are unique. */
  readonly before: readonly RingMember[]
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
  /** How many changes of owners there have been: whoever missed more than one cannot tell what it missed. */
  readonly moves: number
  /** Only while owners change. One at a time. */
  readonly transition?: Transition
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

/** Where the member is on the ring: what its tokens are hashed of. */
export function placeOf({ id, place }: RingMember): string {
  return place ?? id
}

/** The configuration without its transition. */
export function atRest(configuration: RingConfiguration): RingConfiguration {
  const { cluster, epoch, partitions, n, members, departed, moves } = configuration
  return { cluster, epoch, partitions, n, members, departed, moves }
}

/** Whether two lists of members place all owners alike: weights, zones, places and who leaves are the same. */
export function placeAlike(one: readonly RingMember[], other: readonly RingMember[]): boolean {
  const a = onRing(one)
  const b = onRing(other)
  return (
    a.length === b.length &&
    a.every((member, i) => {
      const { id, zone, weight } = b[i]!
      const isAlike = member.id === id && member.zone === zone && member.weight === weight
      return isAlike && placeOf(member) === placeOf(b[i]!)
    })
  )
}

/** Those that own partitions: all but the leaving, unless all leave. */
function onRing(members: readonly RingMember[]): readonly RingMember[] {
  const staying = members.filter(({ stage }) => stage !== 'leaving')
  return staying.length > 0 ? staying : members
}
