/** All figures of a run as a table, with the columns that its figures have. */
import { markup, type Markup } from './page-markup.ts'
import { percent } from './page-groups.ts'
import type { FigureMap, Load, Result } from './page-runs.ts'

/** With units. A figure that is not here stands under its own name. */
const headings: Readonly<Record<string, string>> = {
  opsPerSecond: 'operations/s',
  p50Us: 'p50, µs',
  p99Us: 'p99, µs',
  p999Us: 'p99.9, µs',
  maxUs: 'longest, µs',
  offeredPerSecond: 'offered/s',
  goodputPerSecond: 'goodput/s',
  clientCpuUs: 'client CPU, µs/op',
  replicaCpuUs: 'replica CPU, µs/op',
  bytesPerKey: 'memory, B/key',
}

/** A row for each case. */
export function figuresTable(results: readonly Result[]): Markup {
  const ours = namesOf(results.map((result) => result.ours))
  const theirs = namesOf(results.flatMap(({ ceiling }) => (ceiling === undefined ? [] : [ceiling])))
  const hasCeiling = theirs.length > 0
  return markup`<div class="scroll"><table>
<thead><tr><th class="span" colspan="${hasCeiling ? 6 : 4}">case</th>
<th class="span first" colspan="${ours.length}">coterie</th>
${hasCeiling ? markup`<th class="span first" colspan="${theirs.length}">yardstick</th>` : undefined}</tr>
<tr><th class="text">layout</th><th class="text">mix</th><th>bytes</th><th>load</th>
${hasCeiling ? markup`<th class="text">beside</th><th>ratio</th>` : undefined}
${headingCells(ours)}${headingCells(theirs)}</tr></thead>
<tbody>${results.map((result) => rowOf(result, { ours, theirs }))}</tbody>
</table></div>`
}

/** A row for each store, form and load. */
export function storesTable(results: readonly Result[]): Markup {
  const names = namesOf(results.map(({ ours }) => ours))
  const rows = results.map((result) => {
    const { layout, mix, others, load, ours, ratio } = result
    return markup`<tr><td class="text">${layout}</td><td class="text">${others.join(', ')}</td>
<td class="text">${mix}</td><td>${loadWords(load)}</td>${cells(ours, names)}<td class="first"><b>${
      ratio === undefined ? '–' : `${ratio.toFixed(2)} ×`
    }</b></td></tr>`
  })
  return markup`<div class="scroll"><table><thead><tr><th class="text">store</th><th class="text">way</th>
<th class="text">mix</th><th>load</th>${headingCells(names)}<th class="first">coterie ÷ other</th></tr></thead>
<tbody>${rows}</tbody></table></div>`
}

/** Known figures first, in their usual order. */
function namesOf(sides: readonly FigureMap[]): string[] {
  const found = new Set(sides.flatMap((side) => Object.keys(side)))
  const known = Object.keys(headings).filter((name) => found.has(name))
  return [...known, ...[...found].filter((name) => !Object.hasOwn(headings, name))]
}

function headingCells(names: readonly string[]): Markup[] {
  return names.map((name, i) => markup`<th class="${edge(i)}">${headings[name] ?? name}</th>`)
}

interface Columns {
  readonly ours: readonly string[]
  readonly theirs: readonly string[]
}

function rowOf(result: Result, { ours, theirs }: Columns): Markup {
  const { layout, mix, valueBytes, load, others, ceiling } = result
  const way = [mix, ...others].join(', ')
  return markup`<tr><td class="text">${layout}</td><td class="text">${way}</td><td>${figure(valueBytes)}</td>
<td>${loadWords(load)}</td>${theirs.length > 0 ? ratioCells(result) : undefined}
${cells(result.ours, ours)}${cells(ceiling, theirs)}</tr>
`
}

function ratioCells({ beside, ceiling, ratio }: Result): Markup {
  return markup`<td class="text">${ceiling === undefined ? '–' : beside}</td>
<td><b>${ratio === undefined ? '–' : percent(ratio)}</b></td>`
}

function loadWords({ kind, amount }: Load): string {
  return `${amount.toLocaleString('en')} ${kind}`
}

function cells(side: FigureMap | undefined, names: readonly string[]): Markup[] {
  return names.map((name, i) => markup`<td class="${edge(i)}">${figure(side?.[name])}</td>`)
}

function figure(value: number | undefined): string {
  return value === undefined ? '–' : value.toLocaleString('en', { maximumFractionDigits: 2 })
}

function edge(index: number): string | undefined {
  return index === 0 ? 'first' : undefined
}
