/**
 * The one place of the simulator that touches the real event loop.
 *
 * Between two simulated events every promise reaction must have run, else the order of events would
 * depend on how deep a chain of `await`s happens to be. Node empties the microtask queue completely
 * before it runs the next immediate, and microtasks run in the order in which they were queued, so
 * an immediate is a barrier that is deterministic whatever the depth. (Counting a fixed number of
 * awaits is faster and silently wrong beyond it.) That holds for two immediates of one round of the
 * event loop as well, and a round costs more than most events: so each round takes many turns.
 *
 * Node tells of rejections that nobody handles at the same point: after the microtasks, before the
 * next immediate. So the simulation whose event ran last is the one that they come from, also when
 * several run in one process.
 */

/**
 * Most turns in one round of the event loop: so long does whatever is real wait, sockets and
 * timers. The first rounds have fewer, because most of the short runs take a turn or two.
 */
const ROUND_MAX = 64

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

  /**
   * Takes one step after the other until one returns something, which is the outcome, or throws.
   * Before each one all microtasks, also those that they queue in turn, have run.
   */
  async take<T>(step: () => T | undefined): Promise<T> {
    const outcome = await new Promise<() => T>((resolve) => {
      let isOver = false
      const turn = (): void => {
        if (isOver) return
        running = this.#onRejection
        const ending = ended(step)
        if (ending === undefined) return
        isOver = true
        resolve(ending)
      }
      const round = (turns: number): void => {
        if (isOver) return
        for (let i = 0; i < turns; i++) setImmediate(turn)
        setImmediate(round, Math.min(2 * turns, ROUND_MAX))
      }
      round(1)
    })
    return outcome()
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

/** Takes a step; if it was the last one, what returns or throws as it did. */
function ended<T>(step: () => T | undefined): (() => T) | undefined {
  try {
    const outcome = step()
    return outcome === undefined ? undefined : () => outcome
  } catch (error) {
    return () => {
      throw error
    }
  }
}
