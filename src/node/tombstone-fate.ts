/** Why a key's tombstone is still there, and when it goes, in words. Pure. */
import type { Holding } from './convergence.ts'

/** What becomes of a key of which only a tombstone is left. */
export interface TombstoneFate {
  /** The owner that reaps it. */
  readonly reaper: string
  /** Unix time in milliseconds when all members had confirmed that nothing older is left; 0 if they have not yet. */
  readonly confirmedAtMs: number
  /** Unix time in milliseconds from which it may go: the end of its grace period; 0 while it is not confirmed. */
  readonly mayGoAtMs: number
  /** What it waits for, one sentence each. */
  readonly waitsFor: readonly string[]
}

/** What else tells on a tombstone. */
export interface FateView {
  readonly reaper: string
  /** What the reaper told. */
  readonly confirmedAtMs: number
  readonly graceMs: number
  readonly reaps: boolean
  /** Whether owners change. */
  readonly isMoving: boolean
}

/** The fate of a tombstone; undefined when any owner holds something that lives, or none holds anything. */
export function judgeTombstone(
  holdings: readonly Holding[],
  { reaper, confirmedAtMs, graceMs, reaps, isMoving }: FateView,
): TombstoneFate | undefined {
  const records = holdings.flatMap(({ record }) => (record === undefined ? [] : [record]))
  const isDeleted = records.every(({ siblings, expired }) => siblings + expired === 0)
  if (records.length === 0 || !isDeleted) return undefined
  const mayGoAtMs = confirmedAtMs === 0 ? 0 : confirmedAtMs + graceMs
  const hindrances = [
    ...(reaps ? [] : ['tombstones are not reaped: see the option tombstones.reap']),
    ...(isMoving ? ['owners change: nothing is reaped meanwhile'] : []),
    ...holdings.flatMap(hindrancesOf),
    ...(agree(holdings) ? [] : ['the owners do not hold the same tombstone yet']),
  ]
  const next =
    confirmedAtMs === 0
      ? `a scan by "${reaper}", which asks all members to confirm`
      : 'the end of its grace period, when all members are asked again'
  return { reaper, confirmedAtMs, mayGoAtMs, waitsFor: [...hindrances, next] }
}

function hindrancesOf({ id, role, state, recovering, hintsFor, marksFor }: Holding): string[] {
  if (state === 'unknown') return [`"${id}" does not answer`]
  return [
    ...(state === 'damaged' ? [`"${id}" holds a damaged record`] : []),
    ...(role === 'fallback' && state === 'record'
      ? [`"${id}" is no owner and holds a record`]
      : []),
    ...(recovering ? [`"${id}" is still being filled`] : []),
    ...hintsFor.map((target) => `"${id}" keeps a hint for "${target}"`),
    ...marksFor.map((target) => `"${id}" has marked the whole partition for "${target}"`),
  ]
}

function agree(holdings: readonly Holding[]): boolean {
  const owners = holdings.filter(({ role }) => role === 'primary')
  const digests = new Set(owners.map(({ record }) => record?.digest))
  return digests.size === 1 && !digests.has(undefined)
}
