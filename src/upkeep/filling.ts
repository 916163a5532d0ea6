/**
 * A node that has become an owner cannot tell "there is no such key" from "I do not have it yet". Until those that
 * owned its partitions before have handed them over, what it says of them counts for no read (HAZARDS D4), or, while
 * owners change, only among the owners to be. It asks them, so that nothing depends on what they remember over a
 * restart; what it still lacks is kept, so that nothing depends on its own memory either.
 */
import type { Clock, Timer } from '../ports/clock.ts'
import type { Books } from '../replica/books.ts'
import type { Lack } from '../replica/lack.ts'
import type { Ring, RingChange } from '../ring/ring.ts'
import type { Channel } from '../rpc/channel.ts'
import { isFailure, request } from '../rpc/request.ts'
import {
  gainsFromTuple,
  gainsOf,
  gainsToTuple,
  isFilled,
  sourcesOf,
  wholeGains,
  type Gains,
  type SourceView,
} from './gains.ts'
import { Waiters } from './waiters.ts'

/** Asks a member whether it still has something to hand over. */
export const owesCall = 'owes'

/** Between two rounds of asking: it begins with the first, doubles, and ends with the second. */
const intervalMinMs = 2
const intervalMaxMs = 200
const timeoutMs = 2_000

/** What filling needs of the node. */
export interface FillingOptions {
  readonly selfId: string
  readonly books: Books
  readonly clock: Clock
  ring(): Ring | undefined
  control(id: string): Channel
  /** Whether the member may still hand something over: it is not known to be dead. */
  isReachable(id: string): boolean
  failed(error: Error): void
}

/** Knows whose data this node still waits for. */
export class Filling {
  readonly #options: FillingOptions
  readonly #waiters: Waiters
  /** Nobody counts on a node that does not know yet whether it lacks something. */
  #isKnown = false
  #gains: Gains = new Map()
  #epoch = 0
  /** Members that have said that they owe nothing because of changes up to `#epoch`. */
  #handedOver: Set<string> = new Set()
  /** Members that have something that is lacking; undefined when the gains are other ones than it was made of. */
  #sources: readonly string[] | undefined
  /** What was known of them when it was last looked what is whole; undefined likewise. */
  #judged: string | undefined
  #isAsking = false
  #intervalMs = intervalMinMs
  #timer: Timer | undefined
  #isClosed = false

  constructor(options: FillingOptions) {
    this.#options = options
    this.#waiters = new Waiters(options.clock)
  }

  /** Whether this node may lack data that others have. */
  get isUnderWay(): boolean {
    return !this.#isKnown || this.#gains.size > 0
  }

  /** Partitions that this node does not have whole yet. */
  get partitions(): number {
    return this.#gains.size
  }

  /** Whether its storage was lost, and it has not got back everything. */
  get isRecovering(): boolean {
    if (!this.#isKnown) return true
    for (const { lack } of this.#gains.values()) if (lack === 'recovering') return true
    return false
  }

  /** What this node may lack of a partition. */
  lackOf(partition: number): Lack | undefined {
    if (!this.#isKnown) return 'recovering'
    return this.#gains.size === 0 ? undefined : this.#gains.get(partition)?.lack
  }

  /**
   * This node is about to ask to be let in. Durable, because others may let it in, and ask it for data, before it
   * hears of it, and also when it dies before it hears of it.
   */
  async expect(): Promise<void> {
    await this.#options.books.keep('filling', ['expected'])
  }

  /** This node founds its cluster: there is nobody who has something for it. */
  async skip(): Promise<void> {
    this.#isKnown = true
    await this.#keep()
  }

  /** Goes on where an earlier run was interrupted, if it was. */
  async resume(): Promise<void> {
    if ((await this.#recall()) === 'everything') return this.begin('recovering')
    this.#isKnown = true
    this.#started(this.#options.ring()!.epoch)
  }

  /** Adds what an earlier run lacked. When that is everything, it is not known yet what that is. */
  async #recall(): Promise<'everything' | 'told'> {
    const kept = (await this.#options.books.read('filling')) ?? []
    if (kept[0] === 'expected') return 'everything'
    const { partitions } = this.#options.ring()!
    for (const [partition, gain] of gainsFromTuple(kept, partitions))
      if (!this.#gains.has(partition)) this.#gains.set(partition, gain)
    return 'told'
  }

  /** This node has just become a member: it lacks everything. */
  async begin(lack: Lack): Promise<void> {
    const ring = this.#options.ring()!
    this.#gains = wholeGains(this.#options.selfId, ring, lack)
    await this.#keep()
    this.#isKnown = true
    this.#started(ring.epoch)
  }

  /** The ring changed, and this node may have become an owner of partitions. Known at once, not durable yet. */
  gained(change: RingChange): void {
    const { selfId } = this.#options
    const { after } = change
    for (const [partition, gain] of gainsOf(selfId, change))
      if (!this.#gains.has(partition)) this.#gains.set(partition, gain)
    for (const partition of this.#gains.keys())
      if (!after.ownsPartition(selfId, partition)) this.#gains.delete(partition)
    if (this.#isKnown) this.#started(after.epoch)
  }

  /**
   * What this node lacks is durable, also while it starts: it may not come to its first round, and nobody marks the
   * same change twice.
   */
  async kept(): Promise<void> {
    if (!this.#isKnown && (await this.#recall()) === 'everything') return
    if (this.#gains.size > 0) await this.#keep()
  }

  /** Resolves when everything was handed over, or after `limitMs`. */
  async settled(limitMs: number): Promise<void> {
    if (this.isUnderWay) await this.#waiters.wait(limitMs)
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#waiters.release()
  }

  /** What was said of an earlier ring says nothing of this one. */
  #started(epoch: number): void {
    if (epoch > this.#epoch) this.#handedOver = new Set()
    this.#epoch = Math.max(epoch, this.#epoch)
    this.#intervalMs = intervalMinMs
    this.#sources = undefined
    this.#judged = undefined
    if (this.#isAsking) return
    this.#timer?.cancel()
    this.#ask()
  }

  #ask(): void {
    if (this.#isClosed) return
    this.#isAsking = true
    this.#round()
      .catch((error: unknown) => this.#options.failed(error as Error))
      .finally(() => {
        this.#isAsking = false
        if (this.#isClosed || this.#gains.size === 0) return
        this.#timer = this.#options.clock.after(this.#intervalMs, () => this.#ask())
        this.#intervalMs = Math.min(this.#intervalMs * 2, intervalMaxMs)
      })
  }

  /** Asks all who have something that is lacking. */
  async #round(): Promise<void> {
    const options = this.#options
    const epoch = this.#epoch
    const sources = (this.#sources ??= sourcesOf(this.#gains))
    const asked = sources.filter((id) => !this.#handedOver.has(id) && options.isReachable(id))
    const answers = await Promise.all(asked.map((id) => this.#debtOf(id, epoch)))
    if (this.#isClosed || epoch !== this.#epoch) return
    const lost = new Set(asked.filter((_, i) => answers[i] === 'lost'))
    asked.forEach((id, i) => {
      if (answers[i] === 'done') this.#handedOver.add(id)
    })
    await this.#judge(sources, {
      isMember: (id: string): boolean => options.ring()?.member(id) !== undefined,
      isReachable: (id: string): boolean => options.isReachable(id),
      hasHandedOver: (id: string): boolean => this.#handedOver.has(id),
      hasLostAll: (id: string): boolean => lost.has(id),
    })
  }

  /** Takes note of what is whole. While nothing new is known of any source, nothing is: there may be many gains. */
  async #judge(sources: readonly string[], view: SourceView): Promise<void> {
    const { isMember, isReachable, hasHandedOver, hasLostAll } = view
    const known = sources.map((id) => [
      id,
      isMember(id),
      isReachable(id),
      hasHandedOver(id),
      hasLostAll(id),
    ])
    const judged = JSON.stringify(known)
    if (judged === this.#judged) return
    this.#judged = judged
    const before = this.#gains.size
    for (const [partition, gain] of this.#gains)
      if (isFilled(gain, view)) this.#gains.delete(partition)
    if (this.#gains.size === 0) this.#waiters.release()
    if (this.#gains.size === before) return
    this.#sources = undefined
    await this.#keep()
  }

  /** Whether it still has something for this node: or lost what it had. */
  async #debtOf(id: string, epoch: number): Promise<'some' | 'done' | 'lost'> {
    const wait = { clock: this.#options.clock, timeoutMs, epoch }
    const outcome = await request(this.#options.control(id), [owesCall, epoch], wait)
    if (isFailure(outcome) || outcome[0] !== false) return 'some'
    return outcome[1] === true ? 'lost' : 'done'
  }

  async #keep(): Promise<void> {
    await this.#options.books.keep('filling', gainsToTuple(this.#gains))
  }
}
