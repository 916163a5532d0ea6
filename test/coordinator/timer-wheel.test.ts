/** Deadlines: in time for any of them, and no tick for nothing. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Deadline, TimerWheel } from '../../src/coordinator/timer-wheel.ts'
import type { Clock, Timer } from '../../src/ports/clock.ts'
import { HandClock } from '../rpc/kit.ts'

/** Two ticks of the wheel. */
const lateMaxMs = 20

class Noting extends Deadline {
  readonly setMs: number
  readonly #clock: Clock
  passedMs: number[] = []

  constructor(clock: Clock) {
    super()
    this.#clock = clock
    this.setMs = clock.monotonicMs()
  }

  expire(): void {
    this.passedMs.push(this.#clock.monotonicMs())
  }
}

/** Counts the timers that fire. */
class CountingClock extends HandClock {
  fired = 0

  override after(delayMs: number, callback: () => void): Timer {
    return super.after(delayMs, () => {
      this.fired += 1
      callback()
    })
  }
}

const steps = fc.array(
  fc.record({
    waitMs: fc.oneof(fc.nat(30), fc.nat(4000)),
    afterMs: fc.oneof(fc.nat(100), fc.nat(9000)),
    isCancelled: fc.boolean(),
  }),
  { maxLength: 30 },
)

describe('a timer wheel', () => {
  test('lets each deadline pass once, never early and at most two ticks late', () => {
    fc.assert(
      fc.property(steps, (script) => {
        const clock = new HandClock()
        const wheel = new TimerWheel(clock)
        const set = script.map(({ waitMs, afterMs, isCancelled }) => {
          clock.pass(waitMs)
          const entry = new Noting(clock)
          wheel.set(entry, afterMs)
          return { entry, afterMs, isCancelled }
        })
        for (const { entry, isCancelled } of set) if (isCancelled) wheel.cancel(entry)
        clock.pass(10_000)
        expect(wheel.size).toBe(0)
        for (const { entry, afterMs, isCancelled } of set) {
          const [passedMs, ...again] = entry.passedMs
          expect(again).toEqual([])
          if (passedMs === undefined) expect(isCancelled).toBe(true)
          else {
            expect(passedMs - entry.setMs).toBeGreaterThanOrEqual(afterMs)
            expect(passedMs - entry.setMs).toBeLessThanOrEqual(afterMs + lateMaxMs)
          }
        }
      }),
    )
  })

  test('does not tick while it waits for a deadline that is far away', () => {
    const clock = new CountingClock()
    const wheel = new TimerWheel(clock)
    const far = new Noting(clock)
    wheel.set(far, 5000)
    clock.pass(4000)
    expect(far.passedMs).toEqual([])
    expect(clock.fired).toBeLessThanOrEqual(3)
    const near = new Noting(clock)
    wheel.set(near, 30)
    clock.pass(50)
    expect(near.passedMs).toHaveLength(1)
    clock.pass(1000)
    expect(far.passedMs).toHaveLength(1)
    expect(clock.fired).toBeLessThanOrEqual(7)
  })

  test('stands still when no deadline is set', () => {
    const clock = new CountingClock()
    const wheel = new TimerWheel(clock)
    const entry = new Noting(clock)
    wheel.set(entry, 3000)
    clock.pass(100)
    wheel.cancel(entry)
    clock.pass(10_000)
    const { fired } = clock
    clock.pass(10_000)
    expect(clock.fired).toBe(fired)
  })
})
