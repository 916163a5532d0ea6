/** Waiting with an end: the caller lets go, what was waited for goes on to its own end. */
import type { Clock } from '../ports/clock.ts'

/**
 * The promise, or the signal's reason as soon as it aborts, as `fetch` does. A signal is listened to only when there
 * is one: `AbortSignal.any` and `AbortSignal.timeout` cost 31 µs each.
 */
export function withSignal<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.finally(() => signal.removeEventListener('abort', abort)).then(resolve, reject)
  })
}

/**
 * How many of `timeoutMs` milliseconds are left when the promise resolves; 0 as soon as they are over. Rejects with the
 * promise.
 */
export function timeLeft(promise: Promise<void>, clock: Clock, timeoutMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const startedMs = clock.monotonicMs()
    const timer = clock.after(timeoutMs, () => resolve(0))
    promise
      .then(
        () => resolve(Math.max(0, timeoutMs - (clock.monotonicMs() - startedMs))),
        (error: unknown) => reject(error as Error),
      )
      .finally(() => timer.cancel())
  })
}

const settled = Promise.resolve()

/**
 * As a rejection: a method that returns a promise never throws. It comes a microtask later, when the caller listens:
 * for one to which nobody listens yet Node keeps books, which costs as much as all the rest of a refusal.
 */
export function rejected(error: unknown): Promise<never> {
  return settled.then(() => {
    throw error
  })
}
