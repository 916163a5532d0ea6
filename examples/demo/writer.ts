/**
 * Writes all records through all nodes in turn, many at once. A write counts as acknowledged when its receipt has
 * arrived, and only then; one without a receipt, for its process died or its outcome is uncertain, is written again
 * through another node.
 */
import type { Fleet } from './fleet.ts'
import { CommandError } from './member.ts'
import type { DemoRecord } from './records/record.ts'
import type { Scene } from './scene.ts'

/** Writes under way at once. */
const inFlightMax = 256
/** A write is tried for so long. */
const patienceMs = 20_000
const pauseMs = 20

/** The world's trouble, as opposed to a record that can never be stored. */
const passing: ReadonlySet<string> = new Set([
  'LOST',
  'ERR_UNAVAILABLE',
  'ERR_WRITE_UNCERTAIN',
  'ERR_TIMEOUT',
  'ERR_OVERLOADED',
  'ERR_CLOSED',
])

interface Milestone {
  readonly count: number
  readonly reached: () => void
}

export class Writer {
  readonly #fleet: Fleet
  readonly #scene: Scene
  readonly #records: readonly DemoRecord[]
  #next = 0
  #milestones: Milestone[] = []

  constructor(fleet: Fleet, scene: Scene) {
    this.#fleet = fleet
    this.#scene = scene
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
      this.#scene.inFlight += 1
      await this.#write(record)
      this.#scene.inFlight -= 1
      this.#scene.acknowledged += 1
      this.#tellReached()
    }
  }

  #take(): DemoRecord | undefined {
    return this.#records[this.#next++]
  }

  async #write({ key, value }: DemoRecord): Promise<void> {
    const deadlineMs = performance.now() + patienceMs
    for (;;) {
      try {
        await this.#fleet.next().ask('put', { key, value })
        return
      } catch (error) {
        const mayPass = error instanceof CommandError && passing.has(error.code)
        if (!mayPass || performance.now() > deadlineMs) throw cannotWrite(key, error)
        this.#scene.retried += 1
        await new Promise((resolve) => setTimeout(resolve, pauseMs))
      }
    }
  }

  #tellReached(): void {
    const { acknowledged } = this.#scene
    if (!this.#milestones.some(({ count }) => count <= acknowledged)) return
    for (const { count, reached } of this.#milestones) if (count <= acknowledged) reached()
    this.#milestones = this.#milestones.filter(({ count }) => count > acknowledged)
  }
}

function cannotWrite(key: string, cause: unknown): Error {
  const message = cause instanceof Error ? cause.message : String(cause)
  return new Error(`cannot write ${JSON.stringify(key)}: ${message}`, { cause })
}
