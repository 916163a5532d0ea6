/**
 * The ring configuration on the wire and on disk, and the check of what comes from there. Nothing that a peer sends
 * gets past it: whatever holds for a `RingConfiguration` holds for what it lets through, and building a ring of it
 * takes bounded time and memory.
 */
import {
  placeOf,
  type RingConfiguration,
  type RingMember,
  type Stage,
  type Transition,
} from './configuration.ts'
import { departedMax } from './configuration-change.ts'

/** Limits of a ring configuration. */
export const configurationLimits: {
  /** Most partitions, Q. */
  readonly partitionsMax: number
  /** Most owners of a partition, N. */
  readonly nMax: number
  readonly membersMax: number
  /** Longest id and longest zone, in bytes of UTF-8. */
  readonly nameBytesMax: number
  /** Less than a weight of 1/128 would still have one token. */
  readonly weightMin: number
  readonly weightMax: number
  /** Most weight of all members together: 2²¹ tokens. */
  readonly weightSumMax: number
} = Object.freeze({
  partitionsMax: 65_536,
  nMax: 15,
  membersMax: 10_000,
  nameBytesMax: 128,
  weightMin: 1 / 128,
  weightMax: 64,
  weightSumMax: 16_384,
})

/** A member as it is sent: id, store, zone, weight, index of its stage, and its place where that is not its id. */
type MemberTuple = readonly [string, string, string, number, number, string?]

/**
 * A configuration as it is sent: cluster, epoch, partitions, n, members, departed, moves, the members before the
 * transition or null. Arrays only: small and exact.
 */
export type ConfigurationTuple = readonly [
  string,
  number,
  number,
  number,
  readonly MemberTuple[],
  readonly string[],
  number,
  readonly MemberTuple[] | null,
]

/** The position of a stage is its number on the wire: append only. */
const stages: readonly Stage[] = ['joining', 'normal', 'leaving']

/** The configuration as it is sent; `fromTuple` reads it. */
export function toTuple(configuration: RingConfiguration): ConfigurationTuple {
  const { cluster, epoch, partitions, n, members, departed, moves, transition } = configuration
  const before = transition === undefined ? null : transition.before.map(memberTuple)
  return [cluster, epoch, partitions, n, members.map(memberTuple), departed, moves, before]
}

function memberTuple({ id, store, zone, weight, stage, place }: RingMember): MemberTuple {
  const tuple = [id, store, zone, weight, stages.indexOf(stage)] as const
  return place === undefined ? tuple : [...tuple, place]
}

/** The configuration of a decoded tuple, or a sentence that tells what is wrong with it. Never throws. */
export function fromTuple(value: unknown): RingConfiguration | string {
  if (!Array.isArray(value) || value.length !== 8) return 'a configuration is a tuple of 8'
  const [cluster, epoch, partitions, n, members, departed, moves, before] = value as unknown[]
  const list = membersFromTuples(members)
  if (typeof list === 'string') return list
  const configuration = { cluster, epoch, partitions, n, members: list, departed, moves }
  if (before === null) return checkConfiguration(configuration)
  const listBefore = membersFromTuples(before)
  if (typeof listBefore === 'string') return `before the transition: ${listBefore}`
  return checkConfiguration({ ...configuration, transition: { before: listBefore } })
}

function membersFromTuples(value: unknown): readonly unknown[] | string {
  if (!Array.isArray(value)) return 'the members are not a list'
  if (value.length > configurationLimits.membersMax) return tooManyMembers(value.length)
  return (value as unknown[]).map(memberFromTuple)
}

/** Anything but a tuple of 5 or 6 becomes `undefined`, which the check refuses. */
function memberFromTuple(value: unknown): unknown {
  if (!Array.isArray(value) || value.length < 5 || value.length > 6) return undefined
  const [id, store, zone, weight, index, place] = value as unknown[]
  const stage = typeof index === 'number' ? stages[index] : undefined
  return { id, store, zone, weight, stage, ...(value.length === 6 ? { place } : {}) }
}

/** A copy of the configuration, checked, or a sentence that tells what is wrong with the first fault. Never throws. */
export function checkConfiguration(value: unknown): RingConfiguration | string {
  if (!isFields(value)) return 'a configuration is an object'
  const { cluster, epoch, partitions, n, members, departed, moves, transition } = value
  if (!isIdentity(cluster)) return 'the cluster is not 32 hexadecimal digits'
  if (!isWithin(epoch, 1, Number.MAX_SAFE_INTEGER)) return 'the epoch is not a whole number from 1'
  if (!isWithin(moves, 0, Number.MAX_SAFE_INTEGER)) return 'moves is not a whole number from 0'
  if (!isPartitionCount(partitions)) return 'partitions is not a power of two from 1 to 65536'
  if (!isWithin(n, 1, configurationLimits.nMax)) return 'n is not a whole number from 1 to 15'
  if (!Array.isArray(departed) || departed.length > departedMax) return 'too many stores departed'
  // A copy has no holes, which `every` would pass over.
  const stores = [...(departed as unknown[])]
  if (!stores.every(isIdentity)) return 'a departed store is not 32 hexadecimal digits'
  const checked = checkMembers(members)
  if (typeof checked === 'string') return checked
  const departedStores = new Set(stores)
  const back = checked.find((member) => departedStores.has(member.store))
  if (back !== undefined) return `the store of member "${back.id}" has departed`
  const settled = { cluster, epoch, partitions, n, members: checked, departed: stores, moves }
  if (transition === undefined) return settled
  const before = checkBefore(transition)
  return typeof before === 'string' ? before : { ...settled, transition: before }
}

/** Some of the members before a transition may have departed since. */
function checkBefore(value: unknown): Transition | string {
  if (!isFields(value)) return 'the transition is not an object'
  const before = checkMembers(value.before)
  return typeof before === 'string' ? `before the transition: ${before}` : { before }
}

function checkMembers(value: unknown): RingMember[] | string {
  if (!Array.isArray(value) || value.length === 0)
    return 'the members are not a list of at least one'
  if (value.length > configurationLimits.membersMax) return tooManyMembers(value.length)
  const members: RingMember[] = []
  const stores = new Set<string>()
  const places = new Set<string>()
  let weightSum = 0
  for (const [index, fields] of (value as unknown[]).entries()) {
    const member = checkMember(fields)
    if (typeof member === 'string') return `member ${index}: ${member}`
    const previous = members.at(-1)
    if (previous !== undefined && previous.id >= member.id) {
      return `member ${index}: ids are not ascending and unique`
    }
    if (stores.has(member.store)) return `member ${index}: two members have the same store`
    stores.add(member.store)
    if (places.has(placeOf(member))) return `member ${index}: two members have the same place`
    places.add(placeOf(member))
    weightSum += member.weight
    members.push(member)
  }
  if (weightSum > configurationLimits.weightSumMax) return 'the weights add up to more than 16384'
  return members
}

function checkMember(value: unknown): RingMember | string {
  if (!isFields(value)) return 'it is not a member'
  const { id, store, zone, weight, stage, place } = value
  if (!isName(id) || id === '') return 'the id is not a well-formed string of 1 to 128 bytes'
  if (!isIdentity(store)) return 'the store is not 32 hexadecimal digits'
  if (!isName(zone)) return 'the zone is not a well-formed string of at most 128 bytes'
  const { weightMin, weightMax } = configurationLimits
  // Written so that NaN is refused too.
  if (typeof weight !== 'number' || !(weight >= weightMin && weight <= weightMax)) {
    return 'the weight is not a number from 1/128 to 64'
  }
  if (!isStage(stage)) return 'the stage is unknown'
  const member = { id, store, zone, weight, stage }
  if (place === undefined) return member
  if (!isName(place) || place === '')
    return 'the place is not a well-formed string of 1 to 128 bytes'
  return { ...member, place }
}

function tooManyMembers(count: number): string {
  return `${count} members are more than ${configurationLimits.membersMax}`
}

type Fields = Readonly<
  Record<
    'cluster' | 'epoch' | 'partitions' | 'n' | 'members' | 'departed' | 'moves' | 'transition',
    unknown
  >
> &
  Readonly<Record<'id' | 'store' | 'zone' | 'weight' | 'stage' | 'place' | 'before', unknown>>

/** Fields that are missing read as `undefined`, which each check refuses. */
function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}

function isIdentity(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{32}$/.test(value)
}

function isName(value: unknown): value is string {
  const { nameBytesMax } = configurationLimits
  // No character takes less than a byte: what is far too long is not even encoded.
  if (typeof value !== 'string' || value.length > nameBytesMax || !value.isWellFormed())
    return false
  return new TextEncoder().encode(value).length <= nameBytesMax
}

function isStage(value: unknown): value is Stage {
  return (stages as readonly unknown[]).includes(value)
}

function isWithin(value: unknown, least: number, most: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most
}

function isPartitionCount(value: unknown): value is number {
  return isWithin(value, 1, configurationLimits.partitionsMax) && (value & (value - 1)) === 0
}
