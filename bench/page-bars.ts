/** Throughput of a run: for each group of cases a picture with a bar of ours beside a bar of the yardstick. */
import { columnLabel, columnsOf, linearScale, picture, type Plot, type Scale } from './page-axes.ts'
import {
  loadLabel,
  loadName,
  loadTitles,
  percent,
  pictureTitle,
  short,
  type Group,
} from './page-groups.ts'
import { markup, type Markup } from './page-markup.ts'
import type { Result } from './page-runs.ts'

const plot: Plot = { width: 380, height: 250, left: 44, right: 376, top: 44, bottom: 206 }
/** Narrower bars get no figure of their own: it would run into its neighbour's. */
const labelledWidthMin = 30
const barWidthMax = 44

/** Groups of one layout share their scale, so that their bars can be compared. */
export function throughputPictures(groups: readonly Group[]): Markup[] {
  return groups.map((group) => {
    const ofLayout = groups.filter(({ layout }) => layout === group.layout)
    return throughputPicture(
      group,
      Math.max(...ofLayout.flatMap(({ results }) => results.flatMap(tops))),
    )
  })
}

function tops({ ours, ceiling }: Result): number[] {
  return [ours['opsPerSecond'] ?? 0, ceiling?.['opsPerSecond'] ?? 0]
}

function throughputPicture(group: Group, max: number): Markup {
  const scale = linearScale(plot, max)
  const { xs, width } = columnsOf(plot, group.results.length)
  const barWidth = Math.min(barWidthMax, width * 0.38)
  const titles = { title: pictureTitle(group), y: 'operations/s', x: loadTitles[group.loadKind] }
  const bars = group.results.map((result, i) => [
    barsOf(result, { middle: xs[i]!, barWidth, scale }),
    columnLabel(plot, xs[i]!, loadLabel(result.load)),
  ])
  return picture(plot, { titles, scale, label: short }, bars)
}

interface Place {
  readonly middle: number
  readonly barWidth: number
  readonly scale: Scale
}

function barsOf(result: Result, place: Place): Markup {
  const { middle, barWidth, scale } = place
  const [ours = 0, theirs = 0] = tops(result)
  const load = loadName(result.load)
  if (result.ceiling === undefined) {
    return bar(
      { side: 'ours', name: 'coterie', value: ours, load, x: middle - barWidth / 2 },
      place,
    )
  }
  const top = scale.y(Math.max(ours, theirs)) - (barWidth < labelledWidthMin ? 6 : 19)
  return markup`${bar({ side: 'ours', name: 'coterie', value: ours, load, x: middle - barWidth - 1 }, place)}
${bar({ side: 'ceiling', name: result.beside, value: theirs, load, x: middle + 1 }, place)}
<text class="ratio" x="${middle}" y="${top}" text-anchor="middle">${ratioWords(result.ratio)}</text>`
}

function ratioWords(ratio: number | undefined): string | undefined {
  return ratio === undefined ? undefined : percent(ratio)
}

interface Bar {
  readonly side: 'ours' | 'ceiling'
  readonly name: string
  readonly value: number
  readonly load: string
  readonly x: number
}

function bar({ side, name, value, load, x }: Bar, { barWidth, scale }: Place): Markup {
  const y = scale.y(value)
  const label =
    barWidth < labelledWidthMin
      ? undefined
      : markup`<text class="value" x="${x + barWidth / 2}" y="${y - 5}" text-anchor="middle">${short(value)}</text>`
  return markup`<rect class="${side}" x="${x}" y="${y}" width="${barWidth}" height="${plot.bottom - y}" rx="2">
<title>${name}, ${load}: ${value.toLocaleString('en')} operations/s</title></rect>${label}`
}
