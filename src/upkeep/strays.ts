/**
 * Gives back what this node stores and does not own: what is left of partitions that others own now, and whatever else
 * turns up. A record goes only when every owner has told that it has all of it, durably, in the very epoch in which
 * this node owns no copy; one that an owner lacks is sent to it first (HAZARDS F4, F5). A record that is damaged,
 * hinted or marked for somebody stays: it is a matter of the handoff.
 */
import type { Clock, Timer } from '../ports/clock.ts'
import type { Storage, StorageEntry } from '../ports/storage.ts'
import type { HintStore } from '../replica/hint-store.ts'
import { pagesOf } from '../replica/pages.ts'
import type { ReplicaStore } from '../replica/replica-store.ts'
import { openStored } from '../replica/stored-record.ts'
import type { Ring } from '../ring/ring.ts'
import type { Channel } from '../rpc/channel.ts'
import { deliverRecord, hasRecord } from './deliver-record.ts'
import { Throttle } from './throttle.ts'

/** How long after a change of the ring, or after the start, it is looked for strays. */
const delayMs = 5_000
/** What could not be given back is tried again after this time. */
const retryMs = 60_000
const pageLength = 64
const parallelMax = 16

/** What it needs of its node. */
export interface StraysOptions {
  readonly selfId: string
  readonly store: ReplicaStore
  readonly hints: HintStore
  readonly storage: Storage
  readonly clock: Clock
  readonly timeoutMs: number
  readonly bytesPerSecondMax: number
  ring(): Ring | undefined
  data(id: string): Channel
  isReachable(id: string): boolean
  failed(error: Error): void
}

/** Looks for strays when owners have changed, and at the start. */
export class Strays {
  readonly #options: StraysOptions
  readonly #throttle: Throttle
  #timer: Timer | undefined
  #isBusy = false
  /** The ring changed while it was looked. */
  #isDue = false
  #isClosed = false
  /** Records given back since the start. */
  givenBackCount = 0

  constructor(options: StraysOptions) {
    this.#options = options
    this.#throttle = new Throttle(options.clock, options.bytesPerSecondMax)
  }

  /** The node starts, or its ring changed. */
  ringChanged(): void {
    this.#isDue = true
    this.#lookIn(delayMs)
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#throttle.close()
  }

  #lookIn(ms: number): void {
    if (this.#isClosed || this.#isBusy) return
    this.#timer?.cancel()
    this.#timer = this.#options.clock.after(ms, () => this.#look())
  }

  #look(): void {
    this.#isBusy = true
    this.#isDue = false
    this.#sweep()
      .catch((error: unknown) => {
        this.#options.failed(error as Error)
        return false
      })
      .then((isDone) => {
        this.#isBusy = false
        if (this.#isDue) this.#lookIn(delayMs)
        else if (!isDone) this.#lookIn(retryMs)
      })
      .catch((error: unknown) => this.#options.failed(error as Error))
  }

  /** True when nothing is left that this node does not own. While owners change, nobody knows yet whose it is. */
  async #sweep(): Promise<boolean> {
    const ring = this.#options.ring()
    if (ring === undefined || ring.isMoving || ring.member(this.#options.selfId) === undefined)
      return true
    let isDone = true
    for (let partition = 0; partition < ring.partitions; partition++) {
      if (ring.ownsPartition(this.#options.selfId, partition)) continue
      if (!(await this.#giveBack(ring, partition))) isDone = false
      if (this.#isClosed || this.#options.ring() !== ring) return true
    }
    return isDone
  }

  async #giveBack(ring: Ring, partition: number): Promise<boolean> {
    const { storage, hints } = this.#options
    if (hints.isMarked(partition)) return false
    let isDone = true
    for await (const page of pagesOf(storage, partition, pageLength)) {
      for (let i = 0; i < page.length; i += parallelMax) {
        if (this.#isClosed || this.#options.ring() !== ring) return false
        const some = page.slice(i, i + parallelMax)
        const given = await Promise.all(some.map((entry) => this.#giveOne(ring, partition, entry)))
        if (!given.every(Boolean)) isDone = false
      }
    }
    return isDone
  }

  /** True when the record is gone from here. */
  async #giveOne(ring: Ring, partition: number, { key, value }: StorageEntry): Promise<boolean> {
    const { store, hints } = this.#options
    const stored = openStored(value, key)
    if (!(stored instanceof Uint8Array) || hints.isHinted(partition, key, '')) return false
    const owners = ring.owners(partition)
    if (!owners.every((id) => this.#options.isReachable(id))) return false
    const have = await Promise.all(
      owners.map((id) => this.#bring(ring, id, { partition, key, stored })),
    )
    if (!have.every(Boolean)) return false
    const place = { partition, key, expected: stored }
    const isDisposable = (): boolean =>
      this.#options.ring() === ring && !hints.isHinted(partition, key, '')
    const isGone = (await store.ifUnchanged(place, () => [], isDisposable)) && isDisposable()
    if (isGone) this.givenBackCount += 1
    return isGone
  }

  /** True when the owner has the record. Most do already: then only its version travels. */
  async #bring(
    ring: Ring,
    owner: string,
    record: { partition: number; key: string; stored: Uint8Array },
  ): Promise<boolean> {
    const { clock, timeoutMs } = this.#options
    const wait = { clock, timeoutMs, epoch: ring.epoch }
    const channel = this.#options.data(owner)
    await this.#throttle.spend(record.key.length)
    if (await hasRecord(channel, record, wait)) return true
    await this.#throttle.spend(record.stored.length)
    return (await deliverRecord(channel, { ...record, hintFor: [] }, wait)) === undefined
  }
}
