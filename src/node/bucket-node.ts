/** What a bucket needs of its node. */
import type { Coordination } from '../coordinator/coordination.ts'
import type { ConflictKind } from '../ports/conflict-policy.ts'
import type { Diagnostics } from '../ports/diagnostics.ts'
import type { ScanPages } from '../replica/scan-pages.ts'
import type { LimitOptions } from './options.ts'

/** The node as its buckets see it. */
export interface BucketNode {
  readonly diagnostics: Diagnostics
  readonly coordination: Coordination
  readonly scanPages: ScanPages
  readonly limits: Required<LimitOptions>
  readonly timeoutMs: number
  /** An operation begins that has this deadline, which is not the node's. */
  mayTake(timeoutMs: number): void
  /** N of the cluster. */
  n(): number
  /** @throws {ClosedError} when nothing new is begun. */
  assertOpen(): void
  /** @throws {ClosedError} when also what was begun cannot go on. */
  assertServing(): void
  /** Waits for the promise; until it is settled the node lets what was begun go on, also while it drains. */
  underWay<T>(steps: Promise<T>): Promise<T>
  /** @throws {OverloadedError} the event loop lags. */
  assertBearable(): void
  /** Counts operations in, all or none; they count themselves out. @throws {OverloadedError} */
  countIn(count: number): void
  /**
   * Undefined once the members that answer agree on the bucket's policy; else a promise of it.
   * @throws {ConflictPolicyError} by rejection
   */
  agreed(bucket: string, kind: ConflictKind): Promise<void> | undefined
  /** A name for a write that is forwarded, never used twice. */
  readonly writeId: () => string
}
