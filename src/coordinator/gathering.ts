/** What becomes of many operations that were begun as one. */
import { promiseOf, type Settler } from './caller.ts'

/** How each of them ended, by its number. */
export interface Gathered<T> {
  /** Empty where it failed. */
  readonly results: readonly (T | undefined)[]
  readonly errors: ReadonlyMap<number, unknown>
}

const noErrors: ReadonlyMap<number, unknown> = new Map()

/** Waits for many operations; one promise for all. */
export class Gathering<T> implements Settler<Gathered<T>> {
  readonly promise: Promise<Gathered<T>>
  resolve!: (gathered: Gathered<T>) => void
  reject!: (error: unknown) => void
  readonly #results: (T | undefined)[]
  #errors: Map<number, unknown> | undefined
  #left: number
  readonly #isEager: boolean

  /** @param isEager whether the first one that fails is told at once, as a rejection */
  constructor(count: number, isEager: boolean) {
    this.#results = Array.from<T | undefined>({ length: count })
    this.#left = count
    this.#isEager = isEager
    this.promise = promiseOf(this)
    this.#tellIfAll()
  }

  succeeded(index: number, result: T): void {
    this.#results[index] = result
    this.#left -= 1
    this.#tellIfAll()
  }

  failed(index: number, error: unknown): void {
    this.#errors ??= new Map()
    this.#errors.set(index, error)
    this.#left -= 1
    if (this.#isEager) this.reject(error)
    this.#tellIfAll()
  }

  /** One that is on its own way, with a promise of its own. */
  await(index: number, operation: Promise<T>): void {
    operation.then(
      (result) => this.succeeded(index, result),
      (error: unknown) => this.failed(index, error),
    )
  }

  #tellIfAll(): void {
    if (this.#left === 0) this.resolve({ results: this.#results, errors: this.#errors ?? noErrors })
  }
}
