/**
 * Brings replicas that a read found stale up to date, with the whole record (HAZARDS D2). Used by a read that waits for
 * it (blocking) and by one that does not.
 */
import { StoreError } from '../base/errors.ts'
import { frameType } from '../rpc/frame.ts'
import { putFrame } from '../rpc/frame-buffer.ts'
import { unpackFailure } from '../rpc/failure.ts'
import type { AnswerFrame, CallSink } from '../rpc/pending-calls.ts'
import type { Coordination } from './coordination.ts'

export interface RepairRequest {
  readonly storageKey: string
  readonly partition: number
  readonly timeoutMs: number
  readonly epoch: number
  readonly record: Buffer
  /** Members to be brought up to date; the node itself may be among them. */
  readonly stale: readonly string[]
}

/** Hears of each replica once, if it answers in its time. */
export interface RepairListener {
  repaired(id: string): void
  notRepaired(id: string, error: StoreError): void
}

/** Sends the record to the stale replicas. The listener is never called before this returns. */
export class ReadRepair implements CallSink {
  readonly #node: Coordination
  readonly #request: RepairRequest
  readonly #listener: RepairListener

  constructor(node: Coordination, request: RepairRequest, listener: RepairListener) {
    this.#node = node
    this.#request = request
    this.#listener = listener
  }

  start(): void {
    const { stale, partition, storageKey, record, timeoutMs, epoch } = this.#request
    const owners = this.#node.ring().owners(partition)
    stale.forEach((id, i) => {
      if (id === this.#node.selfId) return this.#repairSelf(i)
      const hintFor = owners.includes(id) ? [] : [owners[0]!]
      const head = { epoch, timeLeftMs: timeoutMs }
      const frame = putFrame(head, { partition, key: storageKey, hintFor }, record, 0)
      const channel = this.#node.data(id)
      if (channel.call(this, i, frame) === undefined) {
        const error = channel.lastError
        queueMicrotaskOf(() => this.unanswered(i, error))
      }
    })
    this.#node.stats.repaired += stale.length
    this.#node.repaired(storageKey, stale)
  }

  #repairSelf(i: number): void {
    const { partition, storageKey, record } = this.#request
    const merge = async (): Promise<void> => {
      await this.#node.store.merge(partition, storageKey, { bytes: record, start: 0, end: record.length })
    }
    merge().then(
      () => this.#listener.repaired(this.#request.stale[i]!),
      (error: unknown) => this.unanswered(i, error as StoreError),
    )
  }

  answered(i: number, frame: AnswerFrame): void {
    const { type, bytes, bodyStart, end } = frame
    if (type === frameType.stored) return this.#listener.repaired(this.#request.stale[i]!)
    const error =
      type === frameType.failed
        ? unpackFailure(bytes, bodyStart, end)
        : new StoreError('ERR_PROTOCOL', 'the replica works under another ring configuration')
    this.unanswered(i, error)
  }

  unanswered(i: number, error: StoreError): void {
    this.#listener.notRepaired(this.#request.stale[i]!, error)
  }
}

/** In a later microtask, without a timer. */
function queueMicrotaskOf(run: () => void): void {
  void Promise.resolve().then(run)
}
