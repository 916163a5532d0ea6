/**
 * The one place of the simulator that touches the real event loop.
 *
 * Between two simulated events every promise reaction must have run, else the order of events would
 * depend on how deep a chain of `await`s happens to be. Node empties the microtask queue completely
 * before it runs the next immediate, and microtasks run in the order in which they were queued, so
 * an immediate is a barrier that is deterministic whatever the depth. (Counting a fixed number of
 * awaits is faster and silently wrong beyond it.)
 */

/** Resolves when all microtasks, also those that they queue in turn, have run. */
export function microtasksDrained(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
