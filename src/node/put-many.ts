/** Many writes at once: each is a write of its own, and one that fails takes none of the others with it. */
import { InvalidArgumentError, PartialWriteError } from '../base/errors.ts'
import type { Receipt } from '../coordinator/receipt.ts'
import type { Context } from '../versions/context.ts'
import type { PutOptions } from './bucket-options.ts'
import { describe } from './option-checks.ts'

/** One write of many. */
export interface PutManyWrite<V> {
  readonly key: string
  readonly value: V
  /** What the write replaces. See `Bucket.put`. */
  readonly context?: Context | string | null | undefined
}

/** Options of `putMany`, for each of its writes. */
export type PutManyOptions = Omit<PutOptions, 'context'>

/** Makes the writes with `put`, all at once. See `Bucket.putMany`. */
export async function putMany<V>(
  writes: readonly PutManyWrite<V>[],
  options: PutManyOptions,
  put: (key: string, value: V, options: PutOptions) => Promise<Receipt>,
): Promise<Map<string, Receipt>> {
  checkWrites(writes)
  const outcomes = await Promise.allSettled(
    writes.map(({ key, value, context }) =>
      put(key, value, context === undefined ? options : { ...options, context }),
    ),
  )
  const { signal } = options
  if (signal?.aborted === true) throw signal.reason
  const receipts = new Map<string, Receipt>()
  const errors = new Map<string, unknown>()
  outcomes.forEach((outcome, i) => {
    if (outcome.status === 'fulfilled') receipts.set(writes[i]!.key, outcome.value)
    else errors.set(writes[i]!.key, outcome.reason)
  })
  if (errors.size > 0) throw new PartialWriteError({ receipts, errors })
  return receipts
}

/** Refused before anything is written: what is no list of writes to different keys. */
function checkWrites(writes: unknown): void {
  if (!Array.isArray(writes)) {
    throw new InvalidArgumentError('writes', `must be a list of writes, not ${describe(writes)}`)
  }
  const keys = new Set<unknown>()
  writes.forEach((write: unknown, i) => {
    const isWrite =
      typeof write === 'object' && write !== null && 'key' in write && 'value' in write
    if (!isWrite) {
      const problem = `must be { key, value }, not ${describe(write)}`
      throw new InvalidArgumentError(`writes[${i}]`, problem)
    }
    if (keys.has(write.key)) {
      const problem = `has the key of another one, ${describe(write.key)}: they would race`
      throw new InvalidArgumentError(`writes[${i}].key`, problem)
    }
    keys.add(write.key)
  })
}
