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

/** Told of a rejection that nobody handled. */
type OnRejection = (reason: unknown) => void

/** The simulations that run in this process, and whose turn it was last. */
const open = new Set<OnRejection>()
let running: OnRejection | undefined

/** One simulation's turns on the event loop, while it runs. */
export class Turns {
  readonly #onRejection: OnRejection

  constructor(onRejection: OnRejection) {
    this.#onRejection = onRejection
    if (open.size === 0) process.on('unhandledRejection', rejected)
    open.add(onRejection)
    running = onRejection
  }

  /** Resolves when all microtasks, also those that they queue in turn, have run. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(() => {
        running = this.#onRejection
        resolve()
      })
    })
  }

  /** The simulation runs no more events. */
  close(): void {
    open.delete(this.#onRejection)
    if (open.size === 0) process.off('unhandledRejection', rejected)
  }
}

/** One of no open simulation fails another one: being heard, it does not end the process any more. */
function rejected(reason: unknown): void {
  const [first] = open
  const culprit = running !== undefined && open.has(running) ? running : first
  culprit?.(reason)
}
