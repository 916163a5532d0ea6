/** What a run tells on the terminal: a table, and below it what the figures alone do not say. */
import { keyCountOf, medianOf, usualKeyCount, type Case, type Figures } from './cases.ts'
import { ratioOf, type Measurements } from './measurements.ts'
import { pendingMaxOf } from './open-loop.ts'
import { tapeLengthOf } from './tape.ts'

const caseColumns = ['layout', 'mix', 'keys', 'bytes']
const latencyColumns = ['p50 µs', 'p99 µs', 'p99.9 µs']
const closedColumns = ['in flight', 'ops/s', ...latencyColumns, 'max µs', 'CPU µs/op']
const openColumns = ['due/s', 'goodput/s', 'refused', 'failed', ...latencyColumns, 'max µs']
const ceilingColumns = ['beside', 'its ops/s', ...latencyColumns, 'CPU µs/op', 'ratio']

/** Prints all cases of a run: either closed loops or open ones. */
export function printTable(all: readonly Measurements[]): void {
  const isOpen = all.some(({ what }) => what.ratePerSecond !== undefined)
  const isCompared = all.some(({ ceiling }) => ceiling.length > 0)
  const figureColumns = isOpen ? openColumns : closedColumns
  const memoryColumns = all.some(({ what }) => what.keyCount !== undefined) ? ['B/key'] : []
  const columns = [
    ...caseColumns,
    ...figureColumns,
    ...memoryColumns,
    ...(isCompared ? ceilingColumns : []),
  ]
  printAligned([columns, ...all.map(rowOf)])
  console.log('')
  for (const note of notesOf(all, isOpen)) console.log(note)
}

function printAligned(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]!.map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  )
  for (const row of rows) {
    console.log(row.map((cell, column) => cell.padStart(widths[column]!)).join('  '))
  }
}

function rowOf(measurements: Measurements): string[] {
  const { what, ours, ceiling } = measurements
  const head = [what.layout, what.mix, what.dist, String(what.valueBytes)]
  if (ours.length === 0) return [...head, loadCell(what), 'failed']
  const figures = medianOf(ours)
  if (what.ratePerSecond !== undefined)
    return [...head, ...openCells(figures), ...memoryCells(figures)]
  const closed = [String(what.inFlight), ...closedCells(figures), ...memoryCells(figures)]
  const { yardstick } = measurements
  const ratio = ratioOf(measurements)
  if (yardstick === undefined || ratio === undefined) return [...head, ...closed]
  const theirs = [yardstick, ...ceilingCells(medianOf(ceiling))]
  return [...head, ...closed, ...theirs, `${Math.round(ratio * 100)} %`]
}

function loadCell({ inFlight, ratePerSecond }: Case): string {
  return count(ratePerSecond ?? inFlight)
}

function openCells(figures: Figures): string[] {
  const { offeredPerSecond, goodputPerSecond, refused, failed } = figures
  const counts = [offeredPerSecond, goodputPerSecond, refused, failed]
  return [...counts.map(count), ...latencyCells(figures), count(figures.maxUs)]
}

function closedCells(figures: Figures): string[] {
  const { opsPerSecond, maxUs } = figures
  return [count(opsPerSecond), ...latencyCells(figures), count(maxUs), cpuCell(figures)]
}

/** None unless a number of keys was asked for: then in each row. */
function memoryCells({ bytesPerKey }: Figures): string[] {
  return bytesPerKey === undefined ? [] : [count(bytesPerKey)]
}

function ceilingCells(figures: Figures): string[] {
  return [count(figures.opsPerSecond), ...latencyCells(figures), cpuCell(figures)]
}

function latencyCells({ p50Us, p99Us, p999Us }: Figures): string[] {
  return [p50Us, p99Us, p999Us].map(count)
}

function cpuCell({ clientCpuUs, replicaCpuUs }: Figures): string {
  return `${clientCpuUs.toFixed(1)} + ${replicaCpuUs.toFixed(1)}`
}

function count(value: number | undefined): string {
  return value === undefined ? '-' : value.toLocaleString('en')
}

const rawLmdbNotes: readonly string[] = [
  'raw lmdb: the package lmdb alone, no nodes and no network; beside three nodes three processes of it at the same',
  'time, of which the mean is told: each put is written by all three nodes, but a get asks two of them. Its gets are',
  'calls that block, one after the other: their latencies are of one in flight',
]

function notesOf(all: readonly Measurements[], isOpen: boolean): string[] {
  const isBesideLmdb = all.some(
    ({ ceiling, yardstick }) => ceiling.length > 0 && yardstick === 'raw lmdb',
  )
  const general = isOpen
    ? 'latencies: of what succeeded, from the moment at which it was due'
    : 'CPU: of the client’s process + of the other replicas, for each operation'
  return [
    general,
    ...(isBesideLmdb ? rawLmdbNotes : []),
    ...keyNotes(all),
    ...all.flatMap(troublesOf),
  ]
}

/** How many keys there are, unless they are as many as usual. */
function keyNotes(all: readonly Measurements[]): string[] {
  const asked = all[0]?.what.keyCount
  if (asked === undefined) {
    const sizes = [...new Set(all.map(({ what }) => what.valueBytes))]
    const fewer = sizes.filter((valueBytes) => keyCountOf({ valueBytes }) < usualKeyCount)
    return fewer.map(
      (valueBytes) => `${count(valueBytes)} B: ${count(keyCountOf({ valueBytes }))} keys alone`,
    )
  }
  const entries = tapeLengthOf(asked)
  const some = `, of which a tape of ${count(entries)} operations uses some, again and again`
  return [
    `${count(asked)} keys${asked > entries ? some : ''}`,
    'B/key: by how much the client’s process grew while they were written, with garbage and what it mapped of files',
  ]
}

/** What was not as it should be: what failed, and what an open loop did to the cluster. */
function troublesOf({ what, ours, failures }: Measurements): string[] {
  const name = nameOf(what)
  const failed = failures.map((reason) => `${name}: failed: ${reason}`)
  if (ours.length === 0) return failed
  const { behind = 0, hints = 0 } = medianOf(ours)
  const max = count(pendingMaxOf(what.valueBytes))
  const often = ours.length === 1 ? '' : ` in ${behind} of ${ours.length} measurements`
  const fellBehind = `${name}: fell behind${often}, with more than ${max} operations due and not done`
  const gaveUp = `${name}: replicas were given up for a while, ${count(hints)} records are hinted`
  return [...failed, ...(behind > 0 ? [fellBehind] : []), ...(hints > 0 ? [gaveUp] : [])]
}

function nameOf(what: Case): string {
  const { layout, mix, dist, valueBytes, ratePerSecond } = what
  const load = ratePerSecond === undefined ? 'in flight' : '/s'
  return `${layout} ${mix} ${dist} ${count(valueBytes)} B at ${loadCell(what)} ${load}`
}
