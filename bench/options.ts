/** What the benchmark is asked to do on its command line. */
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'

/** The root of the repository. */
export const root: string = fileURLToPath(new URL('..', import.meta.url))

export interface BenchOptions {
  /** Operations in flight: closed loops that run at once. */
  readonly inFlight: readonly number[]
  readonly valueBytes: readonly number[]
  readonly mixes: readonly Mix[]
  /** Measurements of each case, each in fresh processes. The median is told. */
  readonly pairs: number
  /** Length of one measurement; a warm-up as long, but of 1 s at most, goes before it. */
  readonly seconds: number
  readonly layouts: readonly LayoutName[]
  /** Whether stand-ins count (the default of the library) or owners alone. */
  readonly sloppy: boolean
  /** The yardstick program. */
  readonly ceiling: string
  /** The built library. */
  readonly dist: string
}

export type Mix = 'put' | 'get'

/** `memory-n1`, `memory-n3`: all nodes in one process. `tcp-n3`: three processes on loopback. */
export type LayoutName = 'memory-n1' | 'memory-n3' | 'tcp-n3'

const layoutNames: readonly LayoutName[] = ['memory-n1', 'memory-n3', 'tcp-n3']

export const usage: string = `npm run bench -- [options]

  --quick            short form: 100 B, 64 in flight, 3 pairs of 0.4 s
  --in-flight LIST   operations in flight            16,64,256
  --bytes LIST       bytes of a value                100,1024
  --mix LIST         put, get                        put,get
  --layout LIST      ${layoutNames.join(', ')}      all
  --pairs NUMBER     measurements of each case       5
  --seconds NUMBER   length of a measurement         1
  --strict           count owners alone
  --ceiling FILE     the yardstick program           ../shared/ceiling/ceiling.mjs
  --dist DIRECTORY   the built library               dist
`

/** @throws {Error} for options that make no sense. */
export function readOptions(args: readonly string[]): BenchOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      'in-flight': { type: 'string' },
      bytes: { type: 'string' },
      mix: { type: 'string', default: 'put,get' },
      layout: { type: 'string', default: layoutNames.join(',') },
      pairs: { type: 'string' },
      seconds: { type: 'string' },
      strict: { type: 'boolean', default: false },
      ceiling: { type: 'string', default: `${root}../shared/ceiling/ceiling.mjs` },
      dist: { type: 'string', default: `${root}dist` },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return 'help'
  const { quick } = values
  return {
    inFlight: numbers(values['in-flight'] ?? (quick ? '64' : '16,64,256')),
    valueBytes: numbers(values.bytes ?? (quick ? '100' : '100,1024')),
    mixes: words(values.mix, ['put', 'get']),
    layouts: words(values.layout, layoutNames),
    pairs: numbers(values.pairs ?? (quick ? '3' : '5'))[0]!,
    seconds: numbers(values.seconds ?? (quick ? '0.4' : '1'))[0]!,
    sloppy: !values.strict,
    ceiling: values.ceiling,
    dist: values.dist,
  }
}

function numbers(list: string): number[] {
  const found = list.split(',').map(Number)
  if (!found.every((each) => each > 0)) throw new Error(`not positive numbers: ${list}`)
  return found
}

function words<W extends string>(list: string, known: readonly W[]): W[] {
  return list.split(',').map((word) => {
    const found = known.find((each) => each === word)
    if (found === undefined) throw new Error(`"${word}" is none of ${known.join(', ')}`)
    return found
  })
}
