/**
 * The pages of a scan, coordinated by this node. The way of a page in one place:
 *
 * 1. A run of partitions is chosen, and R owners for each: this node first. One call to each of these owners covers all
 *    that it is asked for. Of each partition one owner tells records whole, if they are wanted; the others heads.
 * 2. All that R owners have told is merged. A page ends where the first of them ended.
 * 3. An owner that fails, lags, or is being filled is replaced; while none can be, all are asked again until the
 *    deadline. Under another epoch everything is asked anew: partitions are numbered alike in all rings of a cluster,
 *    so the position stays what it is.
 *
 * Keys on which the owners differ are left to a read of the key, with its repair.
 */
import {
  ClosedError,
  ConflictPolicyError,
  OverloadedError,
  ProtocolError,
  TimeoutError,
  UnavailableError,
  type StoreError,
} from '../base/errors.ts'
import {
  readPageTuple,
  scanBytesMax,
  scanPartitionsMax,
  scanTuple,
  type ScannedRange,
  type ScanPage,
  type ScanRequest,
} from '../replica/scan-page.ts'
import type { ScanPages } from '../replica/scan-pages.ts'
import type { Ring } from '../ring/ring.ts'
import { isFailure, request } from '../rpc/request.ts'
import type { RecordKind } from '../versions/sibling-set.ts'
import { asStoreError, reachableReplicas } from './availability.ts'
import type { Coordination } from './coordination.ts'
import { mergeScan, type ScanBatch, type ScanPosition } from './scan-merge.ts'
import { planScan, type ScanAsk, type ScanPlan } from './scan-plan.ts'

/** What is listed, every option settled. */
export interface ScanQuery {
  readonly bucket: string
  readonly kind: RecordKind
  /** What the storage keys begin with: bucket, NUL and the prefix of the keys; a byte string. */
  readonly prefix: string
  /** Whether records are wanted whole; else their heads do. */
  readonly isWhole: boolean
  /** R. */
  readonly needed: number
  /** For each page. */
  readonly timeoutMs: number
}

/** What a page should have, in bytes, over all partitions from one owner. */
const pageBytes = 256 * 1024
/** An owner is asked for no less, however few of the partitions are its own. */
const askBytesMin = 16 * 1024
/** Partitions of the first round; the next ones follow what was found. */
const firstWindow = 16
/** A page with fewer keys was cheap: the next one covers more partitions. */
const fewKeys = 1000
/** An owner that does not answer in this time is replaced, if it can be; then others get twice as long. */
const firstPatienceMs = 500
/** Between rounds that lead nowhere. */
const pauseMs = 50
/** An owner that failed is asked last for so long. */
const doubtMs = 2_000

type Answer = ScanPage | { readonly failure: StoreError } | 'other epoch'

/** Reads the pages of one scan. */
export class ScanReader {
  readonly #node: Coordination
  readonly #pages: ScanPages
  readonly #query: ScanQuery
  #window = firstWindow
  /** Until when each owner that failed is asked last, monotonic. */
  readonly #doubts: Map<string, number> = new Map()
  readonly #assertOpen: () => void
  #isStopped = false

  /** @param assertOpen throws once the node is closed */
  constructor(node: Coordination, pages: ScanPages, query: ScanQuery, assertOpen: () => void) {
    this.#node = node
    this.#pages = pages
    this.#query = query
    this.#assertOpen = assertOpen
  }

  /** Nobody waits for a page any more: one that is under way ends with its round. */
  stop(): void {
    this.#isStopped = true
  }

  /**
   * The next page, perhaps without any key.
   * @throws {UnavailableError} by rejection, as all of these: fewer than R owners of a partition can be reached.
   * @throws {TimeoutError} fewer than R answered in time.
   * @throws {OverloadedError} they have too much to do.
   * @throws {ClosedError} this node is closed.
   */
  async page(from: ScanPosition): Promise<ScanBatch> {
    const deadlineMs = this.#node.clock.monotonicMs() + this.#query.timeoutMs
    /** Owners that failed in this page, and why. */
    const failed = new Map<string, StoreError>()
    for (let patienceMs = firstPatienceMs; ; patienceMs *= 2) {
      if (this.#isStopped) throw new ClosedError('the scan was let go')
      this.#assertOpen()
      const leftMs = deadlineMs - this.#node.clock.monotonicMs()
      const ring = this.#node.ring()
      const plan = this.#plan(ring, from, failed)
      const isHopeless = leftMs <= 0 || this.#reachable(ring, from) < this.#needed(ring)
      if (isHopeless) throw this.#failure(ring, from, failed)
      if (typeof plan === 'number') {
        failed.clear()
        await this.#pause(Math.min(leftMs, pauseMs))
        continue
      }
      const answers = await this.#ask(ring, plan, from, Math.min(leftMs, patienceMs))
      if (answers.includes('other epoch')) {
        if (this.#node.ring().epoch === ring.epoch) await this.#pause(pauseMs)
        continue
      }
      const pages = plan.asks.map((ask, i) => this.#judge(ask, answers[i]!, failed))
      if (pages.includes(undefined)) continue
      return this.#merged(from, plan, pages as ScanPage[])
    }
  }

  #plan(
    ring: Ring,
    { partition }: ScanPosition,
    failed: ReadonlyMap<string, StoreError>,
  ): ScanPlan | number {
    const node = this.#node
    const { isWhole } = this.#query
    const nowMs = node.clock.monotonicMs()
    const rank = (owner: string, of: number): number => {
      if (failed.has(owner)) return -1
      if (owner === node.selfId) return this.#mayTell(ring, of) ? 0 : -1
      if (!node.isReachable(owner)) return -1
      return (this.#doubts.get(owner) ?? 0) > nowMs ? 2 : 1
    }
    const aim = { firstPartition: partition, partitionsMax: this.#window, isWhole }
    return planScan(ring, { ...aim, needed: this.#needed(ring) }, rank)
  }

  #needed(ring: Ring): number {
    return Math.min(this.#query.needed, ring.n)
  }

  /** How many owners of the partition are thought to answer. */
  #reachable(ring: Ring, { partition }: ScanPosition): number {
    return reachableReplicas(this.#node, ring, {
      partition,
      needed: this.#needed(ring),
      sloppy: false,
    })
  }

  /** Whether what this node has of the partition counts. */
  #mayTell(ring: Ring, partition: number): boolean {
    const { selfId } = this.#node
    const lack = this.#node.lackOf(partition)
    return lack === undefined || (lack === 'gaining' && !ring.owners(partition).includes(selfId))
  }

  #failure(ring: Ring, from: ScanPosition, failed: ReadonlyMap<string, StoreError>): StoreError {
    const { bucket, timeoutMs } = this.#query
    const causes = [...failed.values()]
    const overloaded = causes.find((cause) => cause instanceof OverloadedError)
    if (overloaded !== undefined) return overloaded
    const needed = this.#needed(ring)
    const alive = this.#reachable(ring, from)
    const late = causes.find((cause) => cause instanceof TimeoutError)
    if (alive >= needed && late !== undefined) {
      const message = `fewer than ${needed} owners answered a scan of "${bucket}" within ${timeoutMs} ms`
      return new TimeoutError(message, { afterMs: timeoutMs, cause: late })
    }
    return new UnavailableError(
      `a scan of "${bucket}" needs ${needed} owners of partition ${from.partition}, ` +
        `${Math.min(alive, needed - 1)} can be reached and have their data: go on from its cursor later`,
      { needed, alive: Math.min(alive, needed - 1), cause: causes.at(-1) },
    )
  }

  #ask(
    ring: Ring,
    { asks, partitions }: ScanPlan,
    from: ScanPosition,
    timeoutMs: number,
  ): Promise<Answer[]> {
    const { bucket, kind, prefix } = this.#query
    return Promise.all(
      asks.map((ask) => {
        const share = Math.ceil((pageBytes * ask.partitions.length) / partitions)
        const bytesMax = Math.min(scanBytesMax, Math.max(askBytesMin, share))
        const after = ask.partitions[0] === from.partition ? from.after : undefined
        const { owner, partitions: asked, whole } = ask
        const question = { epoch: ring.epoch, bucket, kind, prefix, after, bytesMax }
        return this.#askOne(owner, { ...question, partitions: asked, whole }, timeoutMs)
      }),
    )
  }

  async #askOne(owner: string, question: ScanRequest, timeoutMs: number): Promise<Answer> {
    const node = this.#node
    if (owner === node.selfId) return this.#askSelf(question)
    const wait = { clock: node.clock, timeoutMs, epoch: question.epoch }
    const outcome = await request(node.data(owner), scanTuple(question), wait)
    if (isFailure(outcome)) return { failure: outcome.error }
    if (outcome[0] === 'epoch') {
      const [, body] = outcome
      if (!(body instanceof Uint8Array)) return senseless(owner)
      node.otherEpoch(owner, { bytes: body, start: 0, end: body.length })
      return 'other epoch'
    }
    return readPageTuple(outcome, question) ?? senseless(owner)
  }

  async #askSelf(question: ScanRequest): Promise<Answer> {
    // A scan whose owners are all here would else never wait for anything, and nobody else would get a turn.
    await this.#pause(0)
    return this.#pages.page(question).catch((error: unknown) => ({ failure: asStoreError(error) }))
  }

  /** The page of an owner that counts; undefined when another one has to be asked. @throws {ConflictPolicyError} */
  #judge(
    { owner }: ScanAsk,
    answer: Answer,
    failed: Map<string, StoreError>,
  ): ScanPage | undefined {
    if (answer === 'other epoch') return undefined
    if ('ranges' in answer && !answer.isRecovering) return answer
    const failure =
      'failure' in answer
        ? answer.failure
        : new UnavailableError(`"${owner}" is being filled`, { needed: 1, alive: 0 })
    if (failure instanceof ConflictPolicyError) throw failure
    failed.set(owner, failure)
    this.#doubts.set(owner, this.#node.clock.monotonicMs() + doubtMs)
    return undefined
  }

  #merged(
    from: ScanPosition,
    { asks, partitions }: ScanPlan,
    pages: readonly ScanPage[],
  ): ScanBatch {
    const answers: (ScannedRange | undefined)[][] = Array.from({ length: partitions }, () => [])
    asks.forEach((ask, asked) => {
      const { ranges } = pages[asked]!
      ask.partitions.forEach((partition, i) => answers[partition - from.partition]!.push(ranges[i]))
    })
    const batch = mergeScan(from, answers)
    const covered = batch.next.partition - from.partition
    if (covered < partitions) this.#window = Math.max(1, covered)
    else if (batch.keys.length < fewKeys) {
      this.#window = Math.min(scanPartitionsMax, this.#window * 2)
    }
    return batch
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#node.clock.after(Math.max(0, ms), resolve)
    })
  }
}

function senseless(owner: string): Answer {
  return { failure: new ProtocolError(`"${owner}" gave no sensible page`) }
}
