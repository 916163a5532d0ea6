/**
 * How often each store of the cluster has been opened, and in which run it was met last, as far as this node heard. A
 * node that is restored from an old copy learns so from its peers (HAZARDS A4).
 */
import type { Books } from '../replica/books.ts'

const storesMax = 10_000

/** A run of a store: how often it had been opened, this time included, and what was drawn at its start. */
interface Met {
  readonly starts: number
  readonly boot: string
}

/** The stores that this node has met, for the longest 10 000 of them that it met last. */
export class StartCounts {
  readonly #books: Books
  readonly #counts: Map<string, Met> = new Map()
  #isDirty = false

  constructor(books: Books) {
    this.#books = books
  }

  async load(): Promise<void> {
    for (const entry of (await this.#books.read('starts')) ?? []) {
      const [store, starts, boot] = entry as readonly unknown[]
      if (typeof store !== 'string' || typeof starts !== 'number') continue
      this.#counts.set(store, { starts, boot: typeof boot === 'string' ? boot : '' })
    }
  }

  /**
   * The least that this run of a store must count, unless the store is an old copy: as often as it was opened when it
   * was met last, and once more if that was another run. 0 for a store that was never met.
   */
  least(store: string, boot: string): number {
    const met = this.#counts.get(store)
    if (met === undefined) return 0
    return met.boot === boot ? met.starts : met.starts + 1
  }

  /** A store was met in this run. */
  note(store: string, { starts, boot }: Met): void {
    if (starts <= (this.#counts.get(store)?.starts ?? 0)) return
    this.#counts.delete(store)
    this.#counts.set(store, { starts, boot })
    if (this.#counts.size > storesMax) this.#counts.delete(this.#counts.keys().next().value!)
    this.#isDirty = true
  }

  /** Makes the counts durable, if there are new ones. */
  async keep(): Promise<void> {
    if (!this.#isDirty) return
    this.#isDirty = false
    const entries = [...this.#counts].map(([store, { starts, boot }]) => [store, starts, boot])
    await this.#books.keep('starts', entries)
  }
}
