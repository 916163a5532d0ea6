/**
 * Brings replicas that a read found stale up to date, with the whole record (HAZARDS D2). Used by a read that waits for
 * it (blocking) and by one that does not.
 */
import { StoreError, TimeoutError } from '../base/errors.ts'
import type { Channel } from '../rpc/channel.ts'
import { frameType } from '../rpc/frame.ts'
import { putFrame } from '../rpc/frame-buffer.ts'
import { unpackFailure } from '../rpc/failure.ts'
import type { AnswerFrame, CallSink } from '../rpc/pending-calls.ts'
import type { Coordination } from './coordination.ts'
import { patienceMs } from './hedging.ts'
import { Deadline } from './timer-wheel.ts'

/** What stale replicas are to be sent. */
export interface RepairRequest {
  readonly storageKey: string
  readonly partition: number
  readonly timeoutMs: number
  readonly epoch: number
  readonly record: Buffer
  readonly stale: RepairTargets
  /** Owners that are away, for which one of those that take the record is to keep hints: this node, if it is one. */
  readonly hintFor: readonly string[]
}

/**
 * Members to be brought up to date, each with the owner that it stands in for, or undefined for an owner. The node
 * itself may be among them.
 */
type RepairTargets = ReadonlyMap<string, string | undefined>

/** No copy is waited for. */
export const nobodyWaits: RepairGoal['missing'] = { count: 0, took: () => undefined }

/** What a read waits for before it tells its result. */
export interface RepairGoal {
  /** The copies that must be there; none when nobody waits for them. */
  readonly missing: { readonly count: number; took(id: string): void }
  /** Who need not be asked for a copy in the place of another. */
  readonly asked: readonly string[]
  /** As many copies as were missing are there. Called at most once. */
  reached(): void
  /** They cannot be there any more, or not under the ring of the request. */
  missed(error: StoreError): void
}

/**
 * Repairs the stale replicas. While copies are missing, an owner not asked yet takes the place of one that takes none,
 * and one more is asked when it lasts: a slow disk must not fail a read that others could serve (HAZARDS H7).
 */
export function repairReplicas(node: Coordination, request: RepairRequest, goal: RepairGoal): void {
  const asked = new Set(goal.asked)
  const { missing } = goal
  let waiting = 0
  const repair = (stale: RepairTargets): void => {
    waiting += stale.size
    new ReadRepair(node, { ...request, stale }, listener).start()
  }
  const repairAnother = (): boolean => {
    const ring = node.ring()
    // Whoever waits begins again under a newer ring.
    if (ring.epoch !== request.epoch) return false
    const owners = ring.replicas(request.partition)
    const other = owners.find((id) => !asked.has(id) && node.isReachable(id))
    if (other === undefined) return false
    asked.add(other)
    repair(new Map([[other, undefined]]))
    return true
  }
  const patience = new Patience(() => {
    if (missing.count > 0) repairAnother()
  })
  const listener: RepairListener = {
    repaired: (id) => {
      waiting -= 1
      if (missing.count === 0) return
      missing.took(id)
      if (missing.count > 0) return
      node.wheel.cancel(patience)
      goal.reached()
    },
    notRepaired: (id, error) => {
      waiting -= 1
      node.backgroundError('read-repair', error, id)
      if (missing.count === 0 || repairAnother() || waiting >= missing.count) return
      node.wheel.cancel(patience)
      goal.missed(error)
    },
    expired: (id, error) => {
      waiting -= 1
      node.wheel.cancel(patience)
      node.backgroundError('read-repair', error, id)
    },
  }
  if (missing.count > 0) node.wheel.set(patience, patienceMs)
  if (request.stale.size > 0) repair(request.stale)
  else if (missing.count > 0 && !repairAnother()) {
    node.wheel.cancel(patience)
    goal.missed(new StoreError('ERR_UNAVAILABLE', 'no owner is left that could take a copy'))
  }
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
  /** It did not answer in the time that the whole repair has. */
  expired(id: string, error: StoreError): void
}

/** Sends the record to the stale replicas. The listener is never called before this returns. */
class ReadRepair extends Deadline implements CallSink {
  readonly #node: Coordination
  readonly #request: RepairRequest
  readonly #listener: RepairListener
  readonly #targets: readonly string[]
  /** Request ids of the calls that wait, by target. */
  readonly #calls: Map<number, number> = new Map()
  /** Targets that were behind, and were told the ring: as a mask of their numbers. */
  #toldMask = 0

  constructor(node: Coordination, request: RepairRequest, listener: RepairListener) {
    super()
    this.#node = node
    this.#request = request
    this.#listener = listener
    this.#targets = [...request.stale.keys()]
  }

  start(): void {
    this.#targets.forEach((id, i) => {
      if (id === this.#node.selfId) return this.#repairSelf(i, this.#hintsOf(id))
      const channel = this.#node.data(id)
      if (this.#send(i, channel)) return
      const error = channel.lastError
      queueMicrotaskOf(() => this.unanswered(i, error))
    })
    if (this.#calls.size > 0) this.#node.wheel.set(this, this.#request.timeoutMs)
    this.#node.stats.repaired += this.#targets.length
    this.#node.repaired(this.#request.storageKey, this.#targets)
  }

  #send(i: number, channel: Channel): boolean {
    const { partition, storageKey: key, record, timeoutMs, epoch } = this.#request
    const hintFor = this.#hintsOf(this.#targets[i]!)
    const head = { epoch, timeLeftMs: timeoutMs }
    const call = channel.call(this, i, putFrame(head, { partition, key, hintFor }, record, 0))
    if (call !== undefined) this.#calls.set(i, call)
    return call !== undefined
  }

  /** For whom a target keeps hints: the owner that it stands in for, and one of the targets for all that are away. */
  #hintsOf(target: string): readonly string[] {
    const { stale, hintFor } = this.#request
    const { selfId } = this.#node
    const owner = stale.get(target)
    const keeper = stale.has(selfId) ? selfId : this.#targets[0]
    // One that was away may be asked after all.
    const forAway = target === keeper ? hintFor.filter((id) => id !== target) : []
    return owner === undefined ? forAway : [owner, ...forAway]
  }

  /** The replicas that still do not answer are given up. */
  expire(): void {
    const { timeoutMs } = this.#request
    for (const [i, call] of this.#calls) {
      const id = this.#targets[i]!
      this.#node.data(id).abandon(call)
      this.#listener.expired(
        id,
        new TimeoutError(`no answer within ${timeoutMs} ms`, { afterMs: timeoutMs }),
      )
    }
    this.#calls.clear()
  }

  #ended(i: number): string {
    if (this.#calls.delete(i) && this.#calls.size === 0) this.#node.wheel.cancel(this)
    return this.#targets[i]!
  }

  #repairSelf(i: number, hintFor: readonly string[]): void {
    const { partition, storageKey: key, record } = this.#request
    const merge = async (): Promise<void> => {
      const { length } = record
      await this.#node.store.merge(partition, key, { bytes: record, start: 0, end: length })
      for (const target of hintFor) this.#node.keepHint({ target, partition, key }, length)
    }
    merge().then(
      () => this.#listener.repaired(this.#ended(i)),
      (error: unknown) => this.unanswered(i, error as StoreError),
    )
  }

  answered(i: number, frame: AnswerFrame): void {
    const { type, bytes, bodyStart, end } = frame
    if (type === frameType.stored) return this.#listener.repaired(this.#ended(i))
    if (type === frameType.otherEpoch && this.#sendAgain(i, { bytes, start: bodyStart, end }))
      return
    const error =
      type === frameType.failed
        ? unpackFailure(bytes, bodyStart, end)
        : new StoreError('ERR_PROTOCOL', 'the replica works under another ring configuration')
    this.unanswered(i, error)
  }

  /** To one that was behind, once: it knows the ring before it gets the record. */
  #sendAgain(i: number, body: { bytes: Uint8Array; start: number; end: number }): boolean {
    const id = this.#targets[i]!
    const isTold = this.#node.otherEpoch(id, body) && (this.#toldMask & (1 << i)) === 0
    if (!isTold || this.#node.ring().epoch !== this.#request.epoch) return false
    this.#toldMask |= 1 << i
    return this.#send(i, this.#node.data(id))
  }

  unanswered(i: number, error: StoreError): void {
    this.#listener.notRepaired(this.#ended(i), error)
  }
}

/** In a later microtask, without a timer. */
function queueMicrotaskOf(run: () => void): void {
  void Promise.resolve().then(run)
}
