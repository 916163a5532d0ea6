/** Tells a service what a change of the ring would do, without doing anything but asking. */
import { toHex } from '../base/bytes.ts'
import type { PartitionSize } from '../replica/partition-sizes.ts'
import {
  afterChange,
  partitionMoves,
  shortPartitions,
  type PartitionMove,
  type ShortPartition,
} from '../ring/change-plan.ts'
import { atRest } from '../ring/configuration.ts'
import { Ring } from '../ring/ring.ts'
import { readChange, type ChangeRequest } from './change-request.ts'
import type { NodeCore } from './node-core.ts'
import { sizesOf } from './partition-sizes.ts'

/** The copies that one member would give up to another. */
export interface PlannedMove {
  /** Who owns them now; null where partitions get one copy more than they had. */
  readonly from: string | null
  /** Who would own them. */
  readonly to: string
  readonly partitions: number
  /** Of keys and records; null when no member told how much it stores. */
  readonly bytes: number | null
}

/** One member before and after. */
export interface PlannedMember {
  readonly id: string
  /** How many partitions it owns; 0 for one that is not there. */
  readonly owned: { readonly before: number; readonly after: number }
}

/** What a change of the ring would do. Plain, and safe for JSON. */
export interface ChangePlan {
  /** The epoch of the ring that was looked at: a later one makes the plan out of date. */
  readonly epoch: number
  /** By id; also those that come or go. */
  readonly members: readonly PlannedMember[]
  /** From whom to whom, sorted. Their partitions add up to all copies that would move. */
  readonly moves: readonly PlannedMove[]
  /** Bytes of all moves; null when no member told how much it stores, and something moves. */
  readonly bytes: number | null
  /**
   * How exact the bytes are. `counted`: each partition that moves was read, by one of its owners. `estimated`: those
   * that were not are taken to hold the average of those that were. `unknown`: none was.
   */
  readonly exactness: 'counted' | 'estimated' | 'unknown'
  /** Of the partitions that move: how many there are, and how many were read to their end. */
  readonly partitions: { readonly moving: number; readonly counted: number }
  /** `RingView.balance` before and after. */
  readonly balance: { readonly before: number; readonly after: number }
  /** Copies of each partition: as many as are wanted (N), and as many as there would be afterwards. */
  readonly copies: { readonly wanted: number; readonly after: number }
  /**
   * Partitions with fewer copies than wanted until everything has moved, with the owners that have them. Members that
   * do not answer this node count for nothing; one that leaves and answers keeps its copies until it has handed them
   * over.
   */
  readonly short: readonly ShortPartition[]
}

const timeoutMaxMs = 2_000
/** Owners that are asked for sizes. More would make an estimate no better. */
const askedMax = 64

/** Works out the plan. @throws {InvalidArgumentError} by rejection, for a change that the ring could not take. */
export async function planChange(
  core: NodeCore,
  asked: ChangeRequest,
  { timeoutMs = timeoutMaxMs }: { readonly timeoutMs?: number },
): Promise<ChangePlan> {
  core.assertOpen()
  const configuration = core.keeper.configuration!
  const ring = core.coordination.ring()
  // A change that is under way is taken for done.
  const before = ring.isMoving ? new Ring(atRest(configuration)) : ring
  const change = readChange(asked, configuration, () => toHex(core.ports.random.bytes(16)))
  const after = new Ring(afterChange(configuration, change))
  const answers = (id: string): boolean => id === core.identity.id || core.isReachable(id)
  const moves = partitionMoves(before, after)
  const moving = [...new Set(moves.map(({ partition }) => partition))]
  const sizes = await sizesFrom(
    core,
    sourcesOf(before, moving, answers, core.identity.id),
    timeoutMs,
  )
  const counted = sizes.filter(({ isWhole }) => isWhole).length
  const bytesOf = estimator(sizes)
  return {
    epoch: before.epoch,
    members: membersOf(before, after),
    moves: grouped(moves, bytesOf),
    bytes: moves.length === 0 ? 0 : totalBytes(moves, bytesOf),
    exactness:
      counted === moving.length ? 'counted' : bytesOf === undefined ? 'unknown' : 'estimated',
    partitions: { moving: moving.length, counted },
    balance: { before: before.balance(), after: after.balance() },
    copies: { wanted: configuration.n, after: after.n },
    short: shortPartitions(before, { copies: configuration.n, answers }),
  }
}

/** Which member is asked about which partitions: this node where it owns them, else owners that answer, in turn. */
function sourcesOf(
  before: Ring,
  moving: readonly number[],
  answers: (id: string) => boolean,
  selfId: string,
): ReadonlyMap<string, number[]> {
  const sources = new Map<string, number[]>()
  for (const partition of moving) {
    const owners = before.owners(partition).filter(answers)
    const load = (id: string): number => sources.get(id)?.length ?? 0
    const source = owners.includes(selfId)
      ? selfId
      : owners.toSorted((one, other) => load(one) - load(other))[0]
    if (source === undefined) continue
    if (!sources.has(source) && sources.size === askedMax) continue
    sources.set(source, [...(sources.get(source) ?? []), partition])
  }
  return sources
}

async function sizesFrom(
  core: NodeCore,
  sources: ReadonlyMap<string, readonly number[]>,
  timeoutMs: number,
): Promise<readonly PartitionSize[]> {
  const answers = [...sources].map(([id, partitions]) =>
    sizesOf(core, id, { partitions, timeoutMs }),
  )
  return (await Promise.all(answers)).flat()
}

/** How much a partition is taken to hold; undefined when nothing is known of any. */
function estimator(sizes: readonly PartitionSize[]): ((partition: number) => number) | undefined {
  if (sizes.length === 0) return undefined
  const known = new Map(sizes.map((size) => [size.partition, size]))
  const whole = sizes.filter(({ isWhole }) => isWhole)
  const sample = whole.length > 0 ? whole : sizes
  const average = Math.round(sample.reduce((sum, { bytes }) => sum + bytes, 0) / sample.length)
  return (partition) => {
    const size = known.get(partition)
    if (size === undefined) return average
    return size.isWhole ? size.bytes : Math.max(size.bytes, average)
  }
}

function totalBytes(
  moves: readonly PartitionMove[],
  bytesOf: ((partition: number) => number) | undefined,
): number | null {
  if (bytesOf === undefined) return null
  return moves.reduce((sum, { partition }) => sum + bytesOf(partition), 0)
}

function grouped(
  moves: readonly PartitionMove[],
  bytesOf: ((partition: number) => number) | undefined,
): PlannedMove[] {
  const groups = new Map<string, PartitionMove[]>()
  for (const move of moves) {
    const name = JSON.stringify([move.from ?? null, move.to])
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [move])
    else group.push(move)
  }
  return [...groups]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([, group]) => {
      const { from = null, to } = group[0]!
      return { from, to, partitions: group.length, bytes: totalBytes(group, bytesOf) }
    })
}

function membersOf(before: Ring, after: Ring): PlannedMember[] {
  const ids = [...new Set([...before.memberIds, ...after.memberIds])].sort()
  return ids.map((id) => ({
    id,
    owned: { before: before.ownedCount(id), after: after.ownedCount(id) },
  }))
}
