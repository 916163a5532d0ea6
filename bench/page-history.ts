/**
 * How the ratio to the yardstick went from run to run: for each group of cases a picture with a line for each load.
 * Runs stand at equal distances in time order: what matters is the step between two commits, not the hours between.
 */
import { columnsOf, linearScale, picture, type Plot, type Scale } from './page-axes.ts'
import {
  commitWords,
  dateWords,
  groupBy,
  groupsOf,
  loadName,
  percent,
  type Group,
} from './page-groups.ts'
import { markup, type Markup } from './page-markup.ts'
import { bareCeiling, type Result, type Run } from './page-runs.ts'

const plot: Plot = { width: 560, height: 300, left: 50, right: 448, top: 30, bottom: 240 }
/** A commit and a date need as much. */
const columnLabelWidth = 72
const lineLabelHeight = 13
/** Colours and marks of lines repeat after as many. */
const lineStyles = 6
/** Older runs are left out of the pictures; the tables keep them. */
const runsMax = 60

/** One measured ratio. */
interface Point {
  readonly run: Run
  readonly result: Result
  readonly ratio: number
}

/** A picture for each group of cases that has any ratio, in the order in which they came up. */
export function historyPictures(runs: readonly Run[]): Markup[] {
  const points = runs.flatMap((run) =>
    run.results.flatMap((result) =>
      result.ratio === undefined ? [] : [{ run, result, ratio: result.ratio }],
    ),
  )
  const loads = points.map(({ result }) => result.load).toSorted((a, b) => a.amount - b.amount)
  const names = [...new Set(loads.map(loadName))]
  return groupsOf(points.map(({ result }) => result)).map((group) => {
    const members = new Set(group.results)
    const ofGroup = points.filter(({ result }) => members.has(result))
    return historyPicture(group, ofGroup, names)
  })
}

/** @param names of all loads of the page: a load looks the same in each picture. */
function historyPicture(group: Group, all: readonly Point[], names: readonly string[]): Markup {
  const runs = [...new Set(all.map(({ run }) => run))].slice(-runsMax)
  const points = all.filter(({ run }) => runs.includes(run))
  const scale = linearScale(plot, Math.max(1, ...points.map(({ ratio }) => ratio)))
  const { xs, width } = columnsOf(plot, runs.length)
  const xOf = (run: Run): number => xs[runs.indexOf(run)]!
  const byLoad = groupBy(points, ({ result }) => loadName(result.load))
  const lines = [...byLoad].toSorted(([, a], [, b]) => loadOf(a) - loadOf(b))
  const ends = lines.map(([, members]) => scale.y(members.at(-1)!.ratio))
  const labelYs = spread(ends)
  const data = [
    markup`<line class="par" x1="${plot.left}" x2="${plot.right}" y1="${scale.y(1)}" y2="${scale.y(1)}"/>`,
    runLabels(runs, xs, Math.ceil(columnLabelWidth / width)),
    lines.map(([name, members], i) =>
      lineOf(members, {
        name,
        style: names.indexOf(name) % lineStyles,
        labelY: labelYs[i]!,
        xOf,
        scale,
      }),
    ),
  ]
  const titles = {
    title: group.title,
    y: `ratio to ${besideWords(group)}`,
    x: 'run: commit, date (UTC)',
  }
  return picture(plot, { titles, scale, label: percent }, data)
}

function besideWords({ beside }: Group): string {
  return beside === bareCeiling ? 'the ceiling' : beside
}

function loadOf(points: readonly Point[]): number {
  return points[0]!.result.load.amount
}

/** From the newest run backwards each `stride`th is named. */
function runLabels(runs: readonly Run[], xs: readonly number[], stride: number): Markup[] {
  return runs.flatMap((run, i) => {
    if ((runs.length - 1 - i) % stride !== 0) return []
    const [date, time] = dateWords(run.at).slice(5).split(' ')
    return markup`<text class="tick" text-anchor="middle" y="${plot.bottom + 15}">
<tspan class="mono" x="${xs[i]}">${commitWords(run)}</tspan>
<tspan x="${xs[i]}" dy="13">${date} ${time}</tspan></text>`
  })
}

interface Line {
  readonly name: string
  readonly style: number
  readonly labelY: number
  readonly scale: Scale
  readonly xOf: (run: Run) => number
}

function lineOf(points: readonly Point[], { name, style, labelY, xOf, scale }: Line): Markup {
  const places = points.map(({ run, ratio }) => ({ x: xOf(run), y: scale.y(ratio) }))
  const path = places.map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`)
  const last = places.at(-1)!
  return markup`<g class="line s${style}"><path class="trace" d="${path.join('')}"/>
${points.map((point, i) => markOf(point, { ...places[i]!, style }))}
<path class="lead" d="M${last.x + 6} ${last.y}L${plot.right + 2} ${labelY}"/>
<text class="series" x="${plot.right + 6}" y="${labelY + 3.5}">${name}</text></g>
`
}

/** Told apart by their form as well, for those who cannot tell the colours. */
const marks: readonly string[] = [
  'M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z',
  'M-3.6-3.6h7.2v7.2h-7.2z',
  'M0-4.8L4.6 3.6H-4.6z',
  'M0-5L5 0L0 5L-5 0z',
  'M0 4.8L4.6-3.6H-4.6z',
  'M-5-1.6h10v3.2h-10z',
]

function markOf(
  { run, ratio, result }: Point,
  { x, y, style }: { readonly x: number; readonly y: number; readonly style: number },
): Markup {
  const told = `${loadName(result.load)}: ${percent(ratio)}, ${commitWords(run)}, ${dateWords(run.at)}`
  return markup`<path class="mark" transform="translate(${x} ${y})" d="${marks[style]}"><title>${told}</title></path>`
}

/** Moves labels apart that would overlap, keeping their order, and keeps them inside of the picture. */
export function spread(wished: readonly number[]): number[] {
  const order = wished.map((_, i) => i).toSorted((a, b) => wished[a]! - wished[b]!)
  const placed = [...wished]
  for (const [rank, i] of order.entries()) {
    const above = rank === 0 ? plot.top - lineLabelHeight : placed[order[rank - 1]!]!
    placed[i] = Math.max(wished[i]!, above + lineLabelHeight)
  }
  let floor = plot.bottom + lineLabelHeight
  for (const i of order.toReversed()) {
    placed[i] = Math.min(placed[i]!, floor - lineLabelHeight)
    floor = placed[i]
  }
  return placed
}
