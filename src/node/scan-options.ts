/** The options of scans, and their checks. */
import { InvalidArgumentError } from '../base/errors.ts'
import type { ReadRepairMode } from '../coordinator/get-request.ts'
import { describe, refuseUnknown, type Problems } from './option-checks.ts'
import { checkGetOptions, type RequestOptions } from './bucket-options.ts'
import type { Quorum } from './options.ts'

/**
 * Options of `entries` and `keys`. What is left out is the bucket's. `timeoutMs` is the deadline of each page and of
 * each read of a key on which owners differ, not of the whole scan, which may take as long as its consumer likes.
 */
export interface ScanOptions extends RequestOptions {
  /** Only keys that begin with it. @default '' */
  readonly prefix?: string
  /** The `cursor` of an earlier scan of the same bucket with the same prefix: goes on behind it. */
  readonly after?: string | undefined
  /** How many owners must have told of each key; fallbacks do not count. @default the bucket's */
  readonly r?: Quorum
  /** What is done about owners that differ on a key. @default the bucket's */
  readonly readRepair?: ReadRepairMode
}

const scanKeys = ['signal', 'timeoutMs', 'r', 'readRepair', 'prefix', 'after']

/** @throws {InvalidArgumentError} */
export function checkScanOptions(options: ScanOptions, n: number): void {
  if (typeof options === 'object' && options !== null && 'sloppy' in options) {
    throw new InvalidArgumentError('sloppy', 'is no option of a scan: only owners are asked')
  }
  const problems: Problems = []
  refuseUnknown(problems, '', options, scanKeys)
  const [problem] = problems
  if (problem !== undefined) throw new InvalidArgumentError(...problem)
  const { prefix, after, ...others } = options
  checkGetOptions(others, n)
  if (prefix !== undefined && (typeof prefix !== 'string' || !prefix.isWellFormed())) {
    const why = typeof prefix === 'string' ? 'has a lone surrogate' : `is ${describe(prefix)}`
    throw new InvalidArgumentError('prefix', `must be a well-formed string: it ${why}`)
  }
  if (after !== undefined && typeof after !== 'string') {
    throw new InvalidArgumentError('after', `must be the cursor of a scan, not ${describe(after)}`)
  }
}
