/** Whether enough replicas can be reached, asked before anything is done; and the errors of operations. */
import {
  ConflictPolicyError,
  InvalidArgumentError,
  OverloadedError,
  StorageError,
  StoreError,
  TimeoutError,
  UnavailableError,
  WriteUncertainError,
} from '../base/errors.ts'
import { replicaCount, selected } from '../quorum/replica-mask.ts'
import type { ReadTally } from '../quorum/read-tally.ts'
import type { Ring } from '../ring/ring.ts'
import type { PeerLoad } from '../rpc/peer-load.ts'
import type { Coordination } from './coordination.ts'
import { oneSidedMask } from './joint.ts'

const nobody: readonly string[] = Object.freeze([])

/** What of an operation tells how many replicas it needs. */
interface Wanted {
  readonly partition: number
  readonly sloppy: boolean
  readonly needed: number
}

type Node = Pick<Coordination, 'selfId' | 'isReachable'>

/** The owners that are thought not to answer, as a mask of their numbers. This node always answers itself. */
export function unreachableOwners(node: Node, owners: readonly string[]): number {
  let mask = 0
  // Not `for … of`: an iterator over a frozen array costs more than all the rest.
  for (let i = 0; i < owners.length; i++) {
    const id = owners[i]!
    if (id !== node.selfId && !node.isReachable(id)) mask |= 1 << i
  }
  return mask
}

/**
 * Owners that a read may ask again, of those that are thought to answer, as a mask of their numbers: the way to one
 * that could not be asked may open, and one that is being filled may have everything.
 * @param unsentMask replicas whose call did not leave this node
 */
export function ownersToAskAgain(
  node: Node,
  owners: readonly string[],
  tally: Pick<ReadTally, 'failedMask' | 'recoveringMask' | 'fallbackMask'>,
  unsentMask: number,
): number {
  const { failedMask, recoveringMask, fallbackMask } = tally
  const away = unreachableOwners(node, owners)
  return ((unsentMask & failedMask) | recoveringMask) & ~fallbackMask & ~away
}

/**
 * How many replicas that would count are thought to be reachable; counts hardly any that are not needed.
 * @param unreachable the owners that are not, where that is known already; as a mask of their numbers
 */
export function reachableReplicas(
  node: Node,
  ring: Ring,
  wanted: Wanted,
  unreachable: number = unreachableOwners(node, ring.owners(wanted.partition)),
): number {
  if (ring.changesOwners(wanted.partition)) return fewestOfSides(node, ring, wanted)
  const owners = ring.owners(wanted.partition)
  const count = owners.length - replicaCount(unreachable)
  return withFallbacks(node, ring, wanted, { owners, count })
}

/**
 * How many replicas would count; while owners change, of the side that has fewer of what it needs.
 * @param full owners that can be reached, and cannot be sent anything all the same
 */
function fewestOfSides(
  node: Node,
  ring: Ring,
  { partition, sloppy, needed }: Wanted,
  full: readonly string[] = nobody,
): number {
  const counts = [ring.owners(partition), ring.ownersToBe(partition)].map((owners) => {
    const wanted = { partition, sloppy, needed: owners.length }
    const count = owners.length - replicaCount(unreachableOwners(node, owners))
    const reachable = withFallbacks(node, ring, wanted, { owners, count })
    const able = reachable - full.filter((id) => owners.includes(id)).length
    return able >= Math.min(needed, owners.length) ? Math.max(able, needed) : able
  })
  return Math.min(...counts)
}

/** How many owners can be reached, and, where that helps, members that stand in. */
function withFallbacks(
  node: Node,
  ring: Ring,
  wanted: Wanted,
  { owners, count: reachable }: { readonly owners: readonly string[]; readonly count: number },
): number {
  let count = reachable
  if (count >= wanted.needed || !wanted.sloppy) return count
  for (const id of ring.preferenceList(wanted.partition)) {
    if (owners.includes(id)) continue
    if (id === node.selfId || node.isReachable(id)) count += 1
    if (count >= wanted.needed) break
  }
  return count
}

/** The owners, of those that are thought to answer, whose lanes are full: as a mask of their numbers. */
function fullOwners(
  node: Pick<Coordination, 'selfId' | 'data'>,
  owners: readonly string[],
  { unreachable, bytes }: { unreachable: number; bytes: number },
): number {
  let mask = 0
  for (let i = 0; i < owners.length; i++) {
    const id = owners[i]!
    if (id === node.selfId || (unreachable & (1 << i)) !== 0) continue
    if (!node.data(id).hasRoom(bytes)) mask |= 1 << i
  }
  return mask
}

/** Whether every owner but this node can be sent a write now. */
export function ownersHaveRoom(
  node: Pick<Coordination, 'selfId' | 'data'>,
  owners: readonly string[],
  { value, storageKey }: { readonly value: Uint8Array; readonly storageKey: string },
): boolean {
  const bytes = value.length + storageKey.length + frameAllowanceBytes
  return fullOwners(node, owners, { unreachable: 0, bytes }) === 0
}

/**
 * Why a write cannot begin, if so. Members that stand in do so for owners that are away, never for ones whose lanes
 * are full: overload would else make hints, and those more load.
 * @param down the owners that are thought not to answer, as a mask of their numbers
 */
export function writeRefusal(
  node: Node & Pick<Coordination, 'data'>,
  ring: Ring,
  request: WriteRequest,
  down: number,
): UnavailableError | OverloadedError | undefined {
  const { needed, partition, value, storageKey, key } = request
  const alive = reachableReplicas(node, ring, request, down)
  if (alive < needed) return unavailable('write', request, { needed, alive })
  const owners = ring.replicas(partition)
  const bytes = value.length + storageKey.length + frameAllowanceBytes
  const full = fullOwners(node, owners, { unreachable: down, bytes })
  if (full === 0) return undefined
  const roomy = fewestOfSides(node, ring, request, selected(owners, full))
  if (roomy >= needed) return undefined
  return new OverloadedError(
    `a write of ${JSON.stringify(key)} needs ${needed} replicas, ${roomy} can take it now: try again later`,
  )
}

/** Why a read cannot begin, if so. */
export function readRefusal(
  node: Node,
  ring: Ring,
  request: Wanted & { readonly key: string },
): UnavailableError | undefined {
  const { needed } = request
  const alive = reachableReplicas(node, ring, request)
  return alive < needed ? unavailable('read', request, { needed, alive }) : undefined
}

interface WriteRequest {
  readonly key: string
  readonly partition: number
  readonly storageKey: string
  readonly sloppy: boolean
  readonly needed: number
  readonly value: Uint8Array
}

/** What a put frame has beside key and value, about. */
const frameAllowanceBytes = 512

/** The error of an operation for whose quorum too few replicas can be reached. Nothing changed. */
export function unavailable(
  what: 'read' | 'write',
  request: { key: string; sloppy: boolean },
  { needed, alive, cause }: { needed: number; alive: number; cause?: unknown },
): UnavailableError {
  const which = request.sloppy ? 'nodes' : 'owners'
  return new UnavailableError(
    `a ${what} of ${JSON.stringify(request.key)} needs ${needed} replicas, ${alive} ${which} can be reached`,
    { needed, alive, cause },
  )
}

/** The error of a write that is stored here, and perhaps elsewhere, but not on as many replicas as it needs. */
export function uncertain(
  { needed, key, timeoutMs }: { needed: number; key: string; timeoutMs: number },
  when: 'in time' | 'within its deadline',
  { acknowledged, cause }: { acknowledged: number; cause: unknown },
): WriteUncertainError {
  const limit = when === 'in time' ? '' : ` of ${timeoutMs} ms`
  return new WriteUncertainError(
    `${acknowledged} of ${needed} needed replicas stored ${JSON.stringify(key)} ${when}${limit}`,
    { needed, acknowledged, cause },
  )
}

/** An error of the local storage as one of ours. */
export function asStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error
  return new StorageError('the storage of this node failed', error)
}

/** The error of a read that too few replicas can still answer. */
export function lostRead(
  request: { key: string; bucket: string; sloppy: boolean; needed: number },
  answered: number,
  cause: Error | undefined,
): Error {
  if (cause instanceof ConflictPolicyError) return cause
  const { needed, bucket } = request
  return unavailable('read', request, { needed, alive: answered, cause: cause ?? bucket })
}

/** The error of a read that too few replicas answered in time. */
export function lateRead(
  { key, needed, timeoutMs }: { key: string; needed: number; timeoutMs: number },
  answered: number,
  cause: Error | undefined,
): TimeoutError {
  const message = `${answered} of ${needed} needed replicas answered for ${JSON.stringify(key)} within ${timeoutMs} ms`
  return new TimeoutError(message, { afterMs: timeoutMs, cause })
}

type ChoosingNode = Pick<
  Coordination,
  'selfId' | 'isReachable' | 'stats' | 'data' | 'choice' | 'backgroundError'
>

/** Numbers of the owners that a read may ask next. Used for one choice at a time, as what follows. */
const numbers: number[] = []
/** What is known of those owners, in a list for each count: one that is emptied and filled anew takes new memory. */
const candidateLists: PeerLoad[][] = []

/**
 * The best owner that a read has not asked yet: this node first, then one of those that are thought to answer, by the
 * node's rule. −1: none.
 * @param lastMask those that are asked when nobody else is left
 */
export function nextOwner(
  node: ChoosingNode,
  owners: readonly string[],
  askedMask: number,
  lastMask = 0,
): number {
  const self = askedMask === 0 ? owners.indexOf(node.selfId) : -1
  if (self >= 0) return self
  let count = 0
  for (let i = 0; i < owners.length; i++) {
    const isPassed = ((askedMask | lastMask) & (1 << i)) !== 0
    if (!isPassed && node.isReachable(owners[i]!)) numbers[count++] = i
  }
  if (count === 0) return lastMask === 0 ? -1 : nextOwner(node, owners, askedMask)
  if (count === 1) return numbers[0]!
  const candidates = (candidateLists[count] ??= [])
  for (let i = 0; i < count; i++) candidates[i] = node.data(owners[numbers[i]!]!).load
  return numbers[chosenOf(node, candidates, node.stats.gets)]!
}

/**
 * The replica that a read asks next. While owners change, those that count for one quorum alone come last: they may
 * have it still to get, and would be sent it by the read.
 */
export function nextReplica(
  node: ChoosingNode,
  ring: Ring,
  partition: number,
  askedMask: number,
): number {
  return nextOwner(node, ring.replicas(partition), askedMask, oneSidedMask(ring, partition))
}

/** Which of several candidates is to be asked, by the node's rule; the others are passed over. */
export function chosenOf(
  node: Pick<Coordination, 'choice' | 'backgroundError'>,
  candidates: readonly PeerLoad[],
  turn: number,
): number {
  const choice = choose(node, candidates, turn)
  const chosen = candidates[choice] === undefined ? 0 : choice
  for (let i = 0; i < candidates.length; i++) if (i !== chosen) candidates[i]!.passedOver()
  return chosen
}

/** The rule is the service's own, perhaps: a read does not fail because of it. */
function choose(
  { choice, backgroundError }: Pick<Coordination, 'choice' | 'backgroundError'>,
  candidates: readonly PeerLoad[],
  turn: number,
): number {
  try {
    return choice.choose(candidates, turn)
  } catch (error) {
    const problem = `threw instead of choosing: ${String(error)}`
    backgroundError('replica-choice', new InvalidArgumentError('replicaChoice', problem))
    return 0
  }
}

/** The next member of the walk that may be asked in the place of an owner, beside those that are `nodes` already. */
export function nextFallback(
  node: Node,
  ring: Ring,
  partition: number,
  nodes: readonly string[],
): string | undefined {
  const mayBeAsked = (id: string): boolean => id === node.selfId || node.isReachable(id)
  return ring.preferenceList(partition).find((id) => !nodes.includes(id) && mayBeAsked(id))
}
