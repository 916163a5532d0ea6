/** Who waits for an operation: the promise that the operation keeps or breaks, once. */
export class Caller<T> {
  readonly promise: Promise<T>
  resolve!: (result: T) => void
  reject!: (error: unknown) => void

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }
}
