/**
 * Every error that the library gives to its user. Match on `code`: it is stable, messages are not.
 * What an error leaves behind is part of its meaning and stands in the comment of its class.
 */

/** The code of an error: stable, to be matched on. */
export type StoreErrorCode =
  | 'ERR_UNAVAILABLE'
  | 'ERR_WRITE_UNCERTAIN'
  | 'ERR_PARTIAL_WRITE'
  | 'ERR_TIMEOUT'
  | 'ERR_CONFLICT'
  | 'ERR_INVALID_ARGUMENT'
  | 'ERR_CONTEXT'
  | 'ERR_CONFLICT_POLICY'
  | 'ERR_LIMIT'
  | 'ERR_OVERLOADED'
  | 'ERR_CLOSED'
  | 'ERR_CODEC'
  | 'ERR_STORAGE'
  | 'ERR_PROTOCOL'
  | 'ERR_TOPOLOGY_BUSY'
  | 'ERR_JOIN'

/** The base of all errors of coterie. */
export class StoreError extends Error {
  readonly code: StoreErrorCode

  constructor(code: StoreErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.name = new.target.name
  }
}

/** Too few replicas can be reached for the asked quorum. Nothing changed. */
export class UnavailableError extends StoreError {
  /** How many replicas the quorum needs. */
  readonly needed: number
  /** How many were thought to be alive. */
  readonly alive: number

  constructor(message: string, details: { needed: number; alive: number; cause?: unknown }) {
    super('ERR_UNAVAILABLE', message, details.cause)
    this.needed = details.needed
    this.alive = details.alive
  }
}

/**
 * Fewer replicas than asked acknowledged the write before its deadline. Some hold it: it may surface later,
 * once. Retry with the same context, or read first.
 */
export class WriteUncertainError extends StoreError {
  readonly needed: number
  /** How many replicas are known to hold the write. */
  readonly acknowledged: number

  constructor(message: string, details: { needed: number; acknowledged: number; cause?: unknown }) {
    super('ERR_WRITE_UNCERTAIN', message, details.cause)
    this.needed = details.needed
    this.acknowledged = details.acknowledged
  }
}

/**
 * Some writes of many failed, all of them perhaps. Each was a write of its own: what a failed one leaves behind, its
 * own error tells. None is still under way.
 */
export class PartialWriteError<R = unknown> extends StoreError {
  /** Of the writes that were done, by key. */
  readonly receipts: ReadonlyMap<string, R>
  /** Why the others failed, by key. */
  readonly errors: ReadonlyMap<string, unknown>

  constructor(outcome: { receipts: ReadonlyMap<string, R>; errors: ReadonlyMap<string, unknown> }) {
    const { receipts, errors } = outcome
    const [first] = errors
    const cause = first?.[1]
    const told = cause instanceof Error ? cause.message : String(cause)
    const count = `${errors.size} of ${receipts.size + errors.size} writes failed`
    super(
      'ERR_PARTIAL_WRITE',
      `${count}, the first, of ${JSON.stringify(first?.[0])}: ${told}`,
      cause,
    )
    this.receipts = receipts
    this.errors = errors
  }
}

/** A read's deadline passed. Nothing changed. */
export class TimeoutError extends StoreError {
  /** The deadline, in milliseconds after the start of the operation. */
  readonly afterMs: number

  constructor(message: string, details: { afterMs: number; cause?: unknown }) {
    super('ERR_TIMEOUT', message, details.cause)
    this.afterMs = details.afterMs
  }
}

/** `value()` of an entry with several siblings in a bucket without a policy that settles them. Nothing changed. */
export class ConflictError<E = unknown> extends StoreError {
  /** The entry with its siblings and the context that covers them all. */
  readonly entry: E

  constructor(message: string, details: { entry: E }) {
    super('ERR_CONFLICT', message)
    this.entry = details.entry
  }
}

/** A caller's mistake, thrown before any effect. Nothing happened. */
export class InvalidArgumentError extends StoreError {
  /** The argument or option at fault, as a path: `replication.r`. */
  readonly argument: string

  constructor(argument: string, message: string) {
    super('ERR_INVALID_ARGUMENT', `${argument}: ${message}`)
    this.argument = argument
  }
}

/** A context of another bucket, key or cluster, or a damaged one. Nothing changed. */
export class InvalidContextError extends StoreError {
  constructor(message: string) {
    super('ERR_CONTEXT', message)
  }
}

/** Two nodes opened one bucket with different conflict policies. Nothing changed. */
export class ConflictPolicyError extends StoreError {
  readonly bucket: string

  constructor(message: string, details: { bucket: string }) {
    super('ERR_CONFLICT_POLICY', message)
    this.bucket = details.bucket
  }
}

/** A value, key or sibling set over a limit. Nothing changed. */
export class LimitError extends StoreError {
  /** The limit's name in `NodeOptions.limits`. */
  readonly limit: string
  readonly allowed: number
  readonly actual: number

  constructor(limit: string, details: { allowed: number; actual: number; what: string }) {
    super('ERR_LIMIT', `${details.what}: ${details.actual} is over ${limit} = ${details.allowed}`)
    this.limit = limit
    this.allowed = details.allowed
    this.actual = details.actual
  }
}

/** Refused before any work because too much is under way. Nothing changed; retry later. */
export class OverloadedError extends StoreError {
  constructor(message: string) {
    super('ERR_OVERLOADED', message)
  }
}

/** The node or adapter is closed. Nothing was sent. */
export class ClosedError extends StoreError {
  constructor(message: string) {
    super('ERR_CLOSED', message)
  }
}

/** A value cannot be encoded without silent change, or stored bytes cannot be decoded. Nothing changed. */
export class CodecError extends StoreError {
  constructor(message: string, cause?: unknown) {
    super('ERR_CODEC', message, cause)
  }
}

/** The storage of this node failed. What was not acknowledged may or may not be on disk. */
export class StorageError extends StoreError {
  constructor(message: string, cause?: unknown) {
    super('ERR_STORAGE', message, cause)
  }
}

/** A peer spoke another protocol, of another cluster, or nonsense. The connection is closed, nothing else changed. */
export class ProtocolError extends StoreError {
  constructor(message: string, cause?: unknown) {
    super('ERR_PROTOCOL', message, cause)
  }
}

/** Another change of the ring configuration is under way. Nothing changed; retry later. */
export class TopologyBusyError extends StoreError {
  constructor(message: string) {
    super('ERR_TOPOLOGY_BUSY', message)
  }
}

/** No seed let this node in before `joinTimeoutMs`. The node is closed; its storage is unchanged. */
export class JoinError extends StoreError {
  constructor(message: string, cause?: unknown) {
    super('ERR_JOIN', message, cause)
  }
}
