/**
 * Assertions against our own mistakes. They stay on in production and are never caught: a store that
 * goes on after a broken invariant writes the damage to disk and sends it to its peers.
 */

/** @throws {Error} when the condition does not hold; a bug of this library, never of its caller. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`coterie: broken invariant: ${message}`)
}

/** Marks the branch that the types rule out, so that a new kind of message does not compile unhandled. */
export function unreachable(value: never): never {
  throw new Error(`coterie: broken invariant: unexpected ${String(value)}`)
}
