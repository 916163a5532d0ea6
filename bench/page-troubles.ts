/** Clusters in trouble, second by second: what was done and what was not, and how long it took. */
import { columnLabel, linearScale, logScale, picture, type Plot, type Scale } from './page-axes.ts'
import { commitWords, dateWords, duration, short } from './page-groups.ts'
import { spread } from './page-history.ts'
import { markup, type Markup } from './page-markup.ts'
import type { TroubleRun } from './trouble/kept.ts'
import type { Told } from './trouble/scenario.ts'
import type { Span } from './trouble/timeline.ts'

const plot: Plot = { width: 560, height: 280, left: 50, right: 468, top: 30, bottom: 240 }
/** Shorter than any latency: where there is none, a logarithmic axis still has a place for it. */
const leastUs = 10
const secondsBetweenLabels = 5

/** The newest run of each scenario; nothing where there is none. */
export function troublesPart(runs: readonly TroubleRun[]): Markup | undefined {
  const newest = new Map(runs.map((run) => [run.options.scenario, run]))
  if (newest.size === 0) return undefined
  return markup`<h2>In trouble</h2>
<p class="soft">An open loop goes on whatever happens; each operation counts in the second in which it was due, and its
latency from then on. A dotted line is where the trouble begins, and where it ends.</p>
${[...newest.values()].map(troublePart)}`
}

function troublePart({ options, results, ...run }: TroubleRun): Markup {
  const isStruck = options.scenario === 'slowed' || options.scenario === 'killed'
  const about = [dateWords(run.at), run.machine.cpu, `Node.js ${run.node}`].join(' · ')
  return markup`<h3>${options.scenario}</h3>
<p class="soft"><code>${options.command}</code> · ${about} · commit <code>${commitWords(run)}</code></p>
<div class="pictures wide">${results.map(({ name, told }) => pictures(name, told[0], isStruck))}</div>`
}

function pictures(name: string, told: Told | undefined, isStruck: boolean): Markup | undefined {
  if (told === undefined) return undefined
  const spans = [...told.seconds, ...told.after]
  const x = 'second'
  const counted = linearScale(plot, Math.max(...spans.map(({ succeeded }) => succeeded)))
  const latencies = spans.map(({ p99Ms }) => p99Ms * 1000)
  const timed = logScale(plot, { min: leastUs, max: Math.max(100, ...latencies) })
  return markup`${picture(
    plot,
    { titles: { title: `${name}: operations`, y: 'each second', x }, scale: counted, label: short },
    [
      borders(told, isStruck),
      lines(spans, counted, {
        done: ({ succeeded }) => succeeded,
        refused: ({ refused }) => refused,
        failed: ({ failed }) => failed,
      }),
    ],
  )}
${picture(
  plot,
  { titles: { title: `${name}: latency`, y: 'time taken', x }, scale: timed, label: duration },
  [
    borders(told, isStruck),
    lines(spans, timed, { p99: ({ p99Ms }) => p99Ms * 1000, p50: ({ p50Ms }) => p50Ms * 1000 }),
  ],
)}`
}

/** Where a replica is struck and where it is well again, or where an overload ends; the seconds stand below. */
function borders({ seconds, after }: Told, isStruck: boolean): Markup {
  const count = seconds.length + after.length
  const thirds = isStruck ? [seconds.length / 3, (seconds.length * 2) / 3] : []
  const at = after.length > 0 ? [seconds.length] : thirds
  const labels = Array.from(
    { length: Math.ceil(count / secondsBetweenLabels) },
    (_, i) => i * secondsBetweenLabels,
  )
  const lines = at.map((second) => {
    const x = xOf(Math.round(second), count)
    return markup`<line class="par" x1="${x}" x2="${x}" y1="${plot.top}" y2="${plot.bottom}"/>`
  })
  return markup`${lines}${labels.map((second) => columnLabel(plot, xOf(second, count), String(second)))}`
}

function xOf(second: number, count: number): number {
  return plot.left + (second / Math.max(1, count - 1)) * (plot.right - plot.left)
}

function lines(
  spans: readonly Span[],
  scale: Scale,
  figures: Readonly<Record<string, (span: Span) => number>>,
): Markup {
  const all = Object.entries(figures).map(([name, figure]) => ({
    name,
    ys: spans.map((span) => scale.y(figure(span))),
  }))
  const labelYs = spread(all.map(({ ys }) => ys.at(-1)!))
  return markup`${all.map(({ name, ys }, i) => {
    const path = ys.map((y, second) => {
      const x = xOf(second, spans.length)
      return `${second === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`
    })
    return markup`<g class="s${i}"><path class="trace" d="${path.join('')}"/>
<text class="series" x="${plot.right + 6}" y="${labelYs[i]! + 3.5}">${name}</text></g>
`
  })}`
}
