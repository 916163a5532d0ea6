/**
 * Marks what new owners need from this node when the ring changes: each partition that it has something of, for each
 * member that gained it. One change after the other; a change that a crash cut short is made up for at the next start,
 * and one whose marks the storage refuses is tried again. Until it succeeds, this node says that it may owe something
 * to everybody: a new owner would else take itself for whole (HAZARDS D4).
 */
import type { Clock, Timer } from '../ports/clock.ts'
import type { Storage } from '../ports/storage.ts'
import type { Books } from '../replica/books.ts'
import type { DirtyMark, HintStore } from '../replica/hint-store.ts'
import type { RingConfiguration } from '../ring/configuration.ts'
import { ringChange, type RingChange, type Ring } from '../ring/ring.ts'
import { MarkedRing } from './marked-ring.ts'
import { Slices } from './slices.ts'

/** What the marks need of their node. */
export interface GainMarksOptions {
  readonly selfId: string
  readonly books: Books
  readonly hints: HintStore
  readonly storage: Storage
  readonly clock: Clock
  /** Longest time between two attempts, milliseconds. */
  readonly intervalMs: number
  /** Partitions have new owners; this node may be one, and was not told of this change. */
  gained(change: RingChange): void
  /** Waits as long as clients are owed for a piece of work that took so long. */
  rest(tookMs: number): Promise<void>
  /** Resolves when it is durable what this node itself has gained. */
  gainsKept(): Promise<void>
  failed(error: Error): void
}

/** The second attempt comes so soon, each one after it after twice the time. */
const retryMinMs = 200

/** A ring in force, and how it differs from the one before that this node knew. */
interface Due {
  readonly configuration: RingConfiguration
  readonly after: Ring
  readonly change: RingChange | undefined
}

/** Marks the gains of others, durably. */
export class GainMarks {
  readonly #options: GainMarksOptions
  readonly #markedRing: MarkedRing
  #marking: Promise<void> = Promise.resolve()
  /** The first attempt at the last change. */
  #attempt: Promise<void> = Promise.resolve()
  #pending = 0
  #timer: Timer | undefined
  #isClosed = false

  constructor(options: GainMarksOptions) {
    this.#options = options
    this.#markedRing = new MarkedRing(options.books)
  }

  /** Whether there are ring changes whose marks are not written yet. */
  get arePending(): boolean {
    return this.#pending > 0
  }

  /**
   * Resolves when all ring changes that are known are marked.
   * @throws {StorageError} by rejection, when the first attempt at the last of them failed; others follow.
   */
  written(): Promise<void> {
    return this.#attempt
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  /** A ring came into force. Resolves when that is marked, and all before it, however long that takes. */
  mark(due: Due): Promise<void> {
    this.#pending += 1
    this.#attempt = this.#marking.then(() => this.#markDue(due))
    this.#marking = this.#attempt
      .catch((error: unknown) => this.#markAgain(due, error))
      .then(() => {
        this.#pending -= 1
      })
    return this.#marking
  }

  async #markAgain(due: Due, problem: unknown): Promise<void> {
    const { hints, clock, intervalMs } = this.#options
    let failure = problem
    for (let delayMs = retryMinMs; ; delayMs *= 2) {
      this.#options.failed(failure as Error)
      hints.suspect()
      await new Promise<void>((resolve) => {
        if (!this.#isClosed) this.#timer = clock.after(Math.min(delayMs, intervalMs), resolve)
      })
      try {
        return await this.#markDue(due)
      } catch (error) {
        failure = error
      }
    }
  }

  async #markDue({ configuration, after, change }: Due): Promise<void> {
    const marked = (await this.#markedRing.read()) ?? change?.before
    if (marked !== undefined && marked.epoch < after.epoch) {
      const isKnown = change !== undefined && marked === change.before
      const whole = isKnown ? change : ringChange(marked, after)
      if (!isKnown) this.#options.gained(whole)
      await this.#markGained(whole)
    }
    // Marks that are known here are not written once more: not even those that could not be.
    await this.#options.hints.reconcile()
    await this.#markedRing.keep(configuration, after)
  }

  async #markGained({ ranges }: RingChange): Promise<void> {
    const { selfId, storage, hints } = this.#options
    const isEmpty = async (partition: number): Promise<boolean> =>
      storage.isEmpty?.(partition) ?? (await storage.scan(partition, { limit: 1 })).length === 0
    const marks: DirtyMark[] = []
    const slices = new Slices(this.#options.clock, (tookMs) => this.#options.rest(tookMs))
    await this.#options.gainsKept()
    for (const { partition, gained } of ranges) {
      const targets = gained.filter((id) => id !== selfId)
      if (targets.length === 0) continue
      const hasNothing = await isEmpty(partition)
      await slices.letOthersThrough()
      if (!hasNothing) marks.push(...targets.map((target) => ({ target, partition })))
    }
    if (marks.length > 0) await storage.write(marks.flatMap((mark) => hints.markDirty(mark)))
  }
}
