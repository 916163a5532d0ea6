/** Errors on their way between nodes. What a peer sends is checked: an unknown code becomes a ProtocolError. */
import {
  ConflictPolicyError,
  ClosedError,
  InvalidArgumentError,
  InvalidContextError,
  LimitError,
  OverloadedError,
  ProtocolError,
  StorageError,
  StoreError,
  TimeoutError,
  TopologyBusyError,
  UnavailableError,
  WriteUncertainError,
} from '../base/errors.ts'
import { pack, unpack } from './pack.ts'

/** Longer messages are cut: a failure must fit into its frame. */
const messageMax = 4000

/** An error as the body of a `failed` answer. What is no error of this library is told without its details. */
export function packFailure(error: unknown): Uint8Array {
  const known = error instanceof StoreError ? error : new ProtocolError('the peer failed', error)
  return pack([known.code, known.message.slice(0, messageMax), detailsOf(known)])
}

function detailsOf(error: StoreError): readonly (number | string)[] {
  if (error instanceof UnavailableError) return [error.needed, error.alive]
  if (error instanceof WriteUncertainError) return [error.needed, error.acknowledged]
  if (error instanceof LimitError) return [error.limit, error.allowed, error.actual]
  if (error instanceof ConflictPolicyError) return [error.bucket]
  if (error instanceof InvalidArgumentError) return [error.argument]
  if (error instanceof TimeoutError) return [error.afterMs]
  return []
}

/** The error of a `failed` answer. Total: an unknown one becomes a ProtocolError. */
export function unpackFailure(bytes: Uint8Array, start: number, end: number): StoreError {
  const tuple = unpack(bytes, start, end)
  const [code, message, details] = tuple ?? []
  if (typeof code !== 'string' || typeof message !== 'string' || !Array.isArray(details)) {
    return new ProtocolError('the peer failed without telling why')
  }
  const [first, second, third] = details as readonly unknown[]
  switch (code) {
    case 'ERR_UNAVAILABLE':
      return new UnavailableError(message, { needed: count(first), alive: count(second) })
    case 'ERR_WRITE_UNCERTAIN':
      return new WriteUncertainError(message, { needed: count(first), acknowledged: count(second) })
    case 'ERR_LIMIT':
      return new LimitError(text(first), {
        allowed: count(second),
        actual: count(third),
        what: beforeLast(message, ': '),
      })
    case 'ERR_CONFLICT_POLICY':
      return new ConflictPolicyError(message, { bucket: text(first) })
    case 'ERR_INVALID_ARGUMENT':
      return new InvalidArgumentError(text(first), message.slice(text(first).length + 2))
    case 'ERR_TIMEOUT':
      return new TimeoutError(message, { afterMs: count(first) })
    case 'ERR_CONTEXT':
      return new InvalidContextError(message)
    case 'ERR_OVERLOADED':
      return new OverloadedError(message)
    case 'ERR_CLOSED':
      return new ClosedError(message)
    case 'ERR_STORAGE':
      return new StorageError(message)
    case 'ERR_TOPOLOGY_BUSY':
      return new TopologyBusyError(message)
    default:
      return new ProtocolError(message)
  }
}

function count(value: unknown): number {
  return typeof value === 'number' ? value : 0
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function beforeLast(whole: string, mark: string): string {
  const at = whole.lastIndexOf(mark)
  return at < 0 ? whole : whole.slice(0, at)
}
