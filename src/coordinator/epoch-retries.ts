/** How often each replica of one operation answered that it works under another epoch. */
const retriesMax = 3

/** The retries of one operation at replicas that work under another epoch of the ring. */
export class EpochRetries {
  readonly #counts: Map<string, number> = new Map()

  /** Counts one more answer of the replica; whether it may be asked again. */
  mayRetry(id: string): boolean {
    const count = (this.#counts.get(id) ?? 0) + 1
    this.#counts.set(id, count)
    return count <= retriesMax
  }
}
