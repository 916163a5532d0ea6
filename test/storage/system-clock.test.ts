/** Timers of any length over timers that count whole milliseconds and no further than 2³¹ − 1. */

import { describe, expect, test } from 'vitest'
import { startTimer, systemClock, type TimerFunctions } from '../../src/adapters/system-clock.ts'

const DAY_MS = 24 * 60 * 60 * 1000

/** Behaves as Node does: a delay is cut to whole milliseconds, and one over 2³¹ − 1 becomes 1. */
class NodeTimers implements TimerFunctions {
  nowMs = 0.25
  readonly delays: number[] = []
  #pending: { dueMs: number; callback: () => void } | undefined

  monotonicMs(): number {
    return this.nowMs
  }

  set(callback: () => void, delayMs: number): unknown {
    this.delays.push(delayMs)
    const obeyedMs = delayMs > 2 ** 31 - 1 || delayMs < 1 ? 1 : Math.trunc(delayMs)
    this.#pending = { dueMs: this.nowMs + obeyedMs, callback }
    return this.#pending
  }

  clear(handle: unknown): void {
    if (this.#pending === handle) this.#pending = undefined
  }

  /** Runs the timer that is set, `earlyMs` before its time. False when there is none. */
  fire(earlyMs = 0): boolean {
    const fired = this.#pending
    if (!fired) return false
    this.#pending = undefined
    this.nowMs = fired.dueMs - earlyMs
    fired.callback()
    return true
  }
}

describe('startTimer', () => {
  test.each([
    { days: 1, waits: 1 },
    { days: 24, waits: 1 },
    { days: 25, waits: 2 },
    { days: 60, waits: 3 },
    { days: 365, waits: 15 },
  ])('fires after $days days, in $waits waits', ({ days, waits }) => {
    const timers = new NodeTimers()
    const firedMs: number[] = []
    startTimer(timers, days * DAY_MS, () => firedMs.push(timers.nowMs))
    while (timers.fire());
    expect(firedMs).toEqual([days * DAY_MS + 0.25])
    expect(timers.delays).toHaveLength(waits)
  })

  test.each([0, 0.1, 1, 1.5, 999.999])('never fires before %d ms have passed', (delayMs) => {
    const timers = new NodeTimers()
    let firedMs: number | undefined
    startTimer(timers, delayMs, () => (firedMs = timers.nowMs))
    timers.fire(0.9)
    while (timers.fire());
    expect(firedMs).toBeGreaterThanOrEqual(0.25 + delayMs)
  })

  test('is not called when cancelled, in its second wait either', () => {
    const timers = new NodeTimers()
    let calls = 0
    const timer = startTimer(timers, 60 * DAY_MS, () => calls++)
    timers.fire()
    timer.cancel()
    timer.cancel()
    expect(timers.fire()).toBe(false)
    expect(calls).toBe(0)
  })

  test('is called once', () => {
    const timers = new NodeTimers()
    let calls = 0
    startTimer(timers, 5, () => calls++)
    while (timers.fire());
    expect(calls).toBe(1)
  })
})

describe('systemClock', () => {
  test('calls later, never at once', async () => {
    const clock = systemClock()
    const startMs = clock.monotonicMs()
    let called = false
    const done = new Promise<void>((resolve) => {
      clock.after(0, () => {
        called = true
        resolve()
      })
    })
    expect(called).toBe(false)
    await done
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(startMs)
  })

  test('tells the time since the epoch', () => {
    expect(Math.abs(systemClock().wallMs() - Date.now())).toBeLessThan(1000)
  })
})
