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
import { Deadline } from './timer-wheel.ts'

/** What stale replicas are to be sent. */
export interface RepairRequest {
  readonly storageKey: string
  readonly partition: number
  readonly timeoutMs: number
  readonly epoch: number
  readonly record: Buffer
  /** Members to be brought up to date; the node itself may be among them. */
  readonly stale: readonly string[]
}

/** What a read waits for before it tells its result. */
export interface RepairGoal {
  /** How many more copies must be there; 0 or less when nobody waits for them. */
  readonly missing: number
  /** Who need not be asked for a copy in the place of another. */
  readonly asked: readonly string[]
  /** Whether a copy there counts. */
  counts(id: string): boolean
  /** As many copies as were missing are there. Called at most once. */
  reached(): void
  /** They cannot be there any more. */
  missed(error: StoreError): void
}

/**
 * Repairs the stale replicas. While copies are missing, an owner not asked yet takes the place of one that takes none,
 * and one more is asked when it lasts: a slow disk must not fail a read that others could serve (HAZARDS H7).
 */
export function repairReplicas(node: Coordination, request: RepairRequest, goal: RepairGoal): void {
  const asked = new Set(goal.asked)
  let left = goal.missing
  let waiting = 0
  const repair = (stale: readonly string[]): void => {
    waiting += stale.length
    new ReadRepair(node, { ...request, stale }, listener).start()
  }
  const repairAnother = (): boolean => {
    const owners = node.ring().owners(request.partition)
    const other = owners.find((id) => !asked.has(id) && node.isReachable(id))
    if (other === undefined) return false
    asked.add(other)
    repair([other])
    return true
  }
  const patience = new Patience(() => {
    if (left > 0) repairAnother()
  })
  const listener: RepairListener = {
    repaired: (id) => {
      waiting -= 1
      if (!goal.counts(id)) return
      left -= 1
      if (left !== 0) return
      node.wheel.cancel(patience)
      goal.reached()
    },
    notRepaired: (id, error) => {
      waiting -= 1
      node.backgroundError('read-repair', error, id)
      if (left <= 0 || repairAnother() || waiting >= left) return
      node.wheel.cancel(patience)
      goal.missed(error)
    },
  }
  if (left > 0) node.wheel.set(patience, node.hedgeAfterMs)
  repair(request.stale)
}

/** Runs out once. */
class Patience extends Deadline {
  readonly #whenOut: () => void

  constructor(whenOut: () => void) {
    super()
    this.#whenOut = whenOut
  }

  expire(): void {
    this.#whenOut()
  }
}

/** Hears of each replica once, if it answers in its time. */
interface RepairListener {
  repaired(id: string): void
  notRepaired(id: string, error: StoreError): void
}

/** Sends the record to the stale replicas. The listener is never called before this returns. */
class ReadRepair implements CallSink {
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
