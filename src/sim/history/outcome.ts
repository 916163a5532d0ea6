/** What a rejection tells about the effect of a write. */

import { StoreError, type StoreErrorCode } from '../../base/errors.ts'

/**
 * After these nothing has changed and nothing will (see each class in `base/errors.ts`). Not
 * `ERR_TIMEOUT`: a store rejects no write with it, but a service does whose answer did not come
 * (`NoAnswerError`), and its work may be done.
 */
const withoutEffect: ReadonlySet<StoreErrorCode> = new Set<StoreErrorCode>([
  'ERR_UNAVAILABLE',
  'ERR_CONFLICT',
  'ERR_INVALID_ARGUMENT',
  'ERR_CONTEXT',
  'ERR_CONFLICT_POLICY',
  'ERR_LIMIT',
  'ERR_OVERLOADED',
  'ERR_CLOSED',
  'ERR_CODEC',
])

/**
 * `failed` when the error promises that there is no effect, else `unknown`: uncertain writes, failed
 * storages, aborted operations, and whatever is no error of the store.
 */
export function outcomeOf(error: unknown, signal: AbortSignal | undefined): 'failed' | 'unknown' {
  if (signal?.aborted === true && error === signal.reason) return 'unknown'
  return error instanceof StoreError && withoutEffect.has(error.code) ? 'failed' : 'unknown'
}
