/** What is told of runs in trouble: each second, and in the end the figures that were asked about. */
import { median } from '../cases.ts'
import type { Scenario } from './options.ts'
import type { Told } from './scenario.ts'
import type { Span } from './timeline.ts'

/** One variant of the library and what its runs told. */
export interface Variant {
  readonly name: string
  readonly dist: string
  readonly told: Told[]
}

/** One run, a line for each second. */
export function linesOf(title: string, told: Told): string[] {
  const { capacityPerSecond, ratePerSecond, seconds, after, rssMib } = told
  const { endedAfterMs } = told
  const head = `${title}: a closed loop reached ${count(capacityPerSecond)}/s; due ${count(ratePerSecond)}/s`
  const columns = ['second', 'done', 'refused', 'failed', 'p50 ms', 'p99 ms', 'p99.9 ms', 'MiB']
  const rows = seconds.map((span, at) => row(String(at), span, rssMib[at]))
  const later = after.map((span, at) => row(`+${at}`, span, undefined))
  return [
    head,
    columns.map(padded).join(''),
    ...rows,
    ...(later.length > 0 ? [`all had ended ${endedAfterMs} ms after the last was due`] : []),
    ...later,
    '',
  ]
}

/** The medians of all runs, and the ratios that matter. */
export function summaryOf(scenario: Scenario, variants: readonly Variant[]): string[] {
  const [ours, other] = variants.map(({ told }) => told)
  const of = (figure: (told: Told) => number): string => {
    const all = ours!.map(figure)
    const each = all.length > 1 ? ` (${all.map((one) => one.toFixed(2)).join(', ')})` : ''
    return `${median(all).toFixed(2)}${each}`
  }
  switch (scenario) {
    case 'steady':
      return [`p99 ÷ p50: ${of(({ whole }) => whole.p99Ms / whole.p50Ms)}`]
    case 'slowed':
    case 'killed':
      return [
        `p99 in trouble ÷ before: ${of(({ thirds }) => thirds[1]!.p99Ms / thirds[0]!.p99Ms)}`,
        `p99 after ÷ before: ${of(({ thirds }) => thirds[2]!.p99Ms / thirds[0]!.p99Ms)}`,
        `failed in all: ${of(({ whole }) => whole.failed)}`,
        `reads that asked one replica more, in trouble: ${of(({ hedgedShare }) => hedgedShare * 100)} %`,
      ]
    case 'late':
      return [
        `p99.9 without hedging ÷ with it: ${ratioOfMedians(other!, ours!)}`,
        `reads that asked one replica more: ${of(({ hedgedShare }) => hedgedShare * 100)} %`,
      ]
    case 'overload':
      return [
        `done ÷ what a closed loop reached: ${of(goodputShare)}`,
        `memory at the end ÷ after a third: ${of(growth)}`,
        `seconds until p99 was that of the later ones (× 2) and nothing was refused: ${of(recovery)}`,
      ]
  }
}

function ratioOfMedians(above: readonly Told[], below: readonly Told[]): string {
  const p999 = (told: readonly Told[]): number => median(told.map(({ whole }) => whole.p999Ms))
  return `${p999(above).toFixed(2)} ms ÷ ${p999(below).toFixed(2)} ms = ${(p999(above) / p999(below)).toFixed(1)}`
}

function goodputShare({ whole, seconds, capacityPerSecond }: Told): number {
  return whole.succeeded / seconds.length / capacityPerSecond
}

function growth({ rssMib }: Told): number {
  return rssMib.at(-1)! / rssMib[Math.floor(rssMib.length / 3)]!
}

/** Seconds after the overload that were not like the last ones; with what it took to end what was begun. */
function recovery({ after, endedAfterMs }: Told): number {
  const usual = median(after.slice(-5).map(({ p99Ms }) => p99Ms))
  const isBad = ({ refused, failed, p99Ms }: Span): boolean =>
    refused + failed > 0 || p99Ms > 2 * usual
  return after.findLastIndex(isBad) + 1 + endedAfterMs / 1000
}

function row(name: string, span: Span, mib: number | undefined): string {
  const { succeeded, refused, failed, p50Ms, p99Ms, p999Ms } = span
  const counts = [succeeded, refused, failed].map(count)
  const latencies = [p50Ms, p99Ms, p999Ms].map((ms) => ms.toFixed(2))
  return [name, ...counts, ...latencies, mib === undefined ? '' : count(mib)].map(padded).join('')
}

function count(value: number): string {
  return value.toLocaleString('en')
}

function padded(cell: string): string {
  return cell.padStart(10)
}
