/**
 * The changes of a ring configuration: each function gives the next one, with the next epoch. Which of them comes
 * about is agreed elsewhere (`ring/register/`); a change that would change nothing gives the configuration itself,
 * so that a repeated request needs no new epoch.
 *
 * A change of owners begins a transition, which `completed` ends. One at a time: another change of owners is `busy`
 * meanwhile, but for one that takes it back, and for the removal of a member, which nothing must hold up. That one
 * amends the transition: the owners before it stay those that reads and writes must meet, so any step between two
 * amendments is as safe as none.
 */
import {
  atRest,
  placeAlike,
  placeOf,
  type RingConfiguration,
  type RingMember,
  type Stage,
  type Transition,
} from './configuration.ts'

/** The next configuration; `busy`: owners change already, and this change has to wait until that is over. */
export type Change = RingConfiguration | 'busy'

/**
 * Most departed stores that are remembered; the oldest are forgotten first. A forgotten one could join again as if
 * it were new: that takes so many departures while it was away.
 */
export const departedMax = 4096

/**
 * Whom a change is about: a name and a storage. A change may take long, and another member may get the name meanwhile:
 * that one is not meant.
 */
export type Subject = Pick<RingMember, 'id' | 'store'>

/** The configuration of a new cluster: epoch 1, one member. */
export function found(options: {
  cluster: string
  partitions: number
  n: number
  member: RingMember
}): RingConfiguration {
  const { cluster, partitions, n, member } = options
  return { cluster, epoch: 1, partitions, n, members: [member], departed: [], moves: 0 }
}

/**
 * Adds the member, or replaces the one of the same id. Another storage under the same id is another member: the
 * storage of the old one departs. The new one has weight and zone of the old one at first, so that owners stay: while
 * they change already, it could not come back otherwise, and the change would wait for it. A storage that has departed
 * is not let in again (HAZARDS E8).
 */
export function withMember(configuration: RingConfiguration, member: RingMember): Change {
  if (hasDeparted(configuration, member.store)) return configuration
  const old = configuration.members.find(({ id }) => id === member.id)
  if (old !== undefined && isSame(old, member)) return configuration
  const others = configuration.members.filter((other) => other !== old)
  const place = old === undefined ? freePlace(others, member) : old.place
  const isSuccessor = old !== undefined && old.store !== member.store
  const { zone, weight } = isSuccessor ? old : member
  const members = [...others, placedAt({ ...member, zone, weight }, place)]
  return next(configuration, { members, departed: isSuccessor ? [old.store] : [] })
}

/**
 * Puts the member into the place of another one, which is out for good: its storage departs. The member takes over
 * weight and zone as well, so that exactly the partitions of the other one change their owner. Unknown, or under its
 * name another storage, or the id of the member is taken: nothing changes.
 */
export function withReplacement(
  configuration: RingConfiguration,
  { member, replaced }: { readonly member: RingMember; readonly replaced: Subject },
): Change {
  const old = memberOf(configuration, replaced)
  const isTaken = configuration.members.some(({ id }) => id === member.id)
  if (old === undefined || isTaken || hasDeparted(configuration, member.store)) return configuration
  const { zone, weight } = old
  const heir = placedAt({ ...member, zone, weight }, placeOf(old))
  const others = configuration.members.filter((other) => other !== old)
  return next(configuration, { members: [...others, heir], departed: [old.store] })
}

/** Moves the member to another stage of its life. Unknown, or under its name another storage: nothing changes. */
export function withStage(
  configuration: RingConfiguration,
  subject: Subject,
  stage: Stage,
): Change {
  const old = memberOf(configuration, subject)
  if (old === undefined || old.stage === stage) return configuration
  const members = configuration.members.map((member) =>
    member === old ? { ...old, stage } : member,
  )
  return next(configuration, { members, departed: [] })
}

/** Takes the member out for good: its storage departs. Unknown, or under its name another storage: nothing changes. */
export function withoutMember(
  configuration: RingConfiguration,
  subject: Subject,
): RingConfiguration {
  const old = memberOf(configuration, subject)
  if (old === undefined) return configuration
  const members = configuration.members.filter((member) => member !== old)
  return next(configuration, { members, departed: [old.store], amends: true }) as RingConfiguration
}

/**
 * The end of the transition: only its new owners are left, and those who joined and are there get their vote. The one
 * that began it, or any other member, asks for this when all that answer work under this configuration and have what
 * they gained.
 * @param present ids of the members that answer
 */
export function completed(
  configuration: RingConfiguration,
  present: readonly string[],
): RingConfiguration {
  if (configuration.transition === undefined) return configuration
  const members = configuration.members.map((member) =>
    member.stage === 'joining' && present.includes(member.id)
      ? ({ ...member, stage: 'normal' } as const)
      : member,
  )
  return { ...atRest(configuration), epoch: configuration.epoch + 1, members }
}

/**
 * Takes out a member that is joining still, as if it had never asked: its storage does not depart. Undoes its
 * transition. Unknown, a member with a vote, or another storage under its name: nothing changes.
 */
export function withdrawn(configuration: RingConfiguration, subject: Subject): RingConfiguration {
  const old = memberOf(configuration, subject)
  if (old?.stage !== 'joining') return configuration
  const members = configuration.members.filter((member) => member !== old)
  return next(configuration, { members, departed: [], amends: true }) as RingConfiguration
}

/**
 * The same ring under the next epoch: what was sent under an earlier one is refused from then on. While owners change,
 * nothing changes.
 */
export function renewed(configuration: RingConfiguration): RingConfiguration {
  if (configuration.transition !== undefined) return configuration
  return { ...configuration, epoch: configuration.epoch + 1 }
}

/** Whether a storage has left or was removed, and so may not be a member again. */
export function hasDeparted(configuration: RingConfiguration, store: string): boolean {
  return configuration.departed.includes(store)
}

/** An id that is free may be the place of whoever replaced its last bearer: then the storage is a name as good. */
function freePlace(others: readonly RingMember[], { id, store }: RingMember): string | undefined {
  return others.some((other) => placeOf(other) === id) ? store : undefined
}

function placedAt(member: RingMember, place: string | undefined): RingMember {
  const { id, store, zone, weight, stage } = member
  const own = { id, store, zone, weight, stage }
  return place === undefined ? own : { ...own, place }
}

function memberOf({ members }: RingConfiguration, { id, store }: Subject): RingMember | undefined {
  return members.find((member) => member.id === id && member.store === store)
}

function isSame(one: RingMember, other: RingMember): boolean {
  return (
    one.store === other.store &&
    one.zone === other.zone &&
    one.weight === other.weight &&
    one.stage === other.stage
  )
}

/**
 * @param change.departed stores that depart with this change.
 * @param change.amends whether it may change owners while they change already
 */
function next(
  configuration: RingConfiguration,
  change: {
    members: readonly RingMember[]
    departed: readonly string[]
    amends?: boolean
  },
): Change {
  const members = change.members.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const transition = transitionTo(configuration, members, change.amends ?? false)
  if (transition === 'busy') return 'busy'
  return {
    ...atRest(configuration),
    epoch: configuration.epoch + 1,
    members,
    ...(transition === undefined ? {} : { transition }),
    moves: configuration.moves + (placeAlike(members, configuration.members) ? 0 : 1),
    departed: [...configuration.departed, ...change.departed].slice(-departedMax),
  }
}

/** How owners change if these become the members. */
function transitionTo(
  { members, transition }: RingConfiguration,
  next: readonly RingMember[],
  amends: boolean,
): Transition | 'busy' | undefined {
  if (next.length === 0 || placeAlike(members, next)) return transition
  if (transition === undefined) return { before: members }
  // Taken back: the owners before were met by everybody all the time.
  if (placeAlike(transition.before, next)) return undefined
  return amends ? transition : 'busy'
}
