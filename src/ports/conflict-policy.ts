/** What a bucket does with concurrent values: the policies that `node.bucket()` takes. */
import { InvalidArgumentError } from '../base/errors.ts'

/**
 * What becomes of concurrent values. The kind is part of the data: every record carries it, and nodes that open
 * one bucket with different kinds get a `ConflictPolicyError`, never two different merges.
 */
export type ConflictPolicy<V> =
  | { readonly kind: 'siblings' }
  | { readonly kind: 'merge'; readonly fn: (a: V, b: V) => V }
  | { readonly kind: 'lww' }

/** Which of the policies, without its function. */
export type ConflictKind = ConflictPolicy<unknown>['kind']

/**
 * Shows them all: `entry.siblings` has each, `entry.value()` throws a `ConflictError` on more than one. The
 * default.
 */
export function siblings<V>(): ConflictPolicy<V> {
  return { kind: 'siblings' }
}

/**
 * Settles them with a function, when they are read.
 * @param fn must be pure, commutative, associative and idempotent: each node merges for itself, in its own order.
 * @throws {InvalidArgumentError} when `fn` is no function.
 */
export function merge<V>(fn: (a: V, b: V) => V): ConflictPolicy<V> {
  if (typeof fn !== 'function')
    throw new InvalidArgumentError('fn', 'must be a function of two values')
  return { kind: 'merge', fn }
}

/**
 * Keeps the value with the latest time-stamp of a hybrid logical clock and **drops the others**: of two concurrent
 * writes, both acknowledged, one is lost. For values that are overwritten whole and where that is harmless.
 */
export function lww<V>(): ConflictPolicy<V> {
  return { kind: 'lww' }
}
