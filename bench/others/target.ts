/** What a store looks like to the loops that measure it. */

/** A way to a store: a connection, or the store itself where it lives in the client's process. */
export interface Lane<Answer> {
  /** Rejects unless two copies are there. */
  put(key: string, value: Buffer): Promise<unknown>
  get(key: string): Promise<Answer>
}

/** @typeParam Answer what a read gives; the bytes are taken out apart, which costs no promise. */
export interface Target<Answer> {
  /** One for all loops, or one for each. */
  readonly lanes: readonly Lane<Answer>[]
  /** Writes the keys before anything is measured. */
  readonly preloader: Pick<Lane<Answer>, 'put'>
  bytesOf(answer: Answer): Uint8Array | null | undefined
  close(): Promise<void>
}
