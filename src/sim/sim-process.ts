/**
 * One run of a node's code, from its start to its end: whatever reaches that code from outside
 * (timers, frames, the answers of the disk) comes through here. So a paused process holds it all
 * back, in order, until it goes on, and a dead one never hears of it.
 */

import type { Clock, Timer } from '../ports/clock.ts'
import type { ScheduledEvent } from './event-queue.ts'
import { FaultCounts } from './faults.ts'
import { SimWallClock } from './sim-wall-clock.ts'
import type { Trace } from './trace.ts'
import type { VirtualClock } from './virtual-clock.ts'

/**
 * The shortest timer. More than nothing, so that code which sets a timer of 0 ms again and again
 * lets time pass.
 */
const TIMER_MIN_MS = 1 / 1024

/**
 * `paused` turns into `running` again. `cut`: dead to the world, but its timers go on, so that
 * whatever somebody still awaits of its code can end. `dead`: nothing of it runs any more.
 */
export type ProcessState = 'running' | 'paused' | 'cut' | 'dead'

/** What a process is made of. */
export interface SimProcessOptions {
  /** The node's name. */
  readonly name: string
  readonly clock: VirtualClock
  readonly trace: Trace
  readonly faults?: FaultCounts
  /** The machine's. @default one that is right */
  readonly wall?: SimWallClock
  /**
   * What the monotonic clock shows at virtual time 0, a whole number: different for each process,
   * as in reality.
   */
  readonly originMs?: number
}

/** What waits until the process goes on; its own timer, or something from outside. */
interface Held {
  readonly isOwn: boolean
  run(): void
}

/** Invariant: things reach the code in the order in which they came to the process. */
export class SimProcess {
  readonly name: string
  /** Time as the node's code sees it. After the end its timers do nothing. */
  readonly clock: Clock
  readonly #clock: VirtualClock
  readonly #trace: Trace
  readonly #faults: FaultCounts
  #state: ProcessState = 'running'
  readonly #scheduled = new Set<ScheduledEvent>()
  /** What arrived while the process was paused and has not been handed over yet, oldest first. */
  #held: Held[] = []
  /** Whether something had to wait in this pause. */
  #isLate = false
  #isDraining = false

  constructor(options: SimProcessOptions) {
    this.name = options.name
    this.#clock = options.clock
    this.#trace = options.trace
    this.#faults = options.faults ?? new FaultCounts()
    const { originMs = 0, wall = new SimWallClock(this.#clock, this.#faults) } = options
    this.clock = {
      monotonicMs: () => originMs + this.#clock.nowMs,
      wallMs: () => wall.readMs(),
      after: (delayMs, callback) => this.#timer(delayMs, callback),
    }
  }

  get state(): ProcessState {
    return this.#state
  }

  /** Whether it is a part of the world: not cut, not dead. */
  get isAlive(): boolean {
    return this.#state === 'running' || this.#state === 'paused'
  }

  /** How many timers and other events wait for this process. 0 after a clean end. */
  get pending(): number {
    return this.#scheduled.size + this.#held.length
  }

  /**
   * Hands something to the process after a delay: at that time, or when it goes on, or never if it
   * is dead.
   */
  after(delayMs: number, run: () => void): Timer {
    const timer = new ProcessTimer(this.#scheduled)
    this.#schedule(timer, delayMs, run)
    return timer
  }

  /**
   * Hands over something that comes from outside the process, now. Must be called from an event of
   * the virtual clock, never by node code.
   */
  hand(run: () => void): void {
    if (this.isAlive) this.#receive(run, false)
  }

  pause(): void {
    if (this.#state !== 'running') return
    this.#state = 'paused'
    this.#isLate = false
  }

  resume(): void {
    if (this.#state !== 'paused') return
    this.#state = 'running'
    this.#drain()
  }

  /** The end of it for the rest of the world: nothing from outside reaches the process any more. */
  cut(): void {
    if (!this.isAlive) return
    this.#state = 'cut'
    // Its own timers that fell due in a pause still fire: what a scenario awaits of it must end.
    this.#held = this.#held.filter(({ isOwn }) => isOwn)
    this.#drain()
  }

  /** The end, at once: not even its timers fire. Idempotent. */
  kill(): void {
    this.#state = 'dead'
    for (const event of this.#scheduled) event.cancel()
    this.#scheduled.clear()
    this.#held = []
  }

  #schedule(timer: ProcessTimer, delayMs: number, run: () => void): void {
    if (this.#state === 'dead') return
    const event = this.#clock.after(delayMs, () => {
      this.#scheduled.delete(event)
      this.#receive(run, true)
    })
    timer.event = event
    this.#scheduled.add(event)
  }

  #receive(run: () => void, isOwn: boolean): void {
    if (this.#state === 'dead') return
    // What is held comes first, also while it is being handed over, else frames would overtake each
    // other.
    if (this.#state === 'paused' || this.#held.length > 0) this.#hold({ run, isOwn })
    else run()
  }

  #hold(held: Held): void {
    this.#held.push(held)
    if (this.#isLate) return
    this.#isLate = true
    this.#faults.add('pause')
  }

  /** One held thing for each event, so that microtasks run in between as they do otherwise. */
  #drain(): void {
    if (this.#isDraining || this.#held.length === 0) return
    this.#isDraining = true
    this.#clock.after(0, () => {
      this.#isDraining = false
      if (this.#state !== 'running' && this.#state !== 'cut') return
      this.#held.shift()?.run()
      this.#drain()
    })
  }

  #timer(delayMs: number, callback: () => void): Timer {
    const timer = new ProcessTimer(this.#scheduled)
    this.#schedule(timer, Math.max(delayMs, TIMER_MIN_MS), () => {
      if (timer.isCancelled) return
      if (this.isAlive) this.#trace.note(this.name, 'timer')
      callback()
    })
    return timer
  }
}

/** What a process can cancel. Most events of a simulation are timers, so this is made of little. */
class ProcessTimer implements Timer {
  /** Undefined for one that a dead process set. */
  event: ScheduledEvent | undefined
  isCancelled = false
  readonly #scheduled: Set<ScheduledEvent>

  constructor(scheduled: Set<ScheduledEvent>) {
    this.#scheduled = scheduled
  }

  cancel(): void {
    this.isCancelled = true
    if (this.event === undefined) return
    this.#scheduled.delete(this.event)
    this.event.cancel()
  }
}
