/** Who waits for an operation: the promise that the operation keeps or breaks, once. */

/** What keeps or breaks a promise; filled in when the promise is made. */
export interface Settler<T> {
  resolve(result: T | Promise<T>): void
  reject(error: unknown): void
}

/** Whose promise is being made: one function for all of them, instead of a closure for each. */
let unborn: Settler<unknown>
const adopt = (resolve: (result: unknown) => void, reject: (error: unknown) => void): void => {
  unborn.resolve = resolve
  unborn.reject = reject
}

/** A promise that `settler` keeps or breaks from now on. */
export function promiseOf<T>(settler: Settler<T>): Promise<T> {
  unborn = settler
  return new Promise(adopt) as Promise<T>
}

/** A caller of its own, for operations that are not born with one. */
export class Caller<T> implements Settler<T> {
  resolve!: (result: T | Promise<T>) => void
  reject!: (error: unknown) => void
  readonly promise: Promise<T> = promiseOf(this)
}
