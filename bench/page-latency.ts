/**
 * Latency of a run: for each case an upright stroke from the median to the 99th percentile, and on to the 99.9th where
 * the run tells it, ours beside the yardstick's. Logarithmic, because a tail is often tens of medians long.
 */
import { columnLabel, columnsOf, logScale, picture, type Plot, type Scale } from './page-axes.ts'
import {
  duration,
  loadLabel,
  loadName,
  loadTitles,
  pictureTitle,
  type Group,
} from './page-groups.ts'
import { markup, type Content, type Markup } from './page-markup.ts'
import type { FigureMap, Result } from './page-runs.ts'

const plot: Plot = { width: 380, height: 280, left: 48, right: 376, top: 30, bottom: 236 }
/** Strokes that stand closer get no figures. */
const labelledWidthMin = 48

/** Groups of one layout share their scale. There is no picture of a group that tells no latency. */
export function latencyPictures(groups: readonly Group[]): Markup[] {
  const told = groups.filter(({ results }) =>
    results.some((result) => latencies(result).length > 0),
  )
  return told.map((group) => {
    const ofLayout = told.filter(({ layout }) => layout === group.layout)
    return latencyPicture(
      group,
      ofLayout.flatMap(({ results }) => results.flatMap(latencies)),
    )
  })
}

/** Room for the figure below the lowest point and above the highest one. */
function latencyPicture(group: Group, values: readonly number[]): Markup {
  const scale = logScale(plot, { min: Math.min(...values) * 0.7, max: Math.max(...values) * 1.4 })
  const { xs, width } = columnsOf(plot, group.results.length)
  const titles = { title: pictureTitle(group), y: 'latency', x: loadTitles[group.loadKind] }
  const strokes = group.results.map((result, i) => [
    strokesOf(result, { middle: xs[i]!, width, scale }),
    columnLabel(plot, xs[i]!, loadLabel(result.load)),
  ])
  return picture(plot, { titles, scale, label: duration }, strokes)
}

const percentiles = ['p50Us', 'p99Us', 'p999Us'] as const

/** What is known of the percentiles, of both sides. */
function latencies({ ours, ceiling }: Result): number[] {
  const of = (figures: FigureMap | undefined): number[] =>
    percentiles.flatMap((name) => figures?.[name] ?? [])
  return [...of(ours), ...of(ceiling)]
}

interface Place {
  readonly middle: number
  readonly width: number
  readonly scale: Scale
}

function strokesOf(
  { ours, beside, ceiling, load }: Result,
  { middle, width, scale }: Place,
): Content {
  const isLabelled = width / 2 >= labelledWidthMin
  const sides =
    ceiling === undefined ? [] : [{ side: 'ceiling', name: beside, figures: ceiling } as const]
  const all = [{ side: 'ours', name: 'coterie', figures: ours } as const, ...sides]
  return all.map(({ side, name, figures }, i) => {
    const x = all.length === 1 ? middle : middle + (i - 0.5) * width * 0.48
    return strokeOf(figures, { side, name, x, scale, isLabelled, load: loadName(load) })
  })
}

interface Stroke {
  readonly side: 'ours' | 'ceiling'
  readonly name: string
  readonly x: number
  readonly scale: Scale
  readonly isLabelled: boolean
  readonly load: string
}

function strokeOf(figures: FigureMap, { side, name, x, scale, isLabelled, load }: Stroke): Content {
  const { p50Us: middle, p99Us: tail, p999Us: end } = figures
  if (middle === undefined || tail === undefined) return undefined
  const told = `p50 ${duration(middle)}, p99 ${duration(tail)}`
  const told999 = end === undefined ? '' : `, p99.9 ${duration(end)}`
  const [low, high] = [scale.y(middle), scale.y(tail)]
  const top = end === undefined ? high : scale.y(end)
  return markup`<g class="${side}"><title>${name}, ${load}: ${told}${told999}</title>
<line class="stroke" x1="${x}" x2="${x}" y1="${low}" y2="${high}"/>
<line class="stroke thin" x1="${x}" x2="${x}" y1="${high}" y2="${top}"/>
<circle cx="${x}" cy="${low}" r="4"/><rect x="${x - 6}" y="${high - 1.5}" width="12" height="3"/>
${end === undefined ? undefined : markup`<rect x="${x - 3}" y="${top - 1}" width="6" height="2"/>`}
${isLabelled ? strokeLabels(x, figures, scale) : undefined}</g>`
}

const labelHeight = 13

/** The median's below its point, the others above their marks; of two marks that are too close the lower one's. */
function strokeLabels(x: number, figures: FigureMap, scale: Scale): Markup[] {
  const { p50Us = 0, p99Us = 0, p999Us } = figures
  const hasRoom = p999Us !== undefined && scale.y(p99Us) - scale.y(p999Us) > labelHeight + 2
  const places = [
    { us: p50Us, y: scale.y(p50Us) + 15 },
    { us: p99Us, y: scale.y(p99Us) - 5 },
    ...(hasRoom ? [{ us: p999Us, y: scale.y(p999Us) - 5 }] : []),
  ]
  return places.map(
    ({ us, y }) =>
      markup`<text class="value" x="${x}" y="${y}" text-anchor="middle">${duration(us)}</text>`,
  )
}
