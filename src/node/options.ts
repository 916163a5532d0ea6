/** The options of a node: what they mean, what they are by default, and all their problems at once. */
import { InvalidArgumentError } from '../base/errors.ts'
import {
  resolveMembershipOptions,
  type MembershipOptions,
  type ResolvedMembershipOptions,
} from '../membership/options.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { Storage } from '../ports/storage.ts'
import type { Transport } from '../ports/transport.ts'
import { checkQuorum } from '../quorum/quorum-size.ts'
import { configurationLimits } from '../ring/configuration-check.ts'
import type { ReadRepairMode } from '../coordinator/get-request.ts'
import { powerOfTwo } from '../coordinator/replica-choices.ts'
import type { ReplicaChoice } from '../ports/replica-choice.ts'
import { antiEntropyDefaults, type AntiEntropyOptions } from '../upkeep/anti-entropy-options.ts'
import {
  graceTimeoutsMin,
  tombstoneOptions,
  type TombstoneOptions,
} from '../upkeep/tombstone-options.ts'
import { checkLimits, limitDefaults, type LimitOptions } from './limit-options.ts'
import {
  count,
  durationMsMax,
  flag,
  methods,
  oneOf,
  positive,
  refuseUnknown,
  text,
  withDefaults,
  type Problems,
} from './option-checks.ts'

export type { LimitOptions } from './limit-options.ts'
export type { AntiEntropyOptions } from '../upkeep/anti-entropy-options.ts'
export type { TombstoneOptions } from '../upkeep/tombstone-options.ts'

/** How many replicas must answer: a number, or a word. `'quorum'` is a majority of N. */
export type Quorum = number | 'one' | 'quorum' | 'all'

/** How many replicas keep and answer for each key. Buckets and single operations may ask for other quorums. */
export interface ReplicationOptions {
  /**
   * N: how many members own each key. Fixed by the founder; a node that joins may leave it out.
   * More: survives more losses, costs more space and traffic. @default 3
   */
  readonly n?: number
  /**
   * R: how many replicas answer a read. With `r + w > n` a strict read meets every acknowledged write. @default
   * 'quorum'
   */
  readonly r?: Quorum
  /** W: how many replicas store a write before it is acknowledged. @default 'quorum' */
  readonly w?: Quorum
  /**
   * Whether other members may stand in for owners that are down (Dynamo §4.6). True: writes go on as long as W nodes
   * answer, and a read may miss them until they are handed off. False: owners only. @default true
   */
  readonly sloppy?: boolean
  /**
   * What a read does about replicas that it finds stale. `blocking`: brings enough of them up to date before it
   * returns, so that quorum reads never go back in time. `async`: does it afterwards. `off`: leaves them.
   * @default 'blocking'
   */
  readonly readRepair?: ReadRepairMode
  /**
   * Whom a read asks first beside this node: `powerOfTwo()`, `leastInFlight()`, `roundRobin()`, or a rule of your own.
   * @default powerOfTwo(): of two the one whose answer is to be expected sooner, near ones first
   */
  readonly replicaChoice?: ReplicaChoice
}

/** How records that are kept for absent members reach them. */
export interface HandoffOptions {
  /** Time between two rounds of delivery, milliseconds; a member that comes up is served at once. @default 5000 */
  readonly intervalMs?: number
  /**
   * How long after the first failure records are hinted one by one; later the whole partition is marked.
   * @default 10_800_000
   */
  readonly windowMs?: number
  /** Most bytes of records hinted for one member; beyond it the partition is marked instead. @default 256 MiB */
  readonly bytesPerTargetMax?: number
  /** Most bytes of records hinted in all. @default 1 GiB */
  readonly bytesMax?: number
  /** Most bytes that are handed off in a second. Less: gentler to foreground work, slower to heal. @default 32 MiB */
  readonly bytesPerSecondMax?: number
}

/** Options of `createNode`. Unknown ones are refused. */
export interface NodeOptions {
  /** Unique in the cluster, 1 to 128 bytes. @default random, kept with the data */
  readonly id?: string
  /** The cluster's name: nodes of another one are refused. @default 'coterie' */
  readonly cluster?: string
  /** Addresses of members; this node's own may be among them. Empty founds a new cluster. @default [] */
  readonly seeds?: readonly string[]
  /**
   * Failure domain: a key's owners are spread over as many zones as there are. A member that is started again with
   * another one, or with another weight, changes the ring as soon as it may, and its data moves. @default ''
   */
  readonly zone?: string
  /** Share of the data, relative to others: 1/128 to 64. @default 1 */
  readonly weight?: number
  /**
   * Id of a dead member whose place this node takes over as it joins: its partitions, its weight and its zone. Nothing
   * else moves, and that member is out for good. Leave `zone` and `weight` out: others than its are refused. Once the
   * node is a member this option says nothing any more, and may stay. @default none
   */
  readonly replaces?: string
  /** Q, a power of two: the units in which data moves. Read only when founding. @default 1024 */
  readonly partitions?: number
  readonly replication?: ReplicationOptions
  /** Deadline of one operation, milliseconds. @default 5000 */
  readonly timeoutMs?: number
  /** How long `createNode` tries to be let in by its seeds, milliseconds. @default 30_000 */
  readonly joinTimeoutMs?: number
  readonly membership?: MembershipOptions
  readonly handoff?: HandoffOptions
  readonly antiEntropy?: AntiEntropyOptions
  readonly tombstones?: TombstoneOptions
  readonly limits?: LimitOptions
  /** @default tcpTransport({ host: '127.0.0.1', port: 0 }) */
  readonly transport?: Transport
  /** @default memoryStorage() */
  readonly storage?: Storage
  /** @default the system's */
  readonly clock?: Clock
  /** @default the system's */
  readonly random?: Random
}

/** Everything settled but what the composition root builds. */
export interface ResolvedOptions {
  readonly id: string | undefined
  readonly cluster: string
  readonly seeds: readonly string[]
  /** Undefined when not asked for: '', or that of the member whose place it took. */
  readonly zone: string | undefined
  /** Undefined when not asked for: 1, or that of the member whose place it took. */
  readonly weight: number | undefined
  readonly replaces: string | undefined
  readonly partitions: number
  /** Undefined when not asked for: 3 when founding, else the cluster's. */
  readonly n: number | undefined
  readonly r: Quorum
  readonly w: Quorum
  readonly sloppy: boolean
  readonly readRepair: ReadRepairMode
  readonly replicaChoice: ReplicaChoice
  readonly timeoutMs: number
  readonly joinTimeoutMs: number
  readonly membership: ResolvedMembershipOptions
  readonly handoff: Required<HandoffOptions>
  readonly antiEntropy: Required<AntiEntropyOptions>
  readonly tombstones: Required<TombstoneOptions>
  readonly limits: Required<LimitOptions>
}

const mib = 1024 * 1024

/** N of a cluster whose founder does not say. */
export const defaultN = 3

const defaults = Object.freeze({
  cluster: 'coterie',
  partitions: 1024,
  timeoutMs: 5_000,
  joinTimeoutMs: 30_000,
  handoff: Object.freeze({
    intervalMs: 5_000,
    windowMs: 3 * 3_600_000,
    bytesPerTargetMax: 256 * mib,
    bytesMax: 1024 * mib,
    bytesPerSecondMax: 32 * mib,
  }),
})

const known = [
  'id',
  'cluster',
  'seeds',
  'zone',
  'weight',
  'replaces',
  'partitions',
  'replication',
  'timeoutMs',
  'joinTimeoutMs',
  'membership',
  'handoff',
  'antiEntropy',
  'tombstones',
  'limits',
  'transport',
  'storage',
  'clock',
  'random',
]

/** The words of `readRepair`. */
export const readRepairModes: readonly ReadRepairMode[] = ['blocking', 'async', 'off']

/**
 * Checks all options and fills in the defaults.
 * @throws {InvalidArgumentError} that names the first problem in `argument` and all of them in its message.
 */
export function resolveOptions(options: NodeOptions = {}): ResolvedOptions {
  const problems: Problems = []
  if (!refuseUnknown(problems, '', options, known)) refuse(problems)
  const { replication = {}, handoff = {}, antiEntropy = {}, tombstones = {}, limits = {} } = options
  const timeoutMs = options.timeoutMs ?? defaults.timeoutMs
  checkTop(problems, options)
  checkReplication(problems, replication)
  checkHandoff(problems, handoff)
  checkAntiEntropy(problems, antiEntropy)
  checkTombstones(problems, tombstones, timeoutMs)
  checkLimits(problems, limits)
  checkPorts(problems, options)
  if (Array.isArray(options.membership))
    problems.push(['membership', 'must be an object, not a list'])
  const membership = resolveMembershipOptions(options.membership)
  if ('problems' in membership) {
    for (const problem of membership.problems) problems.push(['membership', problem])
  }
  refuse(problems)
  return {
    id: options.id,
    cluster: options.cluster ?? defaults.cluster,
    seeds: options.seeds ?? [],
    zone: options.zone,
    weight: options.weight,
    replaces: options.replaces,
    partitions: options.partitions ?? defaults.partitions,
    n: replication.n,
    r: replication.r ?? 'quorum',
    w: replication.w ?? 'quorum',
    sloppy: replication.sloppy ?? true,
    readRepair: replication.readRepair ?? 'blocking',
    replicaChoice: replication.replicaChoice ?? powerOfTwo(),
    timeoutMs,
    joinTimeoutMs: options.joinTimeoutMs ?? defaults.joinTimeoutMs,
    membership: 'options' in membership ? membership.options : resolveDefaults(),
    handoff: withDefaults(defaults.handoff, handoff),
    antiEntropy: withDefaults(antiEntropyDefaults, antiEntropy),
    tombstones: tombstoneOptions(tombstones, timeoutMs),
    limits: withDefaults(limitDefaults, limits),
  }
}

function resolveDefaults(): ResolvedMembershipOptions {
  const resolved = resolveMembershipOptions()
  if ('options' in resolved) return resolved.options
  throw new InvalidArgumentError('membership', resolved.problems.join('; '))
}

function checkTop(problems: Problems, options: NodeOptions): void {
  text(problems, 'id', options.id, { bytesMax: 128 })
  text(problems, 'cluster', options.cluster, { bytesMax: 128 })
  text(problems, 'replaces', options.replaces, { bytesMax: 128 })
  if (options.zone !== '') text(problems, 'zone', options.zone, { bytesMax: 128 })
  positive(problems, 'weight', options.weight, { max: configurationLimits.weightMax })
  if (typeof options.weight === 'number' && options.weight < configurationLimits.weightMin) {
    problems.push(['weight', 'must be at least 1/128'])
  }
  positive(problems, 'timeoutMs', options.timeoutMs, { max: durationMsMax })
  positive(problems, 'joinTimeoutMs', options.joinTimeoutMs, { max: durationMsMax })
  const { seeds, partitions } = options
  const areTexts = Array.isArray(seeds) && seeds.every(isAddress)
  if (seeds !== undefined && !areTexts)
    problems.push(['seeds', "must be a list of addresses: ['10.0.0.1:7000']"])
  count(problems, 'partitions', partitions, { max: 65_536 })
  if (Number.isSafeInteger(partitions) && (partitions! & (partitions! - 1)) !== 0) {
    problems.push(['partitions', `must be a power of two, not ${partitions}`])
  }
}

function isAddress(seed: unknown): boolean {
  return typeof seed === 'string' && seed !== '' && seed.isWellFormed()
}

function checkPorts(problems: Problems, options: NodeOptions): void {
  methods(problems, 'transport', options.transport, ['listen', 'connect', 'close'])
  methods(problems, 'storage', options.storage, ['open', 'get', 'write', 'scan', 'close'])
  methods(problems, 'clock', options.clock, ['monotonicMs', 'wallMs', 'after'])
  methods(problems, 'random', options.random, ['float', 'bytes'])
}

function checkReplication(problems: Problems, replication: ReplicationOptions): void {
  const names = ['n', 'r', 'w', 'sloppy', 'readRepair', 'replicaChoice']
  if (!refuseUnknown(problems, 'replication', replication, names)) return
  const { n, r, w, sloppy, readRepair, replicaChoice } = replication
  count(problems, 'replication.n', n, { max: 15 })
  for (const [name, quorum] of [
    ['r', r],
    ['w', w],
  ] as const) {
    const problem = quorum === undefined ? undefined : checkQuorum(quorum, n ?? 15)
    if (problem !== undefined) problems.push([`replication.${name}`, problem])
  }
  flag(problems, 'replication.sloppy', sloppy)
  oneOf(problems, 'replication.readRepair', readRepair, readRepairModes)
  methods(problems, 'replication.replicaChoice', replicaChoice, ['choose'])
}

function checkHandoff(problems: Problems, handoff: HandoffOptions): void {
  if (!refuseUnknown(problems, 'handoff', handoff, Object.keys(defaults.handoff))) return
  const { intervalMs, ...others } = handoff
  positive(problems, 'handoff.intervalMs', intervalMs, { max: durationMsMax })
  for (const [name, value] of Object.entries(others)) positive(problems, `handoff.${name}`, value)
}

function checkAntiEntropy(problems: Problems, antiEntropy: AntiEntropyOptions): void {
  if (!refuseUnknown(problems, 'antiEntropy', antiEntropy, Object.keys(antiEntropyDefaults))) return
  const { enabled, intervalMs, verifyIntervalMs, bytesPerSecondMax } = antiEntropy
  flag(problems, 'antiEntropy.enabled', enabled)
  positive(problems, 'antiEntropy.intervalMs', intervalMs, { max: durationMsMax })
  positive(problems, 'antiEntropy.verifyIntervalMs', verifyIntervalMs)
  positive(problems, 'antiEntropy.bytesPerSecondMax', bytesPerSecondMax)
}

function checkTombstones(
  problems: Problems,
  tombstones: TombstoneOptions,
  timeoutMs: number,
): void {
  if (!refuseUnknown(problems, 'tombstones', tombstones, ['reap', 'graceMs', 'intervalMs'])) return
  const { reap, graceMs, intervalMs } = tombstones
  flag(problems, 'tombstones.reap', reap)
  positive(problems, 'tombstones.graceMs', graceMs, { max: durationMsMax })
  positive(problems, 'tombstones.intervalMs', intervalMs, { max: durationMsMax })
  if (typeof graceMs !== 'number' || typeof timeoutMs !== 'number') return
  const leastMs = graceTimeoutsMin * timeoutMs
  if (!(graceMs < leastMs)) return
  const rule = `${graceTimeoutsMin} times timeoutMs = ${leastMs}, not ${graceMs}`
  problems.push(['tombstones.graceMs', `must be at least ${rule}: operations must have ended`])
}

function refuse(problems: Problems): void {
  const [first] = problems
  if (first === undefined) return
  const others = problems.slice(1).map(([argument, problem]) => `${argument}: ${problem}`)
  throw new InvalidArgumentError(first[0], [first[1], ...others].join('; '))
}
