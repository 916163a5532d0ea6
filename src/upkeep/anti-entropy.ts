/**
 * Anti-entropy (Dynamo §4.7): owners compare their partitions in the background, so that they come together also where
 * no hint was kept and nobody reads. Rounds, turns and pace are here; what is said in a comparison is in
 * `comparison.ts`, what peers are answered in `comparison-answers.ts`.
 *
 * In each round a node compares the partitions whose turn it is with all other owners at once. The turn goes around
 * among the owners, so that each of them compares each of its partitions once in N rounds, whoever else is away; what
 * is marked dirty for another owner, and what differed the last time, is compared first and out of turn.
 */
import type { Clock, Timer } from '../ports/clock.ts'
import type { HintStore } from '../replica/hint-store.ts'
import { Pauses } from '../replica/pauses.ts'
import type { PartitionTrees } from '../replica/partition-trees.ts'
import type { ReplicaStore } from '../replica/replica-store.ts'
import type { Ring } from '../ring/ring.ts'
import type { Channel } from '../rpc/channel.ts'
import type { AntiEntropyOptions } from './anti-entropy-options.ts'
import { ComparisonAnswers } from './comparison-answers.ts'
import { Comparison, type ComparisonCounts } from './comparison.ts'
import { Throttle } from './throttle.ts'

/** What anti-entropy needs of its node. */
export interface AntiEntropyDriverOptions extends Required<AntiEntropyOptions> {
  readonly selfId: string
  readonly trees: PartitionTrees
  readonly store: ReplicaStore
  readonly hints: HintStore
  readonly clock: Clock
  readonly timeoutMs: number
  /** Name of the cluster's own, in hexadecimal digits: all its nodes compute the same digests, others do not. */
  cluster(): string
  ring(): Ring | undefined
  data(id: string): Channel
  isReachable(id: string): boolean
  /** Whether this node is still being filled. */
  isRecovering(): boolean
  /** Whether clients give the node much to do: then comparisons wait. */
  isBusy(): boolean
  failed(error: Error, peer?: string): void
}

/** What anti-entropy did and where it stands. */
export interface AntiEntropyStats extends Readonly<ComparisonCounts> {
  /** Rounds that ended. */
  readonly rounds: number
  /** How much of the present round is done, 0 to 1; 1 between two rounds. */
  readonly progress: number
  /**
   * Unix time in milliseconds since when this node has found each of its partitions equal with all other owners, or the
   * last time before that. 0 while there is one that it has not.
   */
  readonly comparedAtMs: number
}

/** Partitions compared at once. */
const batchLength = 16

/** Compares the partitions of one node with their other owners, round by round. */
export class AntiEntropy {
  readonly #options: AntiEntropyDriverOptions
  readonly #pauses: Pauses
  readonly #throttle: Throttle
  readonly #comparison: Comparison
  readonly #answers: ComparisonAnswers
  readonly #counts: ComparisonCounts = { comparisons: 0, differing: 0, repaired: 0, mended: 0 }
  /** Partitions that are compared again in the next round, whoever's turn it is. */
  readonly #open: Set<number> = new Set()
  /** Wall-clock time when a partition was last found equal with all other owners. */
  readonly #equalMs: Map<number, number> = new Map()
  #timer: Timer | undefined
  #rounds = 0
  #progress = 1
  #isClosed = false

  constructor(options: AntiEntropyDriverOptions) {
    this.#options = options
    const { clock, bytesPerSecondMax } = options
    this.#pauses = new Pauses(clock)
    this.#throttle = new Throttle(clock, bytesPerSecondMax, options)
    const parts = { ...options, throttle: this.#throttle, counts: this.#counts }
    this.#answers = new ComparisonAnswers(parts)
    this.#comparison = new Comparison({
      ...parts,
      pauses: this.#pauses,
      isInForce: (ring) => this.#isInForce(ring),
    })
  }

  /** Begins with the rounds. Peers are answered in any case. */
  start(): void {
    if (this.#options.enabled) this.#startAfter(this.#options.intervalMs)
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#pauses.close()
    this.#throttle.close()
    this.#options.trees.close()
  }

  /** Answers another owner. @throws {ProtocolError} by rejection */
  answer(from: string, tuple: readonly unknown[]): Promise<readonly unknown[]> {
    this.#configure()
    return this.#answers.answer(from, tuple)
  }

  /** Unix time in milliseconds when this node last found the partition equal with all other owners; 0 for never. */
  comparedAtMs(partition: number): number {
    return this.#equalMs.get(partition) ?? 0
  }

  stats(): AntiEntropyStats {
    const ring = this.#options.ring()
    const own = ring === undefined ? [] : this.#shared(ring)
    const comparedAtMs = own.reduce(
      (least, each) => Math.min(least, this.comparedAtMs(each)),
      Infinity,
    )
    return {
      ...this.#counts,
      rounds: this.#rounds,
      progress: this.#progress,
      comparedAtMs: comparedAtMs === Infinity ? 0 : comparedAtMs,
    }
  }

  #startAfter(delayMs: number): void {
    if (this.#isClosed) return
    const { clock, intervalMs } = this.#options
    this.#timer = clock.after(delayMs, () => {
      const beganMs = clock.monotonicMs()
      this.#round()
        .catch((error: unknown) => this.#options.failed(error as Error))
        .finally(() => {
          this.#progress = 1
          this.#startAfter(Math.max(0, intervalMs - (clock.monotonicMs() - beganMs)))
        })
    })
  }

  #configure(): void {
    const ring = this.#options.ring()
    if (ring === undefined) return
    const key = Number.parseInt(this.#options.cluster().slice(0, 8), 16)
    this.#options.trees.configure({ partitions: ring.partitions, key: key || 0 })
  }

  #isInForce(ring: Ring): boolean {
    const isSame = this.#options.ring()?.epoch === ring.epoch
    return isSame && !this.#isClosed && !this.#options.isRecovering()
  }

  async #round(): Promise<void> {
    const ring = this.#options.ring()
    if (ring === undefined || !this.#isInForce(ring)) return
    this.#configure()
    this.#forget(ring)
    const due = this.#due(ring)
    for (let i = 0; i < due.length && this.#isInForce(ring); i += batchLength) {
      this.#progress = i / due.length
      await this.#compare(ring, due.slice(i, i + batchLength))
    }
    this.#rounds += 1
  }

  /** What is not this node's any more is none of its business. */
  #forget(ring: Ring): void {
    const { selfId, trees } = this.#options
    const isOwn = (partition: number): boolean => ring.ownsPartition(selfId, partition)
    trees.keepOnly(isOwn)
    for (const partition of this.#equalMs.keys()) {
      if (!isOwn(partition)) this.#equalMs.delete(partition)
    }
  }

  /** Partitions that this node shares with others; those whose owners change are a matter of the handoff. */
  #shared(ring: Ring): readonly number[] {
    const { selfId } = this.#options
    return Array.from({ length: ring.partitions }, (_, partition) => partition).filter(
      (partition) =>
        ring.n > 1 && ring.ownsPartition(selfId, partition) && !ring.changesOwners(partition),
    )
  }

  /** What is compared in this round, the most urgent first. */
  #due(ring: Ring): readonly number[] {
    const { selfId, hints } = this.#options
    const marked = new Set(
      hints.targets
        .filter((id) => this.#options.isReachable(id))
        .flatMap((id) => hints.dirtyPartitions(id)),
    )
    const isTurn = (partition: number): boolean =>
      (this.#rounds + ring.owners(partition).indexOf(selfId)) % ring.n === 0
    const urgency = (partition: number): number => {
      if (marked.has(partition)) return 0
      return this.#open.has(partition) ? 1 : 2
    }
    const due = this.#shared(ring).filter((each) => urgency(each) < 2 || isTurn(each))
    this.#open.clear()
    return due.toSorted((one, other) => urgency(one) - urgency(other))
  }

  async #compare(ring: Ring, partitions: readonly number[]): Promise<void> {
    const nowMs = this.#options.clock.wallMs()
    const findings = await this.#comparison.compare(ring, partitions)
    for (const [partition, finding] of findings) {
      if (finding === 'equal') this.#equalMs.set(partition, nowMs)
      if (finding === 'differing') this.#open.add(partition)
    }
  }
}
