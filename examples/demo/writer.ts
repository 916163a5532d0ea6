/** Writes all records, many at once. */
import type { Ledger } from './ledger.ts'
import type { DemoRecord } from './records/record.ts'
import type { Scene } from './scene.ts'
import { write } from './write.ts'

/** Writes under way at once. */
const inFlightMax = 256

interface Milestone {
  readonly count: number
  readonly reached: () => void
}

export class Writer {
  readonly #scene: Scene
  readonly #ledger: Ledger
  readonly #records: readonly DemoRecord[]
  #next = 0
  #milestones: Milestone[] = []

  constructor(scene: Scene, ledger: Ledger) {
    this.#scene = scene
    this.#ledger = ledger
    this.#records = scene.data.records
  }

  /** Resolves when every record is acknowledged. */
  async run(): Promise<void> {
    const workers = Math.min(inFlightMax, this.#records.length)
    await Promise.all(Array.from({ length: workers }, () => this.#work()))
  }

  /** Resolves when so many writes are acknowledged. */
  async acknowledged(count: number): Promise<void> {
    if (this.#scene.acknowledged >= count) return
    await new Promise<void>((reached) => this.#milestones.push({ count, reached }))
  }

  async #work(): Promise<void> {
    for (let record = this.#take(); record !== undefined; record = this.#take()) {
      const { key, value } = record
      const written = await write(this.#scene, { key, value })
      this.#ledger.note({ key, record: value, value, revision: 0, ...written })
      this.#scene.acknowledged += 1
      this.#tellReached()
    }
  }

  #take(): DemoRecord | undefined {
    return this.#records[this.#next++]
  }

  #tellReached(): void {
    const { acknowledged } = this.#scene
    if (!this.#milestones.some(({ count }) => count <= acknowledged)) return
    for (const { count, reached } of this.#milestones) if (count <= acknowledged) reached()
    this.#milestones = this.#milestones.filter(({ count }) => count > acknowledged)
  }
}
