/**
 * Decides when the queues of a transport's connections are written: once for each of them and turn of the event
 * loop. While a chunk of incoming frames is dispatched, all that its handlers send goes out together at its end;
 * anything else goes out when the current turn's code has run.
 */

/** What the flusher writes. */
export interface Flushable {
  flush(): void
}

/** Writes what connections have queued: once for each of them and turn. */
export class TcpFlusher {
  #dirty: Flushable[] = []
  #spare: Flushable[] = []
  #isDispatching = false
  #isScheduled = false
  readonly #onTick: () => void = () => {
    this.#isScheduled = false
    this.#flushAll()
  }

  /** The queue has something to write. The caller marks it once between two flushes. */
  mark(queue: Flushable): void {
    this.#dirty.push(queue)
    if (this.#isDispatching || this.#isScheduled) return
    this.#isScheduled = true
    // Runs after the promise callbacks of the current turn, so that what they send goes into the same write.
    process.nextTick(this.#onTick)
  }

  /** Runs `dispatch`, which calls handlers, and then flushes all that they have sent. */
  dispatching<T>(dispatch: (argument: T) => void, argument: T): void {
    this.#isDispatching = true
    try {
      dispatch(argument)
    } finally {
      this.#isDispatching = false
      this.#flushAll()
    }
  }

  #flushAll(): void {
    const dirty = this.#dirty
    this.#dirty = this.#spare
    for (const queue of dirty) queue.flush()
    dirty.length = 0
    this.#spare = dirty
  }
}
