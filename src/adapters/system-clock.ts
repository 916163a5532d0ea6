/** The clocks and timers of the operating system. */

import type { Clock, Timer } from '../ports/clock.ts'

/**
 * The longest delay that `setTimeout` obeys; with a longer one it fires after a millisecond
 * (https://nodejs.org/api/timers.html#settimeoutcallback-delay-args).
 */
const TIMEOUT_MS_MAX = 2 ** 31 - 1

/** The timers that a `Clock` is made of. */
export interface TimerFunctions {
  monotonicMs(): number
  set(callback: () => void, delayMs: number): unknown
  clear(handle: unknown): void
}

/** Time as the operating system tells it. */
export function systemClock(): Clock {
  return {
    monotonicMs: () => performance.now(),
    wallMs: () => Date.now(),
    after: (delayMs, callback) =>
      delayMs > 0 ? startTimer(systemTimers, delayMs, callback) : nextTurn(callback),
    watchLag,
  }
}

/**
 * Without a delay: in the next turn of the event loop, after what has arrived meanwhile was read. A timer of 0 ms would
 * be one of 1 ms, and those that are set by long callbacks run one after the other with no reading in between.
 */
function nextTurn(callback: () => void): Timer {
  const handle = setImmediate(callback)
  return { cancel: () => clearImmediate(handle) }
}

function watchLag(intervalMs: number, told: (lagMs: number) => void): Timer {
  let dueMs = performance.now() + intervalMs
  const handle = setInterval(() => {
    const now = performance.now()
    told(Math.max(0, now - dueMs))
    dueMs = now + intervalMs
  }, intervalMs)
  handle.unref()
  return { cancel: () => clearInterval(handle) }
}

const systemTimers: TimerFunctions = {
  monotonicMs: () => performance.now(),
  set: (callback, delayMs) => setTimeout(callback, delayMs),
  clear: (handle) => clearTimeout(handle as NodeJS.Timeout),
}

/**
 * Sets a timer of any length. The timers of Node count whole milliseconds, lose the fraction, and refuse more than
 * 2³¹ − 1: so each one that fires looks at the clock, and waits again for what remains.
 */
export function startTimer(timers: TimerFunctions, delayMs: number, callback: () => void): Timer {
  const dueMs = timers.monotonicMs() + delayMs
  let handle: unknown
  const wait = (remainingMs: number): void => {
    handle = timers.set(wake, Math.min(Math.ceil(remainingMs), TIMEOUT_MS_MAX))
  }
  const wake = (): void => {
    const remainingMs = dueMs - timers.monotonicMs()
    if (remainingMs > 0) wait(remainingMs)
    else callback()
  }
  wait(delayMs)
  return { cancel: () => timers.clear(handle) }
}
