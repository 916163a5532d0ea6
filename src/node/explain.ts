/** Tells how things stand with one key: asks each member that may have something of it what it really stores. */
import { ProtocolError } from '../base/errors.ts'
import type { Status } from '../membership/claim.ts'
import { summarise, type RecordSummary } from '../replica/record-summary.ts'
import type { Stage } from '../ring/configuration.ts'
import { isFailure, request } from '../rpc/request.ts'
import { judgeConvergence, type Convergence, type Holding } from './convergence.ts'
import type { KeyPlace } from './key-place.ts'
import type { NodeCore } from './node-core.ts'
import { judgeTombstone, type TombstoneFate } from './tombstone-fate.ts'

export type { RecordSummary } from '../replica/record-summary.ts'

/** Asks a member what it stores of a key, and what it keeps for others. */
export const explainCall = 'explain'

/** What one member says of a key. */
export interface ReplicaReport extends Holding {
  /** Whether it is thought to answer. */
  readonly status: Status
  readonly stage: Stage
  /** The epoch of the ring in force there, if it told. */
  readonly epoch?: number
  /**
   * Unix time in milliseconds when it last found the key's partition equal with all other owners, in the background; 0
   * for never, and for one that is no owner or did not tell.
   */
  readonly comparedAtMs: number
}

/** How things stand with a key. Plain, and safe for JSON. */
export interface Explanation extends Convergence {
  readonly bucket: string
  readonly key: string
  readonly partition: number
  /** The epoch of the ring in force at the node that asked. */
  readonly epoch: number
  /** In the order of the preference list. */
  readonly owners: readonly string[]
  readonly fallbacks: readonly string[]
  /** What becomes of the tombstone, when nothing else is left of the key. */
  readonly tombstone?: TombstoneFate
  /** What each of the first 64 of the preference list holds, owners first, in its order. */
  readonly replicas: readonly ReplicaReport[]
}

const timeoutMaxMs = 2_000
const askedMax = 64
const targetsMax = 1000
const clockLengthMax = 100_000

/** Asks the members. One that does not answer in time is told as `unknown`, and is no error. */
export async function explainKey(
  core: NodeCore,
  {
    bucket,
    key,
    partition,
    storageKey,
  }: KeyPlace & { readonly bucket: string; readonly key: string },
  { timeoutMs = timeoutMaxMs }: { readonly timeoutMs?: number },
): Promise<Explanation> {
  core.assertOpen()
  const ring = core.coordination.ring()
  const owners = ring.replicas(partition)
  const list = ring.preferenceList(partition)
  const [reaper] = ring.owners(partition) as [string]
  let confirmedAtMs = 0
  const replicas = await Promise.all(
    list.slice(0, askedMax).map(async (id): Promise<ReplicaReport> => {
      const told = await ask(core, id, { partition, storageKey }, timeoutMs)
      if (id === reaper) confirmedAtMs = told.confirmedAtMs
      const stage = ring.member(id)?.stage ?? 'normal'
      const status = core.gossip?.member(id)?.status ?? 'suspect'
      const role = owners.includes(id) ? 'primary' : 'fallback'
      return { id, role, status, stage, ...told.report }
    }),
  )
  const { graceMs, reap: reaps } = core.options.tombstones
  const view = { reaper, confirmedAtMs, graceMs, reaps, isMoving: ring.isMoving }
  const tombstone = judgeTombstone(replicas, view)
  return {
    bucket,
    key,
    partition,
    epoch: ring.epoch,
    owners,
    fallbacks: list.slice(owners.length),
    ...judgeConvergence(replicas),
    ...(tombstone === undefined ? {} : { tombstone }),
    replicas,
  }
}

interface Told {
  readonly report: Omit<ReplicaReport, 'id' | 'role' | 'status' | 'stage'>
  /** When all members confirmed the key's tombstone to this one. */
  readonly confirmedAtMs: number
}

/** The answer to `explainCall`. @throws {ProtocolError} by rejection, for a place outside of the ring. */
export async function explainAnswer(
  core: NodeCore,
  partition: unknown,
  storageKey: unknown,
): Promise<readonly unknown[]> {
  const { ring } = core.keeper
  const isPlace = Number.isSafeInteger(partition) && typeof storageKey === 'string'
  if (!isPlace || (partition as number) < 0 || (partition as number) >= (ring?.partitions ?? 0))
    throw new ProtocolError('a key outside of the ring was asked about')
  const place = { partition: partition as number, storageKey }
  const { report, confirmedAtMs } = await tell(core, place)
  const { epoch, state, record, recovering, hintsFor, marksFor, comparedAtMs } = report
  const summary = record && [
    record.siblings,
    record.tombstones,
    record.expired,
    record.bytes,
    record.clock,
    record.digest,
  ]
  const kept = [recovering, hintsFor, marksFor]
  return [epoch, state, summary ?? null, ...kept, comparedAtMs, confirmedAtMs]
}

/** What this node holds. @throws {StorageError} by rejection. */
async function tell(core: NodeCore, { partition, storageKey }: KeyPlace): Promise<Told> {
  const stored = await core.store.read(partition, storageKey)
  const isSound = stored !== undefined && stored !== 'damaged'
  const { hintsFor, marksFor } = core.hints.keptFor(partition, storageKey)
  const report = {
    state: isSound ? 'record' : (stored ?? 'absent'),
    ...(isSound ? { record: summarise(stored, core.ports.clock.wallMs()) } : {}),
    recovering: core.filling.isUnderWay,
    hintsFor,
    marksFor,
    epoch: core.keeper.ring?.epoch ?? 0,
    comparedAtMs: core.antiEntropy.comparedAtMs(partition),
  } as const
  return { report, confirmedAtMs: core.reaper.confirmedAtMs(partition, storageKey) }
}

async function ask(core: NodeCore, id: string, place: KeyPlace, timeoutMs: number): Promise<Told> {
  const { partition, storageKey } = place
  if (id === core.identity.id)
    return tell(core, place).catch((error: unknown) => silence((error as Error).message))
  const wait = { clock: core.ports.clock, timeoutMs, epoch: core.keeper.ring?.epoch ?? 0 }
  const outcome = await request(core.peers.control(id), [explainCall, partition, storageKey], wait)
  if (isFailure(outcome)) return silence(outcome.error.message)
  return readTold(outcome) ?? silence('its answer makes no sense')
}

function silence(problem: string): Told {
  const nothing = { recovering: false, hintsFor: [], marksFor: [], comparedAtMs: 0 }
  return { report: { state: 'unknown', problem, ...nothing }, confirmedAtMs: 0 }
}

/** Total: undefined for what no node of this version says. */
function readTold(tuple: readonly unknown[]): Told | undefined {
  const [epoch, state, summary, recovering, hintsFor, marksFor, compared, confirmed] = tuple
  if (!isCount(epoch) || !isTargets(hintsFor) || !isTargets(marksFor)) return undefined
  if (!isInstant(compared) || !isInstant(confirmed)) return undefined
  const kept = { recovering: recovering === true, hintsFor, marksFor }
  const told = { ...kept, epoch, comparedAtMs: compared }
  const confirmedAtMs = confirmed
  if (state === 'absent' || state === 'damaged')
    return { report: { state, ...told }, confirmedAtMs }
  const record = readSummary(summary)
  if (state !== 'record' || record === undefined) return undefined
  return { report: { state, record, ...told }, confirmedAtMs }
}

function isInstant(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

function readSummary(tuple: unknown): RecordSummary | undefined {
  if (!Array.isArray(tuple)) return undefined
  const [siblings, tombstones, expired, bytes, clock, digest] = tuple as readonly unknown[]
  const counts = [siblings, tombstones, expired, bytes, digest]
  if (!counts.every(isCount) || typeof clock !== 'string') return undefined
  if (clock.length > clockLengthMax) return undefined
  return {
    siblings: siblings as number,
    tombstones: tombstones as number,
    expired: expired as number,
    bytes: bytes as number,
    clock,
    digest: digest as number,
  }
}

function isTargets(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length <= targetsMax &&
    value.every((each) => typeof each === 'string')
  )
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
