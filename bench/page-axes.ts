/** The frame of a picture: its size, its scales, its grid and the titles of its axes. Coordinates are SVG pixels. */
import { markup, type Content, type Markup } from './page-markup.ts'

/** The inner rectangle of a picture, where the data stands. */
export interface Plot {
  readonly width: number
  readonly height: number
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

/** Where a value stands from the top, and the values that get a line. */
export interface Scale {
  y(value: number): number
  readonly ticks: readonly number[]
}

/** A scale from 0 to the first round number above `max`. */
export function linearScale(plot: Plot, max: number): Scale {
  const step = roundStep(Math.max(max, 1e-9) / 4)
  const count = Math.max(1, Math.ceil(max / step))
  const height = plot.bottom - plot.top
  return {
    y: (value) => plot.bottom - (value / (count * step)) * height,
    ticks: Array.from({ length: count + 1 }, (_, i) => i * step),
  }
}

/** The smallest of 1, 2, 2.5, 5, 10 × a power of ten that is not below the value. */
function roundStep(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  const factor = [1, 2, 2.5, 5].find((each) => each * power >= value * (1 - 1e-9)) ?? 10
  return factor * power
}

/** A logarithmic scale between round numbers outside of the range; of a wide one only the decades get a line. */
export function logScale(plot: Plot, range: { readonly min: number; readonly max: number }): Scale {
  const decades = Array.from({ length: 12 }, (_, i) => 10 ** i)
  const round = decades.flatMap((decade) => [decade, 2 * decade, 5 * decade])
  const min = round.findLast((each) => each <= range.min) ?? 1
  const max = round.find((each) => each >= range.max && each > min) ?? 5e11
  const stops = max / min > 10_000 ? decades : round
  const height = plot.bottom - plot.top
  return {
    y: (value) =>
      plot.bottom - (Math.log(Math.max(value, min) / min) / Math.log(max / min)) * height,
    ticks: stops.filter((each) => each >= min && each <= max),
  }
}

/** The middles of `count` columns that share the width. */
export function columnsOf(
  plot: Plot,
  count: number,
): { readonly xs: number[]; readonly width: number } {
  const width = (plot.right - plot.left) / count
  return { xs: Array.from({ length: count }, (_, i) => plot.left + width * (i + 0.5)), width }
}

/** What a picture says around its data. */
export interface Titles {
  /** Read out in place of the picture. */
  readonly title: string
  readonly y: string
  readonly x: string
}

/** A whole picture: lines and labels of the scale below, the data above. */
export function picture(
  plot: Plot,
  frame: { readonly titles: Titles; readonly scale: Scale; label(value: number): string },
  data: Content,
): Markup {
  const { titles, scale } = frame
  const middle = (plot.left + plot.right) / 2
  return markup`<figure><figcaption>${titles.title}</figcaption>
<svg viewBox="0 0 ${plot.width} ${plot.height}" role="img" aria-label="${titles.title}: ${titles.y} by ${titles.x}">
<text class="axis" x="0" y="12">${titles.y}</text>
${scale.ticks.map((tick) => gridLine(plot, scale.y(tick), frame.label(tick)))}
${data}
<text class="axis" x="${middle}" y="${plot.height - 4}" text-anchor="middle">${titles.x}</text>
</svg></figure>
`
}

function gridLine(plot: Plot, y: number, label: string): Markup {
  return markup`<line class="grid" x1="${plot.left}" x2="${plot.right}" y1="${y}" y2="${y}"/>
<text class="tick" x="${plot.left - 6}" y="${y + 3.5}" text-anchor="end">${label}</text>
`
}

/** A label below a column. */
export function columnLabel(plot: Plot, x: number, text: string): Markup {
  return markup`<text class="tick" x="${x}" y="${plot.bottom + 16}" text-anchor="middle">${text}</text>`
}
