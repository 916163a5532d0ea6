/** Why the replicas of a key hold the same, or do not, in words. Pure. */
import type { RecordSummary } from '../replica/record-summary.ts'
import {
  coversContext,
  emptyContext,
  joinContexts,
  type CausalContext,
} from '../versions/causal-context.ts'
import { readClockText } from '../versions/clock-text.ts'

/** What one member has of a key. */
export interface Holding {
  readonly id: string
  readonly role: 'primary' | 'fallback'
  /** What is stored: a sound record, none, or bytes that are not what was stored. `unknown`: it did not tell. */
  readonly state: 'record' | 'absent' | 'damaged' | 'unknown'
  /** Why it did not tell. */
  readonly problem?: string
  /** The record, where there is one. */
  readonly record?: RecordSummary
  /** Whether it is still being filled, and may lack what others have. */
  readonly recovering: boolean
  /** Owners for which it keeps a hint for this key. */
  readonly hintsFor: readonly string[]
  /** Members for which it has marked the whole partition. */
  readonly marksFor: readonly string[]
}

/** Whether the owners of a key hold the same, and why. */
export interface Convergence {
  /** `unknown`: those that told hold the same, and some owner did not tell. */
  readonly converged: 'yes' | 'no' | 'unknown'
  /** In words, one sentence each. */
  readonly reasons: readonly string[]
}

/** Judges what the members hold. */
export function judgeConvergence(holdings: readonly Holding[]): Convergence {
  const owners = holdings.filter(({ role }) => role === 'primary')
  const newest = holdings.map(contextOf).reduce(joinContexts, emptyContext)
  const troubled = new Map(
    owners.map((owner) => [owner.id, troubleOf(owner, newest)] as const).filter(([, why]) => why),
  )
  const complete = owners.filter(({ id, state }) => state !== 'unknown' && !troubled.has(id))
  const digests = new Set(complete.map(({ record }) => record?.digest))
  const differ = digests.size > 1
  const silent = owners.filter(({ state }) => state === 'unknown')
  const reasons = [
    ...[...troubled].flatMap(([id, why]) => [`"${id}" ${why}`, ...remedies(id, holdings)]),
    ...(differ
      ? [`${names(complete)} hold different values under one clock: write the key anew`]
      : []),
    ...silent.map(
      ({ id, problem }) => `"${id}" did not tell what it holds: ${problem ?? 'no reason'}`,
    ),
  ]
  if (troubled.size > 0 || differ) return { converged: 'no', reasons }
  const same = sameSentence(complete)
  const kept = pending(holdings)
  if (silent.length > 0) return { converged: 'unknown', reasons: [...same, ...reasons, ...kept] }
  return { converged: 'yes', reasons: [...same, ...kept] }
}

function contextOf({ record }: Holding): CausalContext {
  return (record && readClockText(record.clock)) ?? emptyContext
}

function troubleOf(owner: Holding, newest: CausalContext): string | undefined {
  const { state, recovering } = owner
  if (state === 'unknown') return undefined
  if (state === 'damaged') return 'holds a damaged record'
  if (coversContext(contextOf(owner), newest)) return undefined
  const what = state === 'absent' ? 'has no record' : 'lacks writes that others have'
  return recovering ? `${what}: it is still being filled` : what
}

/** Who brings the owner what it lacks. */
function remedies(id: string, holdings: readonly Holding[]): string[] {
  const hinting = holdings.filter(({ hintsFor }) => hintsFor.includes(id))
  const marking = holdings.filter(({ marksFor }) => marksFor.includes(id))
  const found = [
    ...hinting.map((by) => `"${by.id}" keeps a hint for "${id}", and delivers it when it answers`),
    ...marking.map((by) => `"${by.id}" has marked the whole partition for "${id}", and sends it`),
  ]
  if (found.length > 0) return found
  return [
    `nobody who told keeps a hint for "${id}": a read of the key, or anti-entropy, repairs it`,
  ]
}

function sameSentence(owners: readonly Holding[]): string[] {
  if (owners.length === 0) return []
  if (owners.length === 1) return [`"${owners[0]!.id}" is the only owner that told`]
  const what = owners[0]!.record === undefined ? 'have no record' : 'hold the same record'
  return [`${names(owners)} ${what}`]
}

function pending(holdings: readonly Holding[]): string[] {
  return holdings.flatMap(({ id, hintsFor }) =>
    hintsFor.map((target) => `"${id}" still keeps a hint for "${target}"`),
  )
}

function names(holdings: readonly Holding[]): string {
  return holdings.map(({ id }) => `"${id}"`).join(', ')
}
