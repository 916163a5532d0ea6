/** Many writes at once: each is a write of its own, and one that fails takes none of the others with it. */
import { InvalidArgumentError, PartialWriteError } from '../base/errors.ts'
import { Gathering, type Gathered } from '../coordinator/gathering.ts'
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

/** Makes the writes with `put`, all at once, each by itself: for buckets that stand before another one. */
export async function putMany<V>(
  writes: readonly PutManyWrite<V>[],
  options: PutManyOptions,
  put: (key: string, value: V, options: PutOptions) => Promise<Receipt>,
): Promise<Map<string, Receipt>> {
  checkWrites(writes)
  const gathering = new Gathering<Receipt>(writes.length, false)
  writes.forEach(({ key, value, context }, i) =>
    gathering.await(i, put(key, value, context === undefined ? options : { ...options, context })),
  )
  const outcome = await gathering.promise
  const { signal } = options
  if (signal?.aborted === true) throw signal.reason
  return receiptsOf(writes, outcome)
}

/** The receipts by key. @throws {PartialWriteError} when one of the writes failed. */
export function receiptsOf(
  writes: readonly { readonly key: string }[],
  { results, errors }: Gathered<Receipt>,
): Map<string, Receipt> {
  const receipts = new Map<string, Receipt>()
  for (let i = 0; i < writes.length; i++) {
    const receipt = results[i]
    if (receipt !== undefined) receipts.set(writes[i]!.key, receipt)
  }
  if (errors.size === 0) return receipts
  const failed = writes.flatMap(({ key }, i) =>
    errors.has(i) ? [[key, errors.get(i)] as const] : [],
  )
  throw new PartialWriteError({ receipts, errors: new Map(failed) })
}

/** @throws {InvalidArgumentError} when it is no list of writes to different keys. */
export function checkWrites(writes: unknown): void {
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
