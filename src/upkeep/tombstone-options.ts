/** How long marks of deletions stay: the options and what they are by default. */

/** What becomes of tombstones. Only those of which it is proven that nothing older is left anywhere are reaped. */
export interface TombstoneOptions {
  /** Whether tombstones are reaped at all. Not: they stay for ever. @default true */
  readonly reap?: boolean
  /**
   * How long a tombstone stays after all members have confirmed that nothing older than it is left, milliseconds; then
   * they are asked again. At least four times the node's `timeoutMs`, so that every operation that began before has
   * ended. The same on all nodes: a member with a longer one does not confirm what a hastier one asks.
   * @default 3_600_000, or four times `timeoutMs` if that is more
   */
  readonly graceMs?: number
  /** Time between two scans for tombstones, milliseconds. @default a quarter of `graceMs` */
  readonly intervalMs?: number
}

/** How many times the deadline of an operation fits at least into the grace period. */
export const graceTimeoutsMin = 4

const graceDefaultMs = 3_600_000

/** The options with their defaults, for a node with this deadline of operations. */
export function tombstoneOptions(
  { reap = true, graceMs, intervalMs }: TombstoneOptions,
  timeoutMs: number,
): Required<TombstoneOptions> {
  const settledMs = graceMs ?? Math.max(graceDefaultMs, graceTimeoutsMin * timeoutMs)
  return { reap, graceMs: settledMs, intervalMs: intervalMs ?? settledMs / 4 }
}
