/** How a bucket's values become bytes. */
export interface ValueCodec<V> {
  /** Distinct for each format: kept nowhere, but shown in errors. */
  readonly name: string
  /**
   * May give back the array that it was given: the bucket copies that before its caller can change it.
   * @throws {CodecError} for a value that would not come back equal.
   */
  encode(value: V): Uint8Array
  /** Must not keep or change `bytes`, and must not return a view of them. @throws {CodecError} */
  decode(bytes: Uint8Array): V
}
