/**
 * Counts the faults of a simulation that really took effect: a frame that was lost, not a link that
 * may lose frames. A test that means to prove something under faults checks here that they came.
 */

/**
 * On the network, each counted for one frame or one attempt to connect:
 * `frame-lost`, `frame-duplicated`, `frame-delayed`, `frame-damaged`; `frame-reordered`, one that
 * overtook an earlier one; `frame-partitioned`, `frame-blocked` and `frame-clogged`, one that came
 * to a link in that state. For one connection: `connection-reset`, cut by `reset`;
 * `connection-silent`, given up by its sender, because nothing got through. `frame-cut`: one on its
 * way when its connection was reset.
 *
 * Of processes: `crash` and, of the whole machine, `power-loss`; `pause`, in which something had to
 * wait. Readings of wall clocks: `clock-skewed`, `clock-drifting`, `clock-frozen`.
 *
 * Of disks: `batch-lost`, a batch that a crash or a failed sync took; `disk-torn`, a crash that took
 * some of the unsynced batches and left others; `disk-lost`, one that took all of a disk with
 * something on it; `disk-restored`; `disk-duplicated`; `record-forgotten`; `bit-flipped`;
 * `read-failed`; `write-failed`; `sync-failed`; `disk-full`, a write refused for want of space;
 * `disk-slow`, a sync that took longer.
 */
export type FaultKind = (typeof faultKinds)[number]

const faultKinds = [
  'frame-lost',
  'frame-duplicated',
  'frame-reordered',
  'frame-delayed',
  'frame-damaged',
  'frame-partitioned',
  'frame-blocked',
  'frame-clogged',
  'frame-cut',
  'connection-reset',
  'connection-silent',
  'crash',
  'power-loss',
  'pause',
  'clock-skewed',
  'clock-drifting',
  'clock-frozen',
  'batch-lost',
  'disk-torn',
  'disk-lost',
  'disk-restored',
  'disk-duplicated',
  'record-forgotten',
  'bit-flipped',
  'read-failed',
  'write-failed',
  'sync-failed',
  'disk-full',
  'disk-slow',
] as const

/** How often each kind of fault took effect; every kind is there, also with 0. */
export type Faults = Readonly<Record<FaultKind, number>>

/** One for a whole simulation. */
export class FaultCounts {
  readonly #counts = new Map<FaultKind, number>(faultKinds.map((kind) => [kind, 0]))

  add(kind: FaultKind, times = 1): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + times)
  }

  /** The counts at this moment. */
  view(): Faults {
    return Object.fromEntries(this.#counts) as Record<FaultKind, number>
  }
}
