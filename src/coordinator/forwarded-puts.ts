/** Coordinates writes that other nodes forward, each of them once (HAZARDS A7). */
import { ClosedError, ProtocolError, StoreError, TopologyBusyError } from '../base/errors.ts'
import { refuse } from '../replica/handlers.ts'
import { splitStorageKey } from '../replica/places.ts'
import { readForward, receiptFrame } from '../rpc/forward-frame.ts'
import { requestEpoch, requestId, requestTimeLeftMs, type Frame } from '../rpc/frame-buffer.ts'
import { contentOf } from '../versions/context.ts'
import { kindOf } from '../versions/record-layout.ts'
import type { Coordination } from './coordination.ts'
import { longValueBytes } from './long-values.ts'
import { tooManyInFlight } from './overloaded.ts'
import { withOwnValue, type PutRequest } from './put-request.ts'
import { startPut } from './quick-put.ts'
import { toldReceipt, type Receipt } from './receipt.ts'

/** So many forwarded writes are remembered at least, and twice as many at most, to answer one that arrives twice. */
const rememberedMin = 5_000

/** What the node has to do with it. */
export interface ForwardedPutsOptions {
  isClosed(): boolean
  /** A mistake in the library: whoever asked is told that this node failed, and so is its own service. */
  failed(error: Error): void
}

type Responder = Parameters<typeof refuse>[0]

/** The writes that were forwarded to a node lately. */
export class ForwardedPuts {
  readonly #node: Coordination
  readonly #options: ForwardedPutsOptions
  /** By write id; also what was refused: whoever forwarded it has gone on to another owner. */
  #begun: Map<string, Promise<Receipt>> = new Map()
  #begunBefore: Map<string, Promise<Receipt>> = new Map()

  constructor(node: Coordination, options: ForwardedPutsOptions) {
    this.#node = node
    this.#options = options
  }

  /**
   * Answers one forwarded write; the same write twice gets the same answer. Refused, with nothing changed, when the
   * node is closed, owns no copy, or has too much under way.
   */
  answer(to: Responder, bytes: Uint8Array, start: number, end: number): void {
    const id = requestId(bytes, start)
    try {
      const epoch = requestEpoch(bytes, start)
      const { receipt, partition } = this.#receiptOf(bytes, start, end)
      receipt.then(
        (done) => to.send(this.#answerOf(done, { id, epoch, partition })),
        (error: unknown) => this.#refuse(to, id, error),
      )
    } catch (error) {
      this.#refuse(to, id, error)
    }
  }

  #receiptOf(
    bytes: Uint8Array,
    start: number,
    end: number,
  ): { receipt: Promise<Receipt>; partition: number } {
    const { writeId, put } = readPut(this.#node, bytes, start, end)
    const { partition } = put
    const known = this.#begun.get(writeId) ?? this.#begunBefore.get(writeId)
    if (known !== undefined) return { receipt: known, partition }
    const receipt = this.#begin(put)
    this.#begun.set(writeId, receipt)
    if (this.#begun.size >= rememberedMin) {
      this.#begunBefore = this.#begun
      this.#begun = new Map()
    }
    return { receipt, partition }
  }

  #begin(put: PutRequest): Promise<Receipt> {
    const { length } = put.value
    const turn = length < longValueBytes ? undefined : this.#node.long.turn(length)
    if (turn === undefined) return this.#coordinate(put)
    const own = withOwnValue(put)
    return turn.then(() => this.#coordinate(own))
  }

  async #coordinate(put: PutRequest): Promise<Receipt> {
    const { stats, inFlightMax, selfId } = this.#node
    if (this.#options.isClosed()) throw new ClosedError('the node is closed')
    this.#node.assertBearable()
    if (!this.#node.ring().owners(put.partition).includes(selfId)) {
      throw new TopologyBusyError('this node owns no copy of the key any more')
    }
    if (stats.inFlight >= inFlightMax) {
      stats.refused += 1
      throw tooManyInFlight(inFlightMax)
    }
    stats.inFlight += 1
    return startPut(this.#node, put)
  }

  #answerOf(
    receipt: Receipt,
    asked: { readonly id: number; readonly epoch: number; readonly partition: number },
  ): Frame {
    const ring = this.#node.ring()
    const known = ring.epoch === asked.epoch ? ring.replicas(asked.partition) : []
    return receiptFrame(asked.id, toldReceipt(receipt, known))
  }

  #refuse(to: Responder, id: number, error: unknown): void {
    refuse(to, id, error)
    if (!(error instanceof StoreError)) this.#options.failed(error as Error)
  }
}

/** What a forwarded write asks for. @throws {ProtocolError} @throws {InvalidContextError} */
function readPut(
  node: Coordination,
  bytes: Uint8Array,
  start: number,
  end: number,
): { writeId: string; put: PutRequest } {
  const asked = readForward(bytes, start, end)
  const kind = asked && kindOf(asked.kind)
  if (
    asked === undefined ||
    kind === undefined ||
    asked.partition >= node.ring().partitions ||
    !asked.key.includes('\0') ||
    !isInstant(asked.expiresAtMs)
  ) {
    throw new ProtocolError('a malformed forwarded write')
  }
  const { bucket, key } = splitStorageKey(asked.key)
  const { partition, needed, sloppy, tombstone, expiresAtMs, writeId, context } = asked
  const binding = { cluster: node.cluster(), bucket, key }
  const put: PutRequest = {
    bucket,
    key,
    partition,
    storageKey: asked.key,
    sloppy,
    timeoutMs: Math.max(1, requestTimeLeftMs(bytes, start)),
    kind,
    value: bytes.subarray(asked.valueStart, end),
    isBorrowed: true,
    tombstone,
    expiresAtMs,
    replaces: context === undefined ? 'all' : contentOf(context, binding),
    needed,
  }
  return { writeId, put }
}

/** An instant of the wall clock, or 0 for none. */
function isInstant(value: number): boolean {
  return value >= 0 && value < Infinity
}
