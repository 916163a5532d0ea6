/**
 * Marks what new owners need from this node when the ring changes: each partition that it has something of, for each
 * member that gained it. One change after the other; a change that a crash cut short is made up for at the next start.
 */
import type { Storage } from '../ports/storage.ts'
import type { Books } from '../replica/books.ts'
import type { DirtyMark, HintStore } from '../replica/hint-store.ts'
import type { RingConfiguration } from '../ring/configuration.ts'
import { ringChange, type RingChange, type Ring } from '../ring/ring.ts'
import { MarkedRing } from './marked-ring.ts'

/** What the marks need of their node. */
export interface GainMarksOptions {
  readonly selfId: string
  readonly books: Books
  readonly hints: HintStore
  readonly storage: Storage
  /** Partitions have new owners; this node may be one, and was not told of this change. */
  gained(change: RingChange): void
  /** Resolves when it is durable what this node itself has gained. */
  gainsKept(): Promise<void>
}

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
  #pending = 0

  constructor(options: GainMarksOptions) {
    this.#options = options
    this.#markedRing = new MarkedRing(options.books)
  }

  /** Whether there are ring changes whose marks are not written yet. */
  get arePending(): boolean {
    return this.#pending > 0
  }

  /** Resolves when all ring changes that are known are marked. */
  written(): Promise<void> {
    return this.#marking
  }

  /** A ring came into force. Resolves when that is marked, and all before it. */
  mark(due: Due): Promise<void> {
    this.#pending += 1
    const marked = this.#marking.then(() => this.#markDue(due))
    const ended = marked.finally(() => {
      this.#pending -= 1
    })
    this.#marking = ended.catch(() => undefined)
    return ended
  }

  async #markDue({ configuration, after, change }: Due): Promise<void> {
    const marked = (await this.#markedRing.read()) ?? change?.before
    if (marked !== undefined && marked.epoch < after.epoch) {
      const isKnown = change !== undefined && marked === change.before
      const whole = isKnown ? change : ringChange(marked, after)
      if (!isKnown) this.#options.gained(whole)
      await this.#markGained(whole)
    }
    await this.#markedRing.keep(configuration, after)
  }

  async #markGained({ ranges }: RingChange): Promise<void> {
    const { selfId, storage, hints } = this.#options
    const marks: DirtyMark[] = []
    await this.#options.gainsKept()
    for (const { partition, gained } of ranges) {
      const targets = gained.filter((id) => id !== selfId)
      if (targets.length === 0) continue
      const first = await storage.scan(partition, { limit: 1 })
      if (first.length > 0) marks.push(...targets.map((target) => ({ target, partition })))
    }
    if (marks.length > 0) await storage.write(marks.flatMap((mark) => hints.markDirty(mark)))
  }
}
