/** What was acknowledged. */
export interface Entry {
  readonly key: string
  /** What the record was when it was loaded. */
  readonly record: unknown
  /** What every node must give: the value of the newest acknowledged write. */
  readonly value: unknown
  /** How often it was written anew. */
  readonly revision: number
  /** The receipt's context, as text: what the next write replaces. */
  readonly context: string
  /**
   * Whether a write of it was made twice, for the first gave no receipt and may have taken effect all the same. No
   * context at hand is sure to cover both, so that such a record is not written anew.
   */
  readonly isTwice: boolean
}

/** The newest acknowledged write of each key. */
export class Ledger {
  readonly #entries = new Map<string, Entry>()

  get entries(): readonly Entry[] {
    return [...this.#entries.values()]
  }

  note(entry: Entry): void {
    this.#entries.set(entry.key, entry)
  }
}
