/**
 * How often each store of the cluster has been opened, as far as this node heard. A node that is restored from an old
 * copy learns so from its peers (HAZARDS A4).
 */
import type { Books } from '../replica/books.ts'

const storesMax = 10_000

export class StartCounts {
  readonly #books: Books
  readonly #counts: Map<string, number> = new Map()
  #isDirty = false

  constructor(books: Books) {
    this.#books = books
  }

  async load(): Promise<void> {
    for (const entry of (await this.#books.read('starts')) ?? []) {
      const [store, count] = entry as readonly unknown[]
      if (typeof store === 'string' && typeof count === 'number') this.#counts.set(store, count)
    }
  }

  remembered(store: string): number {
    return this.#counts.get(store) ?? 0
  }

  note(store: string, starts: number): void {
    if (starts <= this.remembered(store)) return
    this.#counts.delete(store)
    this.#counts.set(store, starts)
    if (this.#counts.size > storesMax) this.#counts.delete(this.#counts.keys().next().value!)
    this.#isDirty = true
  }

  /** Makes the counts durable, if there are new ones. */
  async keep(): Promise<void> {
    if (!this.#isDirty) return
    this.#isDirty = false
    await this.#books.keep('starts', [...this.#counts])
  }
}
