/**
 * How much a node stores of some partitions, found out by reading them: no count is kept of it. The reading is bounded,
 * and lets other work in between; keys are hashed into partitions, so a part of them tells about the rest.
 */
import type { Clock } from '../ports/clock.ts'
import type { Storage } from '../ports/storage.ts'
import { pagesOf } from './pages.ts'

/** What one partition holds. */
export interface PartitionSize {
  readonly partition: number
  readonly records: number
  /** Of keys and records. */
  readonly bytes: number
  /** Whether the partition was read to its end; else it holds at least so much. */
  readonly isWhole: boolean
}

/** How much is read at most. */
export interface MeasureLimits {
  readonly recordsMax: number
  readonly bytesMax: number
  readonly timeMs: number
}

/** Read in one go, without other work in between. */
const pageLength = 64

/** Reads the partitions in the given order, as far as the limits allow, but the first one at least in part. */
export async function measurePartitions(
  { storage, clock }: { readonly storage: Storage; readonly clock: Clock },
  partitions: readonly number[],
  { recordsMax, bytesMax, timeMs }: MeasureLimits,
): Promise<readonly PartitionSize[]> {
  const deadlineMs = clock.monotonicMs() + timeMs
  const sizes: PartitionSize[] = []
  let recordsLeft = recordsMax
  let bytesLeft = bytesMax
  const isOver = (): boolean =>
    recordsLeft <= 0 || bytesLeft <= 0 || clock.monotonicMs() >= deadlineMs
  for (const partition of partitions) {
    if (sizes.length > 0 && isOver()) break
    let records = 0
    let bytes = 0
    let isWhole = true
    for await (const page of pagesOf(storage, partition, pageLength)) {
      const pageBytes = page.reduce((sum, { key, value }) => sum + key.length + value.length, 0)
      records += page.length
      bytes += pageBytes
      recordsLeft -= page.length
      bytesLeft -= pageBytes
      if (page.length < pageLength) break
      await pause(clock)
      isWhole = !isOver()
      if (!isWhole) break
    }
    sizes.push({ partition, records, bytes, isWhole })
  }
  return sizes
}

function pause(clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    clock.after(0, resolve)
  })
}
