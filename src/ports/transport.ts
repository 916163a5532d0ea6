/**
 * How nodes reach each other: connections that carry frames. Best effort: a frame that was sent may be lost when
 * its connection closes; request and reply, retries and deadlines live above. What a peer is (cluster, protocol
 * version, node identity) is checked above too, in the first frames of each connection; a transport adds what
 * only it can know, such as the names in a TLS certificate.
 *
 * Duties of an implementation (`coterie/conformance` checks them):
 * 1. Frames arrive whole, at most once, and unchanged; never to another connection than they were sent on.
 * 2. `send` copies the bytes before it returns: the caller uses its buffer again at once.
 * 3. Handlers are never called from inside `connect`, `send` or `close`; always in a later turn or microtask.
 * 4. `close` of a handler is called exactly once, whoever closed and whether or not it ever opened; nothing after it.
 * 5. A frame longer than `frameBytesMax` of its first byte closes the connection before it is buffered.
 * 6. Nothing that a peer sends throws past the transport, and memory for one connection stays bounded.
 * 7. What a handler throws is a bug of the node: it ends the connection and is not caught.
 */
export interface Transport {
  /**
   * Starts to accept connections, once for each transport. Resolves with the address that other nodes reach this one
   * by. `accept` is called when a connection can carry frames; the transport has checked of the other end what it can.
   * @throws {StoreError} by rejection; then nothing listens.
   */
  listen(accept: (connection: Connection) => ConnectionHandler): Promise<string>

  /**
   * Starts to connect and returns at once. Frames sent before it opens are queued, and dropped if it fails. Never
   * throws: an address that makes no sense closes the connection like one that does not answer.
   */
  connect(address: string, handler: ConnectionHandler): Connection

  /** Closes every connection and stops listening. Idempotent, bounded in time. */
  close(): Promise<void>
}

/** One end of a connection. */
export interface Connection {
  /** The other end, for messages and logs. */
  readonly remote: string

  /** Node ids that the transport itself has proved the other end to have (TLS), if it can prove any. */
  readonly provenNames?: readonly string[] | undefined

  /** Bytes accepted by `send` and not yet handed to the network. */
  readonly queuedBytes: number

  /**
   * Queues the frame `bytes[start, end)`, at least one byte. False when it was not queued: the connection is closed.
   * How much may be queued is the caller's affair (`queuedBytes`).
   */
  send(bytes: Uint8Array, start: number, end: number): boolean

  /** Idempotent. Frames already queued are sent first where that is possible at once. */
  close(): void
}

/** What a node does with a connection. */
export interface ConnectionHandler {
  /** The longest frame allowed, for each first byte of a frame. */
  frameBytesMax(firstByte: number): number

  /** The connection can carry frames; called before the first frame. */
  open(): void

  /**
   * A frame `bytes[start, end)`, readable during this call only: what is kept must be copied. Where `bytes` is a
   * Buffer its `slice` is no copy; `copyBytes` is.
   */
  frame(bytes: Uint8Array, start: number, end: number): void

  /**
   * The end. `error` tells why, when it was not this side's `close()` or the transport's. The `code` of its `cause`
   * is `ECONNREFUSED` when nobody listens at the address, and `ETIMEDOUT` when nothing answered in time.
   */
  close(error?: Error): void
}
