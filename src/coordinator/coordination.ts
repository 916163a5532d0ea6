/** What the coordinator of a request needs of its node: named, and no more. */
import type { StoreError } from '../base/errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { ReplicaChoice } from '../ports/replica-choice.ts'
import type { HintStore } from '../replica/hint-store.ts'
import type { Lack } from '../replica/lack.ts'
import type { ReplicaStore } from '../replica/replica-store.ts'
import type { Ring } from '../ring/ring.ts'
import type { Channel } from '../rpc/channel.ts'
import type { DotSource } from '../versions/dot-source.ts'
import type { HybridClock } from '../versions/hybrid-clock.ts'
import type { Hedging } from './hedging.ts'
import type { LongValues } from './long-values.ts'
import type { CoordinatorStats } from './stats.ts'
import type { TimerWheel } from './timer-wheel.ts'

/** What the operations of a coordinator need of their node: its parts, and what it knows of the others. */
export interface Coordination {
  readonly selfId: string
  readonly clock: Clock
  readonly wheel: TimerWheel
  readonly store: ReplicaStore
  readonly hints: HintStore
  readonly dots: DotSource
  readonly hybridClock: HybridClock
  readonly stats: CoordinatorStats
  /** Most siblings that a client's write may leave. */
  readonly siblingsMax: number
  /** Most operations under way at once, forwarded ones included. */
  readonly inFlightMax: number
  /** @throws {OverloadedError} the event loop lags. */
  assertBearable(): void
  readonly hedging: Hedging
  readonly long: LongValues
  readonly choice: ReplicaChoice
  /** Identity of the cluster. */
  cluster(): string
  ring(): Ring
  /** The data lane to a member. */
  data(id: string): Channel
  /** Whether membership thinks that the member answers. */
  isReachable(id: string): boolean
  /** Whether it thinks so of all members of the ring: then nobody has to be asked about one by one. */
  everyoneIsReachable(): boolean
  /** Whether this node may still lack data that others have. */
  lackOf(partition: number): Lack | undefined
  /** Keeps hints with their writes; never fails. */
  keepHint(hint: { target: string; partition: number; key: string }, recordBytes: number): void
  hinted(target: string): void
  repaired(storageKey: string, replicas: readonly string[]): void
  /**
   * A replica works under another epoch. Takes note of its configuration when that is newer, else teaches it ours.
   * @returns whether this node's ring is now at least as new as that of the replica.
   */
  otherEpoch(id: string, body: { bytes: Uint8Array; start: number; end: number }): boolean
  backgroundError(task: string, error: StoreError, peer?: string): void
}

/** An operation on one key, checked and hashed. */
export interface KeyRequest {
  readonly bucket: string
  readonly key: string
  readonly partition: number
  readonly storageKey: string
  readonly sloppy: boolean
  readonly timeoutMs: number
}
