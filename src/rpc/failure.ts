/** Errors on their way between nodes. What a peer sends is checked: an unknown code becomes a ProtocolError. */
import {
  ConflictPolicyError,
  ClosedError,
  InvalidContextError,
  LimitError,
  OverloadedError,
  ProtocolError,
  StorageError,
  StoreError,
  TopologyBusyError,
  UnavailableError,
  WriteUncertainError,
} from '../base/errors.ts'
import { pack, unpack } from './pack.ts'

export function packFailure(error: unknown): Uint8Array {
  const known = error instanceof StoreError ? error : new ProtocolError('the peer failed', error)
  return pack([known.code, known.message, detailsOf(known)])
}

function detailsOf(error: StoreError): readonly (number | string)[] {
  if (error instanceof UnavailableError) return [error.needed, error.alive]
  if (error instanceof WriteUncertainError) return [error.needed, error.acknowledged]
  if (error instanceof LimitError) return [error.limit, error.allowed, error.actual]
  if (error instanceof ConflictPolicyError) return [error.bucket]
  return []
}

export function unpackFailure(bytes: Uint8Array, start: number, end: number): StoreError {
  const tuple = unpack(bytes, start, end)
  const [code, message, details] = tuple ?? []
  if (typeof code !== 'string' || typeof message !== 'string' || !Array.isArray(details)) {
    return new ProtocolError('the peer failed without telling why')
  }
  const [first, second, third] = details as readonly unknown[]
  switch (code) {
    case 'ERR_UNAVAILABLE':
      return new UnavailableError(message, { needed: Number(first), alive: Number(second) })
    case 'ERR_WRITE_UNCERTAIN':
      return new WriteUncertainError(message, {
        needed: Number(first),
        acknowledged: Number(second),
      })
    case 'ERR_LIMIT':
      return new LimitError(String(first), {
        allowed: Number(second),
        actual: Number(third),
        what: message.split(':')[0]!,
      })
    case 'ERR_CONFLICT_POLICY':
      return new ConflictPolicyError(message, { bucket: String(first) })
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
