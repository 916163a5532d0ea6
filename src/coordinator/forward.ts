/**
 * Writes of keys that this node owns no copy of go to an owner, which coordinates them: only owners keep minting dots
 * for a key, so its clock stays as short as its owners are few. A write is coordinated once: a request that may have
 * arrived is never sent to a second coordinator (HAZARDS A7).
 */
import {
  ClosedError,
  OverloadedError,
  ProtocolError,
  TopologyBusyError,
  WriteUncertainError,
  type StoreError,
  type StoreErrorCode,
} from '../base/errors.ts'
import type { RecordKind } from '../versions/sibling-set.ts'
import { Context, contentOf } from '../versions/context.ts'
import { isFailure, request, type RequestOutcome } from '../rpc/request.ts'
import { unavailable } from './availability.ts'
import type { Coordination } from './coordination.ts'
import { countFailed } from './end-write.ts'
import { longValueBytes } from './long-values.ts'
import { tooManyInFlight } from './overloaded.ts'
import { withOwnValue, type PutRequest } from './put-request.ts'
import { startPut } from './quick-put.ts'
import type { Acknowledgement, Receipt } from './receipt.ts'

/** Name of the call that forwards a write to an owner. */
export const putCall = 'put'

/** The way of a write: here when this node owns the key, else through an owner. */
export function routePut(
  node: Coordination,
  put: PutRequest,
  writeId: () => string,
): Promise<Receipt> {
  const owners = node.ring().owners(put.partition)
  if (owners.includes(node.selfId)) return startPut(node, put)
  return forwardPut(node, withOwnValue(put), writeId())
}

async function forwardPut(node: Coordination, put: PutRequest, writeId: string): Promise<Receipt> {
  node.stats.forwarded += 1
  const startedMs = node.clock.monotonicMs()
  const outcome = await askOwners(node, put, writeId).catch((error: unknown) => {
    countFailed(node)
    throw error
  })
  // With no owner in reach this node stands in for one; the operation then counts itself out.
  if ('last' in outcome) {
    if (!standsIn(node, put)) {
      countFailed(node)
      throw unavailable('write', put, { needed: put.needed, alive: 0, cause: outcome.last })
    }
    const timeoutMs = Math.max(1, put.timeoutMs - (node.clock.monotonicMs() - startedMs))
    return startPut(node, { ...put, timeoutMs })
  }
  node.stats.inFlight -= 1
  return outcome.receipt
}

/** A member that leaves stands in for nobody: what it took now would go with its disk. */
function standsIn(node: Coordination, { partition }: PutRequest): boolean {
  return node.ring().preferenceList(partition).includes(node.selfId)
}

/**
 * The receipt of the first owner that takes the write; for a sloppy write, the last problem when no owner can be
 * reached.
 * @throws {UnavailableError} by rejection, for a strict write that no owner can be reached for; nothing changed.
 */
async function askOwners(
  node: Coordination,
  put: PutRequest,
  writeId: string,
): Promise<{ receipt: Receipt } | { last: StoreError | undefined }> {
  let last: StoreError | undefined
  const startedMs = node.clock.monotonicMs()
  for (const owner of node.ring().owners(put.partition)) {
    if (!node.isReachable(owner)) continue
    const timeoutMs = put.timeoutMs - (node.clock.monotonicMs() - startedMs)
    if (timeoutMs <= 0) break
    const body = putTuple(node, put, writeId)
    const wait = { clock: node.clock, timeoutMs, epoch: node.ring().epoch }
    const outcome = await request(node.data(owner), body, wait)
    if (!isFailure(outcome)) return { receipt: receiptOf(node, put, outcome) }
    last = outcome.error
    if (isFinal(outcome)) throw finalError(put, outcome)
  }
  if (put.sloppy) return { last }
  if (last instanceof OverloadedError) throw last
  throw unavailable('write', put, { needed: put.needed, alive: 0, cause: last })
}

/** Answers of an owner that did nothing, while another one may. */
const goOn: readonly StoreErrorCode[] = ['ERR_TOPOLOGY_BUSY', 'ERR_CLOSED', 'ERR_OVERLOADED']

/** Whether the write may have happened, or was refused for good: no other owner is asked. */
function isFinal({ sent, answered, error }: RequestOutcome): boolean {
  return sent && !(answered && goOn.includes(error.code))
}

/** @throws {WriteUncertainError} when the owner's answer makes no sense: it has the write all the same. */
function receiptOf(node: Coordination, put: PutRequest, tuple: readonly unknown[]): Receipt {
  try {
    return readReceipt(node, put, tuple)
  } catch (cause) {
    const message = `the receipt of ${JSON.stringify(put.key)} cannot be read`
    throw new WriteUncertainError(message, { needed: put.needed, acknowledged: 0, cause })
  }
}

/** The owner's own error, or that it is not known what became of the write. */
function finalError(put: PutRequest, { error, answered }: RequestOutcome): StoreError {
  if (answered) return error
  const message = `the coordinator of ${JSON.stringify(put.key)} did not answer: ${error.message}`
  return new WriteUncertainError(message, { needed: put.needed, acknowledged: 0, cause: error })
}

function putTuple(node: Coordination, put: PutRequest, writeId: string): readonly unknown[] {
  const binding = { cluster: node.cluster(), bucket: put.bucket, key: put.key }
  const replaces = put.replaces === 'all' ? null : new Context(binding, put.replaces).toString()
  const head = [putCall, writeId, put.bucket, put.key, put.partition, put.storageKey, put.kind]
  const options = [put.needed, put.sloppy, put.timeoutMs]
  return [...head, ...options, put.tombstone, put.expiresAtMs, replaces, Buffer.from(put.value)]
}

const kinds: readonly unknown[] = ['siblings', 'merge', 'lww']

/** What a forwarded write asks for; total. */
function readPutTuple(
  node: Coordination,
  tuple: readonly unknown[],
): { writeId: string; put: PutRequest } {
  const [, writeId, bucket, key, partition, storageKey, kind, needed, sloppy, timeoutMs] = tuple
  const [tombstone, expiresAtMs, replaces, value] = tuple.slice(10)
  if (
    typeof writeId !== 'string' ||
    typeof bucket !== 'string' ||
    typeof key !== 'string' ||
    !isCount(partition) ||
    partition >= node.ring().partitions ||
    typeof storageKey !== 'string' ||
    !kinds.includes(kind) ||
    !isCount(needed) ||
    typeof sloppy !== 'boolean' ||
    typeof timeoutMs !== 'number' ||
    !(timeoutMs > 0) ||
    typeof tombstone !== 'boolean' ||
    !isInstant(expiresAtMs) ||
    !(value instanceof Uint8Array)
  ) {
    throw new ProtocolError('a malformed forwarded write')
  }
  const binding = { cluster: node.cluster(), bucket, key }
  const covered = typeof replaces === 'string' ? contentOf(replaces, binding) : 'all'
  const place = { bucket, key, partition, storageKey }
  const options = { kind: kind as RecordKind, needed, sloppy, timeoutMs, tombstone, expiresAtMs }
  return { writeId, put: { ...place, ...options, value, isBorrowed: false, replaces: covered } }
}

/** An instant of the wall clock, or 0 for none. */
function isInstant(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < Infinity
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** Most forwarded writes that are remembered, to answer one that arrives twice. */
const rememberedMax = 10_000

/** Coordinates writes that other nodes forward. */
export class ForwardedPuts {
  readonly #node: Coordination
  readonly #isClosed: () => boolean
  /** Also what was refused: whoever forwarded it has gone on to another owner. */
  readonly #begun: Map<string, Promise<readonly unknown[]>> = new Map()

  constructor(node: Coordination, isClosed: () => boolean) {
    this.#node = node
    this.#isClosed = isClosed
  }

  /**
   * Answers one forwarded write; the same write twice gives the same answer.
   * @throws {ClosedError} by rejection, as all of these, when the node is closed; nothing changed.
   * @throws {TopologyBusyError} when this node owns no copy; nothing changed.
   * @throws {OverloadedError} when too much is under way; nothing changed.
   */
  coordinate(tuple: readonly unknown[]): Promise<readonly unknown[]> {
    const { writeId, put } = readPutTuple(this.#node, tuple)
    const begun = this.#begun.get(writeId)
    if (begun !== undefined) return begun
    const answer = this.#begin(put)
    this.#begun.set(writeId, answer)
    if (this.#begun.size > rememberedMax) this.#begun.delete(this.#begun.keys().next().value!)
    return answer
  }

  async #begin(put: PutRequest): Promise<readonly unknown[]> {
    const { stats, inFlightMax, selfId, long } = this.#node
    if (put.value.length >= longValueBytes) await long.turn(put.value.length)
    if (this.#isClosed()) throw new ClosedError('the node is closed')
    this.#node.assertBearable()
    if (!this.#node.ring().owners(put.partition).includes(selfId)) {
      throw new TopologyBusyError('this node owns no copy of the key any more')
    }
    if (stats.inFlight >= inFlightMax) {
      stats.refused += 1
      throw tooManyInFlight(inFlightMax)
    }
    stats.inFlight += 1
    return receiptTuple(await startPut(this.#node, put))
  }
}

function receiptTuple(receipt: Receipt): readonly unknown[] {
  const acknowledged = receipt.acknowledged.map(({ node, role, durable }) => [node, role, durable])
  return [receipt.context.toString(), acknowledged, receipt.hinted]
}

function readReceipt(node: Coordination, put: PutRequest, tuple: readonly unknown[]): Receipt {
  const [token, acknowledged, hinted] = tuple
  if (typeof token !== 'string' || !Array.isArray(acknowledged) || !Array.isArray(hinted)) {
    throw new ProtocolError('a malformed receipt')
  }
  const binding = { cluster: node.cluster(), bucket: put.bucket, key: put.key }
  return {
    context: new Context(binding, contentOf(token, binding)),
    acknowledged: acknowledged.map(readAcknowledgement),
    hinted: hinted.map(String),
  }
}

function readAcknowledgement(value: unknown): Acknowledgement {
  const [node, role, durable] = value as readonly unknown[]
  return {
    node: String(node),
    role: role === 'primary' ? 'primary' : 'fallback',
    durable: durable === true,
  }
}
