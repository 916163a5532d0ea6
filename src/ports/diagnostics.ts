/**
 * Where operations are told to whoever observes the process: tracing, metrics. Nothing is made for it while nobody
 * listens.
 */

/** What is told of an operation: once when it starts, and once when it ends. */
export interface OperationMessage {
  readonly phase: 'start' | 'end'
  /** Ties the two messages of an operation; counts up in the process. */
  readonly operation: number
  /** Id of the node that was asked. */
  readonly node: string
  readonly bucket: string
  /** Bytes of the key in UTF-8; 0 for what is no key. The key itself is not told: it may be somebody's name. */
  readonly keyBytes: number
  /** At the end: `done`, the code of the error, `aborted`, or `failed` for an error without a code. */
  readonly outcome?: string
  /** At the end: milliseconds since the start. */
  readonly durationMs?: number
}

/** One channel. What a listener throws must not reach who publishes. */
export interface OperationChannel {
  /** Looked at for each operation. */
  readonly hasSubscribers: boolean
  publish(message: OperationMessage): void
}

/** The channels of a node. */
export interface Diagnostics {
  readonly get: OperationChannel
  readonly put: OperationChannel
  readonly delete: OperationChannel
}
