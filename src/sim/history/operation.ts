/**
 * One operation of a history: what a client asked, when, and what it was told. Plain data that
 * survives JSON, so that histories of real processes can be written to files and put together.
 */

import { InvalidArgumentError } from '../../base/errors.ts'

/** Names an operation; unique in its history. */
export type OperationId = number | string

/**
 * The context that a write was given: the one of another operation's entry or receipt, or one that
 * came from nowhere in this history.
 */
export type GivenContext = { readonly of: OperationId } | 'unrecorded'

/** One read of one key, or one write. An `update` is two: the read that it changed, and the write. */
export interface Operation {
  readonly id: OperationId
  /** The client. Promises to a session are promises to one client that does one thing at a time. */
  readonly session: number | string
  readonly bucket: string
  readonly key: string
  readonly kind: 'get' | 'put' | 'delete'
  /** When it was asked: any number that grows with time, on one scale for the whole history. */
  readonly start: number
  /**
   * When its end was known, on the same scale; left out when it never ended. Of two operations the
   * first came before the second when its end is less than the other's start: equal times tell no
   * order.
   */
  readonly end?: number
  /**
   * `ok`: done. `failed`: it certainly had no effect and never will. `unknown`: it may have had one,
   * or may still have it, at any later time.
   */
  readonly outcome: 'ok' | 'failed' | 'unknown'
  /**
   * What a put wrote, as text. Checkers tell writes by it, and skip a key to which a value was
   * written twice.
   */
  readonly value?: string
  /** Whether what was put has a time to live, and may go away by itself, for good. @default false */
  readonly expires?: boolean
  /**
   * The context that a write was given. Null: the null context, which replaces nothing. Left out:
   * none, so that it replaces what the coordinating replica holds.
   */
  readonly context?: GivenContext | null
  /** What an `ok` read returned, as texts: none, one, or the concurrent ones. */
  readonly siblings?: readonly string[]
  /**
   * Whether a read is one that nothing acknowledged before it may be missing from: all is healed and
   * settled. @default false
   */
  readonly final?: boolean
  /** Whether a read shows several values merged into one, so that its siblings are not known. */
  readonly merged?: boolean
}

/** An operation as it is added by hand: without an id it gets the next free number. */
export type NewOperation = Omit<Operation, 'id'> & { readonly id?: OperationId }

/** @throws {InvalidArgumentError} when fields contradict each other. */
export function checkOperation(operation: NewOperation): void {
  const { kind, outcome, start, end, value, siblings } = operation
  const { bucket, key } = operation
  const named = [typeof operation.session, typeof (operation.id ?? '')]
  require(named.every(
    (type) => type === 'number' || type === 'string',
  ), 'session and id must be numbers or strings')
  require(typeof bucket === 'string' && typeof key === 'string', 'bucket and key must be strings')
  require(['get', 'put', 'delete'].includes(kind), `kind must not be "${kind}"`)
  require(['ok', 'failed', 'unknown'].includes(outcome), `outcome must not be "${outcome}"`)
  require(Number.isFinite(start), `start must be a finite number, not ${start}`)
  require(end === undefined ||
    (Number.isFinite(end) && end >= start), `end must be a finite number from start on, not ${end}`)
  require(outcome !== 'ok' || end !== undefined, 'what is ok must have an end')
  require((kind === 'put') === (typeof value === 'string'), 'puts, and only puts, have a value')
  require((kind === 'get' && outcome === 'ok') ===
    Array.isArray(siblings), 'reads that are ok, and only they, have siblings')
  require(kind !== 'get' || operation.context === undefined, 'reads are given no context')
  require(isGivenContext(operation.context), 'context must be { of: id }, "unrecorded" or null')
}

function isGivenContext(context: unknown): boolean {
  if (context === undefined || context === null || context === 'unrecorded') return true
  return typeof context === 'object' && 'of' in context
}

function require(condition: boolean, message: string): void {
  if (!condition) throw new InvalidArgumentError('operation', message)
}
