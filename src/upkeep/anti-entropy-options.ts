/** How replicas are compared in the background: the options and what they are by default. */

/** How owners find out, without being read, where they differ. */
export interface AntiEntropyOptions {
  /** Whether replicas are compared at all. Not: what no hint and no read brings together stays apart. @default true */
  readonly enabled?: boolean
  /**
   * Least time between the beginnings of two rounds, milliseconds. In each round a node compares every N-th of its
   * partitions with all other owners of it, partitions with dirty marks first: each partition is compared by one of its
   * owners about once in `intervalMs`, and by each of them in N rounds. A round takes longer where there is much to be
   * read: a node spends 2 % of its time on that. @default 60_000
   */
  readonly intervalMs?: number
  /**
   * How long it is believed that what nobody wrote to is still what it was, milliseconds; then it is read again. Finds
   * what a disk lost or damaged. Less: sooner, for more reading. @default 300_000
   */
  readonly verifyIntervalMs?: number
  /**
   * Most bytes a second for records and lists of keys. Less: gentler to foreground work, slower to heal.
   * @default 8 MiB
   */
  readonly bytesPerSecondMax?: number
}

/** What holds where nothing is said. */
export const antiEntropyDefaults: Required<AntiEntropyOptions> = Object.freeze({
  enabled: true,
  intervalMs: 60_000,
  verifyIntervalMs: 300_000,
  bytesPerSecondMax: 8 * 1024 * 1024,
})
