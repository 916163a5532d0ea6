/**
 * Assertions against our own mistakes. They stay on in production and are never caught: a store that
 * goes on after a broken invariant writes the damage to disk and sends it to its peers.
 */

/**
 * A bug of this library, never of its caller; nothing can be said of what it leaves behind. It is no
 * `StoreError`, so that nobody handles it as trouble of the world: close the node, and report it.
 */
export class BrokenInvariantError extends Error {
  constructor(message: string) {
    super(`coterie: broken invariant: ${message}`)
    this.name = 'BrokenInvariantError'
  }
}

/** @throws {BrokenInvariantError} when the condition does not hold. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new BrokenInvariantError(message)
}

/** Marks the branch that the types rule out, so that a new kind of message does not compile unhandled. */
export function unreachable(value: never): never {
  throw new BrokenInvariantError(`unexpected ${String(value)}`)
}
