/** Puts cases together that belong into one picture, and words the names and numbers that stand in pictures. */
import { bareCeiling, type Load, type Result, type Run } from './page-runs.ts'

/** Cases that differ in their load alone. */
export interface Group {
  readonly layout: string
  readonly title: string
  /** What the results are compared with, those of them that are. */
  readonly beside: string
  readonly loadKind: Load['kind']
  /** By rising load. */
  readonly results: readonly Result[]
}

/** The groups of a run: layouts in the order of the run, and so on. */
export function groupsOf(results: readonly Result[]): Group[] {
  const byTitle = groupBy(results, (result) => `${groupTitle(result)}, ${result.load.kind}`)
  return [...byTitle.values()].map((members) => ({
    layout: members[0]!.layout,
    title: groupTitle(members[0]!),
    beside: (members.find(({ ceiling }) => ceiling !== undefined) ?? members[0]!).beside,
    loadKind: members[0]!.load.kind,
    results: members.toSorted((a, b) => a.load.amount - b.load.amount),
  }))
}

function groupTitle({ layout, mix, valueBytes, others }: Result): string {
  const size = valueBytes === undefined ? [] : [`${valueBytes} B`]
  return [layout, mix, ...size, ...others].join(', ')
}

/** The title of a picture, which tells what its grey marks are when that is not the bare ceiling. */
export function pictureTitle({ title, beside }: Group): string {
  return beside === bareCeiling ? title : `${title}, beside ${beside}`
}

/** Names a case in full: equal names are equal cases. */
export function caseName(result: Result): string {
  return `${groupTitle(result)}, ${loadName(result.load)}`
}

/** Such as `64 in flight`. */
export function loadName({ kind, amount }: Load): string {
  return kind === 'in flight' ? `${amount} in flight` : `${short(amount)} offered/s`
}

/** The amount alone, as it stands below a column. */
export function loadLabel({ kind, amount }: Load): string {
  return kind === 'in flight' ? String(amount) : short(amount)
}

/** The title of an axis on which loads stand. */
export const loadTitles: Readonly<Record<Load['kind'], string>> = {
  'in flight': 'operations in flight',
  'offered/s': 'offered operations/s',
}

/** Three digits and a `k` or `M`: `950`, `9.5 k`, `119 k`. */
export function short(value: number): string {
  if (value >= 999_500) return `${digits(value / 1e6)} M`
  return value >= 999.5 ? `${digits(value / 1000)} k` : digits(value)
}

/** Microseconds in words: `950 µs`, `9.5 ms`, `1.2 s`. */
export function duration(us: number): string {
  if (us >= 999_500) return `${digits(us / 1e6)} s`
  return us >= 999.5 ? `${digits(us / 1000)} ms` : `${digits(us)} µs`
}

function digits(value: number): string {
  return value < 9.95 ? String(Number(value.toFixed(1))) : String(Math.round(value))
}

/** A share of 1 as percent. */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

/** Minutes are enough, and always UTC. */
export function dateWords(at: string): string {
  return `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`
}

/** Seven digits of the commit; a `+` for changes that no commit holds. */
export function commitWords({ commit, changed }: Pick<Run, 'commit' | 'changed'>): string {
  return `${commit.slice(0, 7)}${changed ? '+' : ''}`
}

/** The members by what `keyOf` says of them, keys in the order in which they came up. */
export function groupBy<Member>(
  members: readonly Member[],
  keyOf: (member: Member) => string,
): Map<string, Member[]> {
  const groups = new Map<string, Member[]>()
  for (const member of members) {
    const key = keyOf(member)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [member])
    else group.push(member)
  }
  return groups
}
