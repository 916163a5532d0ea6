/**
 * Reaps tombstones: what was deleted takes no room for ever. A tombstone goes only when it is proven that nothing older
 * than it is left from which the deleted value could come back (HAZARDS B1 to B5; the proof is in
 * docs/decisions/0017-reaping-tombstones.md). The first owner of a partition is its reaper:
 *
 * 1. *Confirm*: every member vouches for it. All owners have that very tombstone, durably; nobody else has anything of
 *    the key; no hint, mark or lack concerns it.
 * 2. *Wait* for the grace period. Every operation that began before has ended by then.
 * 3. *Renew* the epoch: what was sent under an earlier one and is still on its way is refused on arrival.
 * 4. *Confirm again*, under the new epoch, and *reap*: each owner removes it if it is still the same.
 *
 * Nothing of this is kept on a disk but the tombstones themselves: whoever is started again begins with a scan. If a
 * reaper ends in the middle, the tombstone is back by repair, and is reaped in a later round.
 */
import type { Clock, Timer } from '../ports/clock.ts'
import type { Storage, StorageEntry } from '../ports/storage.ts'
import { pagesOf } from '../replica/pages.ts'
import { Pauses } from '../replica/pauses.ts'
import type { Revisions } from '../replica/revisions.ts'
import type { ReplicaStore } from '../replica/replica-store.ts'
import { openStored, storedHeaderBytes } from '../replica/stored-record.ts'
import type { RingConfiguration } from '../ring/configuration.ts'
import type { Ring } from '../ring/ring.ts'
import type { Channel } from '../rpc/channel.ts'
import { isFailure, requestPacked } from '../rpc/request.ts'
import { pack } from '../rpc/pack.ts'
import type { ReapAnswers } from './reap-answers.ts'
import {
  allOf,
  inLots,
  isTombstone,
  packQuestion,
  readVerdicts,
  reapCall,
  vouchCall,
  type Lot,
  type Tombstone,
  type Verdicts,
} from './reap-calls.ts'
import { canExpire, recordWithEnded } from '../versions/expiry.ts'
import { Throttle } from './throttle.ts'
import type { TombstoneOptions } from './tombstone-options.ts'

const pageLength = 256
/** A scan lets others have their turn after each page. */
const pageBreakMs = 1
/** Members hear of a new epoch within this time; who has not cannot tell yet, and is asked again in the next round. */
const renewedMs = 1_000
/** Most tombstones that wait for the end of their grace period; more are confirmed when these are gone. */
const confirmedMax = 50_000

/** What the reaper needs of its node. */
export interface ReaperOptions extends Required<TombstoneOptions> {
  readonly selfId: string
  readonly answers: ReapAnswers
  readonly store: ReplicaStore
  readonly storage: Storage
  readonly revisions: Revisions
  readonly clock: Clock
  readonly timeoutMs: number
  readonly bytesPerSecondMax: number
  ring(): Ring | undefined
  configuration(): RingConfiguration | undefined
  /** Puts the same ring under a new epoch, if this is the newest. */
  renew(epoch: number): Promise<void>
  control(id: string): Channel
  isBusy(): boolean
  failed(error: Error): void
}

/** What was done about tombstones, and what is left to do. */
export interface ReapingStats {
  /** Scans that ended. */
  readonly rounds: number
  /** Tombstones of this node's that all members have confirmed, and whose grace period is not over. */
  readonly waiting: number
  /** Tombstones that were found in the last scan and that some member did not confirm. */
  readonly unconfirmed: number
  /** Tombstones removed here since the start. */
  readonly reaped: number
}

/** A tombstone that all members have confirmed. */
interface Confirmed extends Tombstone {
  readonly epoch: number
  readonly atMs: number
  readonly atWallMs: number
}

/** Looks for tombstones, round by round, and removes those that can go. */
export class Reaper {
  readonly #options: ReaperOptions
  readonly #pauses: Pauses
  readonly #throttle: Throttle
  /** By partition and storage key. */
  readonly #confirmed: Map<number, Map<string, Confirmed>> = new Map()
  /** What a partition's revision was when all its tombstones were confirmed. */
  readonly #scanned: Map<number, string> = new Map()
  /** Who was asked: with other members or owners everything begins anew. */
  #makeup = ''
  #timer: Timer | undefined
  #rounds = 0
  #waiting = 0
  #unconfirmed = 0
  #isClosed = false

  constructor(options: ReaperOptions) {
    this.#options = options
    this.#pauses = new Pauses(options.clock)
    this.#throttle = new Throttle(options.clock, options.bytesPerSecondMax, options)
  }

  /** Begins with the rounds. */
  start(): void {
    if (this.#options.reap) this.#startAfter(this.#options.intervalMs)
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#pauses.close()
    this.#throttle.close()
  }

  stats(): ReapingStats {
    return {
      rounds: this.#rounds,
      waiting: this.#waiting,
      unconfirmed: this.#unconfirmed,
      reaped: this.#options.answers.reapedCount,
    }
  }

  /** When all members confirmed the key's tombstone to this node, Unix time in milliseconds; 0 if they have not. */
  confirmedAtMs(partition: number, storageKey: string): number {
    return this.#confirmed.get(partition)?.get(storageKey)?.atWallMs ?? 0
  }

  #startAfter(delayMs: number): void {
    if (this.#isClosed) return
    this.#timer = this.#options.clock.after(delayMs, () => {
      this.#round()
        .catch((error: unknown) => this.#options.failed(error as Error))
        .finally(() => this.#startAfter(this.#options.intervalMs))
    })
  }

  async #round(): Promise<void> {
    if (this.#ringAtRest() === undefined) return
    await this.#reapRipe()
    const ring = this.#ringAtRest()
    if (ring === undefined) return
    this.#unconfirmed = 0
    for (let partition = 0; partition < ring.partitions; partition++) {
      if (ring.owners(partition)[0] === this.#options.selfId) await this.#scan(ring, partition)
      if (!this.#isInForce(ring)) return
    }
    this.#rounds += 1
  }

  /** The ring, if nobody changes it and this node can tell what it has. Forgets what was confirmed in another one. */
  #ringAtRest(): Ring | undefined {
    const ring = this.#options.ring()
    const configuration = this.#options.configuration()
    if (ring === undefined || configuration === undefined || this.#isClosed) return undefined
    const makeup = makeupOf(configuration)
    if (makeup !== this.#makeup) {
      this.#makeup = makeup
      this.#confirmed.clear()
      this.#scanned.clear()
      this.#waiting = 0
    }
    return ring.isMoving || !this.#options.answers.canTell ? undefined : ring
  }

  #isInForce(ring: Ring): boolean {
    return !this.#isClosed && this.#options.ring() === ring
  }

  /** Confirms the tombstones of one partition that are not confirmed yet. */
  async #scan(ring: Ring, partition: number): Promise<void> {
    const { revisions, storage } = this.#options
    const revision = revisions.of(partition)
    if (this.#scanned.get(partition) === revision) return
    let isWhole = true
    for await (const page of pagesOf(storage, partition, pageLength)) {
      if (await this.#endExpired(partition, page)) isWhole = false
      for (const lot of inLots(partition, this.#unconfirmedIn(partition, page))) {
        const isConfirmed = await this.#confirm(ring, lot)
        if (!isConfirmed) isWhole = false
        if (!this.#isInForce(ring)) return
      }
      if (page.length === pageLength) await this.#pauses.pause(pageBreakMs)
      if (!this.#isInForce(ring)) return
    }
    if (isWhole) this.#scanned.set(partition, revision)
  }

  /**
   * A value whose time has passed and that nobody reads is ended here; repair brings that to the other owners.
   * @returns whether there are values with a time to live, past or not.
   */
  async #endExpired(partition: number, page: readonly StorageEntry[]): Promise<boolean> {
    const { store, clock } = this.#options
    let areMortal = false
    for (const { key, value } of page) {
      const stored = openStored(value, key)
      if (!(stored instanceof Uint8Array) || !canExpire(stored, storedHeaderBytes)) continue
      areMortal = true
      const ended = recordWithEnded(stored, storedHeaderBytes, stored.length, clock.wallMs())
      if (ended === undefined) continue
      await store.merge(partition, key, { bytes: ended, start: 0, end: ended.length })
    }
    return areMortal
  }

  #unconfirmedIn(partition: number, page: readonly StorageEntry[]): readonly Tombstone[] {
    const confirmed = this.#confirmed.get(partition)
    const tombstones: Tombstone[] = []
    for (const { key, value } of page) {
      const stored = openStored(value, key)
      if (!(stored instanceof Uint8Array) || !isTombstone(stored, storedHeaderBytes)) continue
      const record = stored.subarray(storedHeaderBytes)
      const known = confirmed?.get(key)
      if (known !== undefined && Buffer.compare(known.record, record) === 0) continue
      tombstones.push({ key, record: Uint8Array.from(record) })
    }
    return tombstones
  }

  /** True when every member vouches for all of the lot. */
  async #confirm(ring: Ring, lot: Lot): Promise<boolean> {
    const { clock } = this.#options
    const room = confirmedMax - this.#waiting
    const verdicts = lot.tombstones.length > room ? undefined : await this.#ask(ring, lot)
    const [atMs, atWallMs] = [clock.monotonicMs(), clock.wallMs()]
    lot.tombstones.forEach((tombstone, i) => {
      if (verdicts?.[i] !== true) this.#unconfirmed += 1
      else this.#note(lot.partition, { ...tombstone, epoch: ring.epoch, atMs, atWallMs })
    })
    return verdicts?.every(Boolean) === true
  }

  #note(partition: number, confirmed: Confirmed): void {
    let known = this.#confirmed.get(partition)
    if (known === undefined) this.#confirmed.set(partition, (known = new Map<string, Confirmed>()))
    if (!known.has(confirmed.key)) this.#waiting += 1
    known.set(confirmed.key, confirmed)
  }

  #forget(partition: number, key: string): void {
    if (this.#confirmed.get(partition)?.delete(key) === true) this.#waiting -= 1
    if (this.#confirmed.get(partition)?.size === 0) this.#confirmed.delete(partition)
  }

  /** What all members say of each tombstone: yes only if every one of them says so. */
  async #ask(ring: Ring, lot: Lot): Promise<Verdicts> {
    const others = ring.memberIds.filter((id) => id !== this.#options.selfId)
    const own = await this.#options.answers.vouch(this.#question(ring, lot))
    if (own?.some(Boolean) !== true) return own
    const answers = await this.#askOthers(ring, lot, { call: vouchCall, others })
    const said = answers.map((answer) => readVerdicts(answer, lot.tombstones.length))
    return this.#isInForce(ring) ? allOf([own, ...said]) : undefined
  }

  #question(ring: Ring, lot: Lot) {
    return { ...lot, epoch: ring.epoch, graceMs: this.#options.graceMs }
  }

  async #askOthers(
    ring: Ring,
    lot: Lot,
    { call, others }: { readonly call: string; readonly others: readonly string[] },
  ): Promise<readonly (readonly unknown[])[]> {
    const { clock, timeoutMs } = this.#options
    const body = pack([call, ...packQuestion(this.#question(ring, lot))])
    await this.#throttle.spend(body.length * others.length)
    const wait = { clock, timeoutMs, epoch: ring.epoch }
    const outcomes = await Promise.all(
      others.map((id) => requestPacked(this.#options.control(id), body, wait)),
    )
    return outcomes.map((outcome) => (isFailure(outcome) ? [] : outcome))
  }

  /** Removes what was confirmed long enough ago and is confirmed once more, under an epoch of its own. */
  async #reapRipe(): Promise<void> {
    const ripe = this.#ripe()
    if (ripe.length === 0) return
    const newest = Math.max(...ripe.map(({ epoch }) => epoch))
    if (this.#options.ring()?.epoch === newest) {
      await this.#options.renew(newest)
      await this.#pauses.pause(renewedMs)
    }
    const ring = this.#ringAtRest()
    if (ring === undefined || ring.epoch <= newest) return
    for (const { lot } of ripe) {
      if (!this.#isInForce(ring)) return
      await this.#reap(ring, lot)
    }
  }

  #ripe(): readonly { readonly lot: Lot; readonly epoch: number }[] {
    const { clock, graceMs } = this.#options
    const before = clock.monotonicMs() - graceMs
    return [...this.#confirmed].flatMap(([partition, confirmed]) => {
      const due = [...confirmed.values()].filter(({ atMs }) => atMs <= before)
      const epoch = Math.max(0, ...due.map((each) => each.epoch))
      return inLots(partition, due).map((lot) => ({ lot, epoch }))
    })
  }

  /** The other owners first: while this one has the tombstone, it is found again in the next scan. */
  async #reap(ring: Ring, { partition, tombstones }: Lot): Promise<void> {
    const { selfId, answers } = this.#options
    const verdicts = await this.#ask(ring, { partition, tombstones })
    if (verdicts === undefined) return
    for (const { key } of tombstones) this.#forget(partition, key)
    this.#scanned.delete(partition)
    const agreed = { partition, tombstones: tombstones.filter((_, i) => verdicts[i] === true) }
    if (agreed.tombstones.length === 0) return
    const others = ring.owners(partition).filter((id) => id !== selfId)
    await this.#askOthers(ring, agreed, { call: reapCall, others })
    await answers.reap(this.#question(ring, agreed))
  }
}

/** Who the members are and what they own; not under which epoch. */
function makeupOf({ members, moves }: RingConfiguration): string {
  return JSON.stringify([moves, members.map(({ id, store }) => [id, store])])
}
