/** Lets faults strike, some at once, each kind at least once. */
import { setTimeout as sleep } from 'node:timers/promises'
import { faultNames, faults, type FaultName, type Field } from './faults.ts'

/** Faults at a time. */
const faultsMax = 3
const meanPauseMs = 600

export class Nemesis {
  readonly #field: Field
  readonly #striking = new Set<Promise<void>>()
  /** Kinds that have not struck yet, or could not. */
  #due: readonly FaultName[]

  constructor(field: Field) {
    this.#field = field
    this.#due = field.draw.shuffled(faultNames)
  }

  /** Until `isOver`, and until each kind has struck. Resolves when the last fault is over. */
  async run(isOver: () => boolean): Promise<void> {
    const { draw } = this.#field
    while (!isOver() || this.#due.length > 0) {
      while (this.#striking.size >= faultsMax) await Promise.race(this.#striking)
      const name = this.#due[0] ?? draw.pick(faultNames)
      this.#due = this.#due.slice(1)
      const striking = this.#strike(name).finally(() => this.#striking.delete(striking))
      this.#striking.add(striking)
      await sleep(draw.waiting(meanPauseMs))
    }
    await Promise.all(this.#striking)
  }

  async #strike(name: FaultName): Promise<void> {
    const { log } = this.#field
    try {
      if (await faults[name](this.#field)) log.struck(name)
      else if (!log.faults.has(name)) this.#due = [...this.#due, name]
    } catch (error) {
      log.found(
        `the fault "${name}" failed: ${error instanceof Error ? error.stack : String(error)}`,
      )
    }
  }
}
