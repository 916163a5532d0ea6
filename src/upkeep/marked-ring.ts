/**
 * Remembers up to which ring configuration this node has marked what new owners need from it. A crash between a ring
 * change and its marks would otherwise lose the duty to hand data over, on every node that crashes (HAZARDS F7).
 */
import type { Books } from '../replica/books.ts'
import type { RingConfiguration } from '../ring/configuration.ts'
import { fromTuple, toTuple } from '../ring/configuration-check.ts'
import { Ring } from '../ring/ring.ts'

/** Durable where the storage is. */
export class MarkedRing {
  readonly #books: Books
  #ring: Ring | undefined

  constructor(books: Books) {
    this.#books = books
  }

  /** The ring of the last change whose marks are durable; undefined when there was none. @throws {StorageError} */
  async read(): Promise<Ring | undefined> {
    if (this.#ring !== undefined) return this.#ring
    const kept = await this.#books.read('marked')
    const configuration = kept === undefined ? undefined : fromTuple(kept)
    return typeof configuration === 'object' ? new Ring(configuration) : undefined
  }

  /** All marks up to this configuration, whose ring it is, are durable. */
  async keep(configuration: RingConfiguration, ring: Ring): Promise<void> {
    await this.#books.keep('marked', toTuple(configuration))
    this.#ring = ring
  }
}
