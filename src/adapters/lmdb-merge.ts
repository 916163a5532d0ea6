/** Reads of an ordered range that see what the database holds and what is about to be written to it. */

import type { StorageEntry } from '../ports/storage.ts'
import type { PendingValue } from './lmdb-write-buffer.ts'

/**
 * The first `limit` entries of `stored` as they will be once `pending` is applied. Both are one partition's, and
 * `stored` ascends. Reads no further in `stored` than it must.
 */
export function mergePending(
  stored: Iterable<StorageEntry>,
  pending: readonly (readonly [key: string, value: PendingValue])[],
  limit: number,
): StorageEntry[] {
  const merged: StorageEntry[] = []
  let next = 0
  const takePendingBefore = (key: string | undefined): void => {
    while (next < pending.length && merged.length < limit) {
      const [pendingKey, value] = pending[next]!
      if (key !== undefined && pendingKey >= key) return
      if (value) merged.push({ key: pendingKey, value })
      next++
    }
  }

  if (limit > 0) {
    for (const entry of stored) {
      takePendingBefore(entry.key)
      if (merged.length === limit) return merged
      const replaced = pending[next]?.[0] === entry.key
      if (!replaced) merged.push(entry)
      if (merged.length === limit) return merged
    }
  }
  takePendingBefore(undefined)
  return merged
}

/** Pending writes with keys after `after`, ascending in byte order. */
export function sortPending(
  pending: ReadonlyMap<string, PendingValue>,
  after: string | undefined,
): (readonly [key: string, value: PendingValue])[] {
  return [...pending]
    .filter(([key]) => after === undefined || key > after)
    .sort(([a], [b]) => (a < b ? -1 : 1))
}
