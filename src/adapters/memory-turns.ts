/**
 * Runs tasks in later turns, in their order: all that were given in one turn run together in the next. Most turns
 * follow at once (`process.nextTick`), so that a request within the process takes microseconds; but every so often
 * one waits for the event loop, or two nodes busy with each other would keep timers and sockets from ever running.
 */

/** So many turns follow each other at once before the event loop is let in. */
const TURNS_IN_A_ROW_MAX = 16

/** Deliveries that wait for their turn, all of one turn together. */
export class MemoryTurns {
  #tasks: (() => void)[] = []
  #isScheduled = false
  #turnsInARow = 0
  readonly #onTick: () => void = () => this.#run()
  readonly #onLoop: () => void = () => {
    this.#turnsInARow = 0
    this.#run()
  }

  later(task: () => void): void {
    this.#tasks.push(task)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    if (++this.#turnsInARow < TURNS_IN_A_ROW_MAX) process.nextTick(this.#onTick)
    else setImmediate(this.#onLoop)
  }

  #run(): void {
    const tasks = this.#tasks
    this.#tasks = []
    this.#isScheduled = false
    let done = 0
    try {
      while (done < tasks.length) tasks[done++]!()
    } finally {
      // Only after an exception: it goes on its way up, and the tasks behind it are not lost.
      if (done < tasks.length) {
        this.#tasks = [...tasks.slice(done), ...this.#tasks]
        this.#schedule()
      }
    }
  }
}
