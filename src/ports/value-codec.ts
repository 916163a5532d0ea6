/** How a bucket's values become bytes. */
export interface ValueCodec<V> {
  /** Distinct for each format: kept nowhere, but shown in errors. */
  readonly name: string
  /** @throws {CodecError} for a value that would not come back equal. */
  encode(value: V): Uint8Array
  /** Must not keep or change `bytes`, and must not return a view of them. @throws {CodecError} */
  decode(bytes: Uint8Array): V
}
