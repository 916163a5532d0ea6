/** Checks a history against what a store promises. */

import { InvalidArgumentError } from '../../base/errors.ts'
import type { History } from '../history/history.ts'
import { checkCausal } from './causal.ts'
import { Findings, type Checked, type SkippedKey, type Violation } from './findings.ts'
import { keyHistories, type KeyHistory } from './key-history.ts'
import { checkMonotonic } from './monotonic.ts'
import { checkNoLostWrite } from './no-lost-write.ts'
import { checkReadYourWrites } from './read-your-writes.ts'
import { checkRegister } from './register.ts'

/**
 * A promise. `no-lost-write`: what was acknowledged is there in the end, or replaced by who had seen
 * it. `causal`: a write replaces exactly what its context covers, and there are no false siblings.
 * `read-your-writes`, `monotonic`: each session reads its own writes, and never goes back in time.
 * `register`: keys with one writer at a time behave like one variable (linearizability).
 */
export type Model = 'no-lost-write' | 'causal' | 'read-your-writes' | 'monotonic' | 'register'

/** What is checked beyond the model. */
export interface CheckOptions {
  /**
   * Whose reads `monotonic` compares: those of one session, or those of all, which is the promise
   * "once seen, always seen". @default 'session'
   */
  readonly across?: 'session' | 'sessions'
}

/** What a check came to. */
export interface CheckResult {
  /** Whether the history keeps the promise, as far as can be told. */
  readonly ok: boolean
  /** Each broken promise, up to 100. */
  readonly violations: Violation[]
  /**
   * What the model really looked at. Where it is little, `ok` says little: a history without final
   * reads is `ok` with 0 keys for `no-lost-write`.
   */
  readonly checked: Checked
  /** Keys that were not checked, or not wholly, and why; left out when there are none. */
  readonly skipped?: SkippedKey[]
}

type Checker = (key: KeyHistory, findings: Findings, options: CheckOptions) => void

const checkers: Readonly<Record<Model, Checker>> = {
  'no-lost-write': checkNoLostWrite,
  causal: checkCausal,
  'read-your-writes': checkReadYourWrites,
  monotonic: (key, findings, { across = 'session' }) => checkMonotonic(key, findings, across),
  register: checkRegister,
}

/**
 * Whether the history keeps a promise. A violation is certain, provided that all writes to its keys
 * are in the history; that none is found proves nothing. Looks at what clients saw alone, never into
 * contexts or records.
 *
 * @throws {InvalidArgumentError} for a malformed history: a context that nobody had been given yet,
 * two operations with one id.
 */
export function check(history: History, model: Model, options: CheckOptions = {}): CheckResult {
  if (!Object.hasOwn(checkers, model)) {
    const known = Object.keys(checkers).join(', ')
    throw new InvalidArgumentError('model', `must be one of ${known}, not "${model}"`)
  }
  const { across = 'session' } = options
  if (across !== 'session' && across !== 'sessions') {
    throw new InvalidArgumentError('across', `must be 'session' or 'sessions'`)
  }
  const findings = new Findings()
  for (const key of keyHistories(history)) {
    if (key.ambiguity === undefined) checkers[model](key, findings, { across })
    else findings.skip({ bucket: key.bucket, key: key.key, reason: key.ambiguity })
  }
  const { violations, checked, skipped } = findings
  const isOk = violations.length === 0
  return { ok: isOk, violations, checked, ...(skipped.length > 0 && { skipped }) }
}
