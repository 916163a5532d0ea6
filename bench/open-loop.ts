/**
 * An open loop: operations are due at fixed moments, whatever became of those before. A latency counts from the moment
 * at which its operation was due, not from when it was begun: a store that stands still for a while makes all late that
 * were due meanwhile, and none is left out (no coordinated omission).
 *
 * The loop wakes each millisecond and begins what became due, so that up to a millisecond of each latency is its own.
 * One that looks at the clock without a pause is more exact, and takes a whole processor at any load from those that it
 * measures.
 */
import { Histogram } from './histogram.ts'
import { quantilesOf, type Measured, type Workload } from './workload.ts'

/** Most operations that are due and not done. More than the library lets in: it refuses before this loop gives up. */
const pendingMax = 100_000
/** Most bytes of the values of those. */
const pendingBytesMax = 256 * 2 ** 20

/** Begun at once, before what has arrived meanwhile is read: a server, too, takes some of its requests at a time. */
const burstMax = 256

/** What is due. */
export interface OpenLoopOptions {
  readonly ratePerSecond: number
  readonly seconds: number
  /** Ends the loop earlier, as soon as it holds. */
  readonly isOver?: () => boolean
  /** What is not begun so long after it was due is refused by the loop itself, which else gives up some time. */
  readonly patienceMs?: number
  /** Told of each operation. @param dueMs since the beginning */
  readonly onEnded?: (dueMs: number, ending: Ending, latencyMs: number) => void
}

/** How an operation ended: done, refused with `ERR_OVERLOADED`, or failed in another way that the library tells. */
export type Ending = 'succeeded' | 'refused' | 'failed'

/** How many operations due and not done make the loop end early. */
export function pendingMaxOf(valueBytes: number): number {
  return Math.max(1, Math.min(pendingMax, Math.floor(pendingBytesMax / valueBytes)))
}

/** Runs the schedule, or the part of it up to where it fell behind too far, and waits for what was begun. */
export async function runOpenLoop(workload: Workload, options: OpenLoopOptions): Promise<Measured> {
  const loop = new OpenLoop(workload, options)
  await loop.run()
  return loop.measured()
}

/** Invariant: `#begun` operations were begun, of which `#ended` have ended; both only grow. */
class OpenLoop {
  readonly #workload: Workload
  readonly #ratePerSecond: number
  readonly #isOver: () => boolean
  readonly #onEnded: OpenLoopOptions['onEnded']
  #total: number
  readonly #latenciesUs = new Histogram()
  readonly #pendingMax: number
  readonly #patienceMs: number | undefined
  #startMs = 0
  #begun = 0
  #ended = 0
  #refused = 0
  #failed = 0
  #lastSuccessMs = 0
  /** When it gave up. */
  #behindMs: number | undefined
  /** What is no fault of an overloaded store. */
  #fault: Error | undefined
  #onAllEnded: (() => void) | undefined

  constructor(workload: Workload, options: OpenLoopOptions) {
    const { ratePerSecond, seconds, isOver = () => false, onEnded } = options
    this.#isOver = isOver
    this.#onEnded = onEnded
    this.#workload = workload
    this.#ratePerSecond = ratePerSecond
    this.#total = Math.max(1, Math.round(ratePerSecond * seconds))
    this.#pendingMax = pendingMaxOf(workload.value.length)
    this.#patienceMs = options.patienceMs
  }

  async run(): Promise<void> {
    this.#startMs = performance.now()
    while (this.#begun < this.#total && this.#fault === undefined) {
      const dueCount = this.#dueCount()
      if (this.#patienceMs !== undefined) this.#refuseOlderThan(this.#patienceMs)
      else if (dueCount - this.#ended > this.#pendingMax) {
        this.#behindMs = performance.now()
        break
      }
      if (this.#isOver()) this.#total = dueCount
      const until = Math.min(dueCount, this.#begun + burstMax)
      while (this.#begun < until) void this.#operate(this.#begun++)
      await this.#untilDue()
    }
    await this.#allEnded()
    if (this.#fault !== undefined) throw this.#fault
  }

  measured(): Measured {
    const operations = this.#latenciesUs.count
    const scheduledMs = (this.#total / this.#ratePerSecond) * 1000
    const untilMs = Math.max(this.#behindMs ?? this.#startMs + scheduledMs, this.#lastSuccessMs)
    const goodputPerSecond = (operations / (untilMs - this.#startMs)) * 1000
    return {
      operations,
      opsPerSecond: goodputPerSecond,
      ...quantilesOf(this.#latenciesUs),
      offeredPerSecond: this.#ratePerSecond,
      goodputPerSecond,
      refused: this.#refused,
      failed: this.#failed,
      behind: this.#behindMs === undefined ? 0 : 1,
    }
  }

  /** Whoever waited so long for the loop alone has gone away. */
  #refuseOlderThan(ms: number): void {
    const tooLateMs = performance.now() - ms
    while (this.#begun < this.#total && this.#dueMs(this.#begun) < tooLateMs) {
      this.#count(this.#begun++, 'refused')
      this.#ended += 1
    }
  }

  #dueMs(index: number): number {
    return this.#startMs + (index / this.#ratePerSecond) * 1000
  }

  /** How many of all are due by now; the first one is due at the start. */
  #dueCount(): number {
    const elapsedMs = performance.now() - this.#startMs
    return Math.min(this.#total, Math.floor((elapsedMs / 1000) * this.#ratePerSecond) + 1)
  }

  async #operate(index: number): Promise<void> {
    const { bucket, keys, tape, value } = this.#workload
    const entry = tape[(tape.length / 2 + index) & (tape.length - 1)]!
    let ending: Ending | undefined
    try {
      if (entry < 0) await bucket.put(keys[~entry]!, value)
      else if (!(await bucket.get(keys[entry]!)).found) throw new Error(`${keys[entry]} was lost`)
      ending = 'succeeded'
    } catch (error) {
      ending = endingOf(error as Error)
      if (ending === undefined) this.#fault ??= error as Error
    }
    this.#ended += 1
    if (ending !== undefined) this.#count(index, ending)
    if (this.#ended === this.#begun) this.#onAllEnded?.()
  }

  #count(index: number, ending: Ending): void {
    const nowMs = performance.now()
    const dueMs = this.#dueMs(index)
    if (ending === 'succeeded') {
      this.#lastSuccessMs = nowMs
      this.#latenciesUs.record((nowMs - dueMs) * 1000)
    } else if (ending === 'refused') this.#refused += 1
    else this.#failed += 1
    this.#onEnded?.(dueMs - this.#startMs, ending, nowMs - dueMs)
  }

  /** Lets the event loop turn, or sleeps until something is due. */
  #untilDue(): Promise<void> {
    const aheadMs = this.#dueMs(this.#begun) - performance.now()
    return new Promise((resolve) => {
      if (aheadMs <= 0) setImmediate(resolve)
      else setTimeout(resolve, Math.max(1, aheadMs))
    })
  }

  /** Each operation ends: the store has a deadline for it. */
  #allEnded(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#ended === this.#begun) resolve()
      else this.#onAllEnded = resolve
    })
  }
}

/** Nothing for what is no fault of an overloaded store. */
function endingOf({ code }: Error & { readonly code?: string }): Ending | undefined {
  if (code === 'ERR_OVERLOADED') return 'refused'
  return code?.startsWith('ERR_') === true ? 'failed' : undefined
}
