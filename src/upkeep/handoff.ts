/**
 * Delivers what this node holds for others (Dynamo §4.6): hinted records, and whole partitions that are marked dirty
 * for a new or long absent owner. Runs when a member comes up, at the start, and periodically, traffic or not
 * (HAZARDS C3).
 *
 * A hint names an intended owner; who needs the record is computed anew at delivery. If the target owns the partition
 * it gets the record, else all who own it now do (C2). A hint goes only after durable acknowledgements, and only if
 * the record is still the one that was sent; a record that this node does not own goes with its last hint.
 */
import { ClosedError, StorageError, UnavailableError } from '../base/errors.ts'
import type { Clock, Timer } from '../ports/clock.ts'
import type { StorageWrite } from '../ports/storage.ts'
import type { Hint } from '../replica/hint-store.ts'
import type { ReplicaStore } from '../replica/replica-store.ts'
import type { RingConfiguration } from '../ring/configuration.ts'
import type { Ring, RingChange } from '../ring/ring.ts'
import type { Channel } from '../rpc/channel.ts'
import { GainMarks, type GainMarksOptions } from './gain-marks.ts'
import { mendRecord } from './mend-record.ts'
import { transferPartition, type PartitionTransferOptions } from './partition-transfer.ts'
import { mayOwn, recipientsOf } from './recipients.ts'
import { RecordSender } from './record-sender.ts'
import { Throttle } from './throttle.ts'
import { inTurn } from './turns.ts'

/** What handoff needs of its node. */
export interface HandoffDriverOptions extends Omit<GainMarksOptions, 'rest'> {
  readonly store: ReplicaStore
  readonly clock: Clock
  /** Time between two rounds, milliseconds. */
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly bytesPerSecondMax: number
  /** Whether clients give the node much to do: then handoff waits. */
  isBusy(): boolean
  /** Whether clients were served a moment ago: then handoff rests between its pieces. */
  isServing(): boolean
  ring(): Ring | undefined
  data(id: string): Channel
  control(id: string): Channel
  isReachable(id: string): boolean
  delivered(target: string, count: number): void
  failed(error: Error, peer?: string): void
}

/** Hinted records on their way to one target at once. */
const parallelMax = 32
/** Partitions on their way to one target at once, and so many beside clients: what comes at once makes them wait. */
const parallelPartitionsMax = 8
const parallelBesideClientsMax = 2
/** A delivery that stopped half-way is tried again this soon, then after twice the time, up to the interval. */
const retryMinMs = 200
/** A node that leaves gives up when nothing was handed over for so long, at the least. */
const stuckAfterMinMs = 5_000

/** Delivers what one node keeps for others. */
export class Handoff {
  readonly #options: HandoffDriverOptions
  readonly #throttle: Throttle
  readonly #sender: RecordSender
  readonly #transfer: PartitionTransferOptions
  readonly #marks: GainMarks
  readonly #busy: Set<string> = new Set()
  #timer: Timer | undefined
  /** Whether this node gives everything away: then others stand in for members that are away. */
  #isLeaving = false
  /** Targets whose delivery stopped half-way, with the delay before the next try. */
  readonly #retries: Map<string, { delayMs: number; timer: Timer }> = new Map()
  #closed = false
  /** Records delivered since the start. */
  deliveredCount = 0

  constructor(options: HandoffDriverOptions) {
    this.#options = options
    const throttle = new Throttle(options.clock, options.bytesPerSecondMax, {
      isBusy: () => options.isBusy(),
      isServing: () => options.isServing(),
    })
    this.#throttle = throttle
    this.#marks = new GainMarks({ ...options, rest: (tookMs) => throttle.rest(tookMs) })
    this.#sender = new RecordSender({ ...options, throttle, isLeaving: () => this.#isLeaving })
    this.#transfer = {
      ...options,
      sender: this.#sender,
      isClosed: () => this.#closed,
      mend: (ring, hint) => this.#mend(ring, hint),
      handedOver: (count) => (this.deliveredCount += count),
    }
  }

  /** Bytes of records that were sent for deliveries, and arrived. */
  get sentBytes(): number {
    return this.#sender.sentBytes
  }

  start(): void {
    this.#timer = this.#options.clock.after(this.#options.intervalMs, () => {
      this.#round()
      this.start()
    })
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
    this.#marks.close()
    for (const { timer } of this.#retries.values()) timer.cancel()
    this.#throttle.close()
  }

  /** Delivers to every member that answers. */
  #round(): void {
    this.#options.hints.reconcile().catch((error: unknown) => this.#options.failed(error as Error))
    for (const target of this.#options.hints.targets) this.deliver(target)
  }

  /** Starts to deliver what is kept for a member, unless that is under way. */
  deliver(target: string): void {
    if (this.#closed || this.#busy.has(target)) return
    this.#busy.add(target)
    this.#deliverAll(target)
      .catch((error: unknown) => this.#options.failed(error as Error, target))
      .finally(() => {
        this.#busy.delete(target)
        this.#retryLater(target)
      })
  }

  /** What could not be delivered to a member that seems to answer is tried again before the next round. */
  #retryLater(target: string): void {
    const before = this.#retries.get(target)
    before?.timer.cancel()
    this.#retries.delete(target)
    const { hints, clock, intervalMs } = this.#options
    const isLeft = hints.count(target) + hints.dirtyCount(target) > 0
    const delayMs = before === undefined ? retryMinMs : before.delayMs * 2
    if (this.#closed || !isLeft || delayMs >= intervalMs || !this.#isDeliverable(target)) return
    const timer = clock.after(delayMs, () => this.deliver(target))
    this.#retries.set(target, { delayMs, timer })
  }

  /**
   * A ring came into force: what new owners need from this node is marked for them, and sent. Also called with the ring
   * that this node starts with, for which a crash may have left no marks.
   */
  ringChanged(configuration: RingConfiguration, change: RingChange | undefined): void {
    this.#marks
      .mark({ configuration, after: this.#options.ring()!, change })
      .then(() => this.#round())
      .catch((error: unknown) => this.#options.failed(error as Error))
  }

  /** Whether members that answer still have to get partitions from this node that have new owners. */
  get isHandingOver(): boolean {
    const { hints } = this.#options
    const ring = this.#options.ring()
    if (this.#marks.arePending || ring === undefined) return true
    return hints.targets.some((target) => {
      if (ring.member(target) === undefined || !this.#options.isReachable(target)) return false
      const marked = hints.dirtyPartitions(target)
      return marked.some((partition) => ring.changesOwners(partition))
    })
  }

  /**
   * Resolves when all ring changes that are known are marked.
   * @throws {StorageError} by rejection, when they could not be; that is tried again.
   */
  marked(): Promise<void> {
    return this.#marks.written()
  }

  /** Whether the member may still get something from this node because of ring changes up to an epoch. */
  owes(id: string, epoch: number): boolean {
    const { hints } = this.#options
    return this.isBehind(epoch) || hints.count(id) + hints.dirtyCount(id) > 0
  }

  /** Whether marks of ring changes up to an epoch are still to be made. */
  isBehind(epoch: number): boolean {
    return (this.#options.ring()?.epoch ?? 0) < epoch || this.#marks.arePending
  }

  /**
   * Gives away everything that is kept for others, before this node leaves: resolves when nothing is left. What is
   * meant for members that are away goes to others, who keep hints (HAZARDS C2).
   * @throws {UnavailableError} by rejection, when it does not get on any more; what is left is still kept.
   */
  async drained(): Promise<void> {
    this.#isLeaving = true
    const { hints, clock, timeoutMs } = this.#options
    let before = ''
    let sinceMs = 0
    while (this.#marks.arePending || hints.targets.length > 0) {
      if (this.#closed) throw new ClosedError('the node was closed while it left')
      const now = `${hints.count()} ${hints.dirtyCount()} ${this.deliveredCount}`
      if (now !== before) sinceMs = clock.monotonicMs()
      before = now
      // A peer that does not answer costs one time-out before it is taken for away, one that was away a back-off.
      const patienceMs = Math.max(2 * timeoutMs, stuckAfterMinMs)
      if (clock.monotonicMs() - sinceMs > patienceMs) throw this.#stuck()
      this.#round()
      await new Promise<void>((resolve) => {
        clock.after(50, resolve)
      })
    }
  }

  #stuck(): UnavailableError {
    this.#isLeaving = false
    const { hints } = this.#options
    if (this.#marks.arePending) {
      const message =
        'the storage of this node fails: what new owners need from it cannot be marked'
      return new UnavailableError(message, { needed: 1, alive: 0 })
    }
    const kept = `${hints.count()} records and ${hints.dirtyCount()} partitions`
    return new UnavailableError(
      `${kept} that this node keeps for ${hints.targets.join(', ')} cannot be handed over to any member`,
      { needed: 1, alive: 0 },
    )
  }

  async #deliverAll(target: string): Promise<void> {
    if (!(await this.#deliverHints(target))) return
    const ring = this.#options.ring()
    if (ring === undefined) return
    const marked = { target, partitions: this.#options.hints.dirtyPartitions(target) }
    const partitions = await inTurn(this.#options, ring, marked)
    await this.#deliverPartitions(target, partitions)
  }

  /** Some at once, until one of them stops half-way. */
  async #deliverPartitions(target: string, partitions: readonly number[]): Promise<void> {
    let next = 0
    const work = async (_: unknown, worker: number): Promise<void> => {
      while (next < partitions.length && !this.#closed && this.#isDeliverable(target)) {
        if (worker >= parallelBesideClientsMax && this.#options.isServing()) return
        const partition = partitions[next++]!
        if (await transferPartition(this.#transfer, { target, partition }))
          this.#options.delivered(target, 0)
        else next = partitions.length
      }
    }
    await Promise.all(Array.from({ length: parallelPartitionsMax }, work))
  }

  /** True unless the target does not take them. What cannot be sent for its own sake keeps nothing else back. */
  async #deliverHints(target: string): Promise<boolean> {
    let skipped = 0
    while (!this.#closed && this.#isDeliverable(target)) {
      const batch = this.#options.hints.hints(target, { limit: parallelMax, skipped })
      if (batch.length === 0) return true
      const outcomes = await Promise.all(batch.map((hint) => this.#deliverHint(hint)))
      const count = outcomes.filter((outcome) => outcome === 'delivered').length
      if (count > 0) this.#options.delivered(target, count)
      if (outcomes.includes('refused')) return false
      skipped += batch.length - count
    }
    return false
  }

  #isDeliverable(target: string): boolean {
    const ring = this.#options.ring()
    if (ring === undefined) return false
    if (this.#isLeaving) return true
    return !mayOwn(ring, target) || this.#options.isReachable(target)
  }

  /**
   * `delivered`: the hint is done with. `refused`: who needs the record did not take it. `kept`: nothing is wrong with
   * them, but the record is damaged here, or was written meanwhile.
   */
  async #deliverHint(hint: Hint): Promise<'delivered' | 'refused' | 'kept'> {
    const { store, hints, selfId } = this.#options
    const { partition, key } = hint
    const ring = this.#options.ring()
    const stored = await store.read(partition, key)
    if (ring === undefined) return 'refused'
    if (stored === 'damaged') return this.#deliverDamaged(ring, hint)
    const place = { partition, key, expected: stored }
    const forget = (): readonly StorageWrite[] => hints.remove(hint)
    if (stored === undefined) {
      return (await store.ifUnchanged(place, forget, () => false)) ? 'delivered' : 'kept'
    }
    const recipients = recipientsOf(ring, hint, selfId)
    if (!(await this.#sender.send(ring, recipients, [{ partition, key, stored }]))) return 'refused'
    const isDisposable = (): boolean => {
      const isOwned = this.#options.ring()?.ownsPartition(selfId, partition) !== false
      return !isOwned && !hints.isHinted(partition, key, hint.target)
    }
    const isDone = await store.ifUnchanged(place, forget, isDisposable)
    if (isDone) this.deliveredCount += 1
    return isDone ? 'delivered' : 'kept'
  }

  /**
   * What is damaged here comes anew from the other owners, and is sent then. If none of them has it, the last copy is
   * gone: there is nothing to be handed over any more.
   */
  async #deliverDamaged(ring: Ring, hint: Hint): Promise<'delivered' | 'refused' | 'kept'> {
    const { hints, selfId, storage } = this.#options
    const { partition, key, target } = hint
    const outcome = await this.#mend(ring, hint)
    if (outcome === 'unknown') return 'kept'
    if (outcome === 'mended') return this.#deliverHint(hint)
    const isNeeded = ring.ownsPartition(selfId, partition) || hints.isHinted(partition, key, target)
    const gone = isNeeded ? [] : [{ partition, key, value: undefined }]
    await storage.write([...hints.remove(hint), ...gone])
    return 'delivered'
  }

  /** Gets a damaged record anew from the owners that are not the target. One that is out for good is not waited for. */
  async #mend(ring: Ring, hint: Hint): Promise<'mended' | 'lost' | 'unknown'> {
    const { partition, target } = hint
    const { selfId } = this.#options
    const owners = ring
      .replicas(partition)
      .filter((id) => id !== selfId && id !== target && ring.member(id) !== undefined)
    const outcome = await mendRecord(this.#options, hint, { owners, epoch: ring.epoch })
    if (outcome === 'lost') {
      const what = `a record kept for "${target}" is damaged, and no owner that can be asked has it`
      this.#options.failed(new StorageError(what), target)
    }
    return outcome
  }
}
