/** The options of buckets and of single operations, and their checks. */
import type { CloseOptions } from './close.ts'
import { InvalidArgumentError } from '../base/errors.ts'
import type { ReadRepairMode } from '../coordinator/get-request.ts'
import type { ConflictPolicy } from '../ports/conflict-policy.ts'
import type { ValueCodec } from '../ports/value-codec.ts'
import { checkQuorum } from '../quorum/quorum-size.ts'
import { Context } from '../versions/context.ts'
import {
  describe,
  durationMsMax,
  flag,
  oneOf,
  positive,
  refuseUnknown,
  textProblem,
  type Problems,
} from './option-checks.ts'
import { readRepairModes, type Quorum } from './options.ts'

/** Options of `node.bucket()`. What is left out is the node's. */
export interface BucketOptions<V> {
  /** What becomes of concurrent values; the same on every node. @default siblings() */
  readonly conflicts?: ConflictPolicy<V>
  /** How values become bytes; the same on every node. @default msgpackCodec() */
  readonly codec?: ValueCodec<V>
  readonly r?: Quorum
  readonly w?: Quorum
  readonly sloppy?: boolean
  readonly readRepair?: ReadRepairMode
  /**
   * How long each value lives after its write: milliseconds above 0, at most 100 years. Counted from the wall clock of
   * the node that the client called; see `PutOptions.ttlMs`. Nodes may differ in it: it concerns writes alone.
   * @default for ever
   */
  readonly ttlMs?: number
}

/** Options of everything that takes time. */
export interface RequestOptions {
  /** Lets go of the operation: it rejects with `signal.reason`. A write that was sent may still happen. */
  readonly signal?: AbortSignal | undefined
  /** Deadline, milliseconds. @default the node's `timeoutMs` */
  readonly timeoutMs?: number
}

/** Options of `get` and `getMany`. What is left out is the bucket's. */
export interface GetOptions extends RequestOptions {
  readonly r?: Quorum
  readonly sloppy?: boolean
  readonly readRepair?: ReadRepairMode
}

/** Options of `put`. What is left out is the bucket's. */
export interface PutOptions extends RequestOptions {
  readonly w?: Quorum
  readonly sloppy?: boolean
  /** What the write replaces. See `Bucket.put`. */
  readonly context?: Context | string | null
  /**
   * How long the value lives after this write: milliseconds above 0, at most 100 years. It cannot be changed but by
   * another write, whose own time counts anew; nothing is carried over from the value that is replaced. Then it reads
   * as absent, and once a read has found it so it is ended for all: a tombstone.
   * @default the bucket's
   */
  readonly ttlMs?: number
}

/** Options of `delete`. */
export type DeleteOptions = Omit<PutOptions, 'ttlMs'>

/**
 * Options of `update`. `signal` holds for all of it, `timeoutMs` for its read and for its write, each.
 */
export type UpdateOptions = Omit<PutOptions, 'context'> & Pick<GetOptions, 'r' | 'readRepair'>

const requestKeys = ['signal', 'timeoutMs', 'sloppy']
const getKeys = [...requestKeys, 'r', 'readRepair']
const deleteKeys = [...requestKeys, 'w', 'context']
const putKeys = [...deleteKeys, 'ttlMs']
const putManyKeys = [...requestKeys, 'w', 'ttlMs']
const updateKeys = [...getKeys, 'w', 'ttlMs']
const bucketKeys = ['conflicts', 'codec', 'r', 'w', 'sloppy', 'readRepair', 'ttlMs']

/** Options of `removeMember`. */
export interface RemoveOptions {
  /** Also when the member answers, or when fewer than N members are left. @default false */
  readonly force?: boolean
}

/** @throws {InvalidArgumentError} */
export function checkRemoveOptions(options: RemoveOptions): void {
  const problems: Problems = []
  if (refuseUnknown(problems, 'options', options, ['force'])) flag(problems, 'force', options.force)
  refuse(problems)
}

/** Longest time to live: 100 years of 365 days. More is a mistake of units, or means for ever. */
const ttlMsMax: number = 100 * 365 * 86_400_000

/** @throws {InvalidArgumentError} */
export function checkCloseOptions(options: CloseOptions): void {
  const problems: Problems = []
  if (refuseUnknown(problems, 'options', options, ['drain', 'timeoutMs'])) {
    flag(problems, 'drain', options.drain)
    positive(problems, 'timeoutMs', options.timeoutMs, { max: durationMsMax })
  }
  refuse(problems)
}

/** Bytes of a bucket's name at most: the hint of its longest key for the longest id fits every storage (1280). */
export const bucketNameBytesMax = 120

/** @throws {InvalidArgumentError} for the name or an option. */
export function checkBucket(name: unknown, options: BucketOptions<unknown>, n: number): void {
  const problem = textProblem(name, bucketNameBytesMax)
  if (problem !== undefined) throw new InvalidArgumentError('name', problem)
  const problems: Problems = []
  refuseUnknown(problems, 'options', options, bucketKeys)
  if (problems.length === 0) {
    checkCommon(problems, options, n)
    const { conflicts, codec } = options
    if (conflicts !== undefined && !isPolicy(conflicts)) {
      problems.push(['conflicts', 'must be siblings(), merge(fn) or lww()'])
    }
    if (
      codec !== undefined &&
      (typeof codec?.encode !== 'function' || typeof codec.decode !== 'function')
    ) {
      problems.push(['codec', 'must have encode and decode'])
    }
  }
  refuse(problems)
}

function isPolicy(policy: unknown): boolean {
  if (typeof policy !== 'object' || policy === null || !('kind' in policy)) return false
  if (policy.kind === 'merge') return 'fn' in policy && typeof policy.fn === 'function'
  return policy.kind === 'siblings' || policy.kind === 'lww'
}

/** @throws {InvalidArgumentError} */
export function checkGetOptions(options: GetOptions, n: number): void {
  check(options, getKeys, n)
}

/** @throws {InvalidArgumentError} */
export function checkPutOptions(options: PutOptions, n: number): void {
  check(options, putKeys, n)
}

/** @throws {InvalidArgumentError} */
export function checkPutManyOptions(options: Omit<PutOptions, 'context'>, n: number): void {
  check(options, putManyKeys, n)
}

/** @throws {InvalidArgumentError} */
export function checkDeleteOptions(options: DeleteOptions, n: number): void {
  check(options, deleteKeys, n)
}

/** @throws {InvalidArgumentError} */
export function checkRequestOptions(options: RequestOptions): void {
  check(options, ['signal', 'timeoutMs'], 1)
}

/** @throws {InvalidArgumentError} for the change or an option. */
export function checkUpdate(change: unknown, options: UpdateOptions, n: number): void {
  if (typeof change !== 'function') {
    throw new InvalidArgumentError('change', `must be a function, not ${describe(change)}`)
  }
  check(options, updateKeys, n)
}

/** @throws {InvalidArgumentError} when it is no list; each key is checked where it is read. */
export function checkKeys(keys: unknown): void {
  if (Array.isArray(keys)) return
  throw new InvalidArgumentError('keys', `must be a list of keys, not ${describe(keys)}`)
}

function check(options: GetOptions & PutOptions, known: readonly string[], n: number): void {
  const problems: Problems = []
  refuseUnknown(problems, 'options', options, known)
  if (problems.length === 0) checkCommon(problems, options, n)
  refuse(problems)
}

function checkCommon(
  problems: Problems,
  options: Omit<GetOptions & PutOptions, never>,
  n: number,
): void {
  const { r, w, sloppy, readRepair, ttlMs, timeoutMs, signal, context } = options
  for (const [name, quorum] of [
    ['r', r],
    ['w', w],
  ] as const) {
    const problem = quorum === undefined ? undefined : checkQuorum(quorum, n)
    if (problem !== undefined) problems.push([name, problem])
  }
  flag(problems, 'sloppy', sloppy)
  oneOf(problems, 'readRepair', readRepair, readRepairModes)
  positive(problems, 'ttlMs', ttlMs, { max: ttlMsMax })
  positive(problems, 'timeoutMs', timeoutMs, { max: durationMsMax })
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    problems.push(['signal', 'must be an AbortSignal'])
  }
  if (context !== undefined && context !== null && !isContext(context)) {
    problems.push(['context', 'must be the context of an entry or receipt, its text, or null'])
  }
}

function isContext(context: unknown): boolean {
  return typeof context === 'string' || context instanceof Context
}

function refuse(problems: Problems): void {
  const [first] = problems
  if (first !== undefined)
    throw new InvalidArgumentError(first[0].replace(/^options\./, ''), first[1])
}
