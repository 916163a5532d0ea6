/**
 * Counts the changes of each partition, so that what was derived from its records is known to be old: one addition for
 * each write is all that a write pays for the hash trees (docs/decisions/0016-anti-entropy.md).
 */

/** Change counters by partition. */
export class Revisions {
  #counts = new Uint32Array(1024)
  /** Changes of all partitions at once. */
  #all = 0

  /** Something in the partition changed, or is about to. */
  changed(partition: number): void {
    if (partition >= this.#counts.length) this.#grow(partition)
    this.#counts[partition]! += 1
  }

  /** A write failed: anything may be other than it seemed. */
  allChanged(): void {
    this.#all += 1
  }

  /** Differs from what it was if the partition has changed since. */
  of(partition: number): string {
    return `${this.#all}.${this.#counts[partition] ?? 0}`
  }

  #grow(partition: number): void {
    const counts = new Uint32Array(2 * partition)
    counts.set(this.#counts)
    this.#counts = counts
  }
}
