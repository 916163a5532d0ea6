/**
 * The one place of the simulator that touches the real event loop.
 *
 * Between two simulated events every promise reaction must have run, else the order of events would
 * depend on how deep a chain of `await`s happens to be. Node empties the microtask queue completely
 * before it runs the next immediate, and microtasks run in the order in which they were queued, so
 * an immediate is a barrier that is deterministic whatever the depth. (Counting a fixed number of
 * awaits is faster and silently wrong beyond it.)
 *
 * Node tells of rejections that nobody handles at the same point: after the microtasks, before the
 * next immediate. So the simulation whose event ran last is the one that they come from, also when
 * several run in one process.
 */

/** One simulation's turns on the event loop, while it runs. */
export class Turns {
  readonly #onRejection: (reason: unknown) => void

  /** @param onRejection told of each rejection in this simulation that nobody handled. */
  constructor(onRejection: (reason: unknown) => void) {
    this.#onRejection = onRejection
    if (open.size === 0) process.on('unhandledRejection', rejected)
    open.add(this)
    running = this
  }

  /** Resolves when all microtasks, also those that they queue in turn, have run. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(() => {
        running = this
        resolve()
      })
    })
  }

  /** The simulation runs no more events. */
  close(): void {
    open.delete(this)
    if (open.size === 0) process.off('unhandledRejection', rejected)
  }

  /** Not for users: hands over a rejection. */
  reject(reason: unknown): void {
    this.#onRejection(reason)
  }
}

const open = new Set<Turns>()
let running: Turns | undefined

/** One that belongs to no open simulation still fails one: listening keeps it from ending the process. */
function rejected(reason: unknown): void {
  const [first] = open
  const culprit = running !== undefined && open.has(running) ? running : first
  culprit?.reject(reason)
}
