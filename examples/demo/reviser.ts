/**
 * The load while owners change: writes one record after the other anew, and begins again with the first. Each write
 * replaces the one before by its context, so that a node that gives an older revision, or two, has lost something.
 */
import type { Entry, Ledger } from './ledger.ts'
import type { Scene } from './scene.ts'
import { write } from './write.ts'

/** Writes under way at once. */
const inFlightMax = 8

export class Reviser {
  readonly #scene: Scene
  readonly #ledger: Ledger
  /** No record is written twice at once: it is not here while it is. */
  readonly #queue: Entry[]
  #isStopped = false

  constructor(scene: Scene, ledger: Ledger) {
    this.#scene = scene
    this.#ledger = ledger
    this.#queue = ledger.entries.filter(({ isTwice }) => !isTwice)
  }

  /** Resolves after `stop()`, when the last write is acknowledged. */
  async run(): Promise<void> {
    const workers = Math.min(inFlightMax, this.#queue.length)
    await Promise.all(Array.from({ length: workers }, () => this.#work()))
  }

  stop(): void {
    this.#isStopped = true
  }

  async #work(): Promise<void> {
    while (!this.#isStopped) {
      const entry = this.#queue.shift()
      if (entry === undefined) return
      const revised = await this.#revise(entry)
      this.#ledger.note(revised)
      this.#scene.revised += 1
      if (!revised.isTwice) this.#queue.push(revised)
    }
  }

  async #revise({ key, record, revision: before, context }: Entry): Promise<Entry> {
    const revision = before + 1
    const value = { revision, record }
    return { key, record, value, revision, ...(await write(this.#scene, { key, value, context })) }
  }
}
