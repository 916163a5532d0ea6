/** What the benchmark is asked to do on its command line. */
import { tmpdir, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'
import { readShares, type Mix } from './cases.ts'
import { keysMax, memoryNeeded } from './keys.ts'
import { layoutNames, layouts, type LayoutName } from './layouts.ts'
import type { Distribution } from './tape.ts'

/** The root of the repository. */
export const root: string = fileURLToPath(new URL('..', import.meta.url))

/** What is measured, how often, and with what. */
export interface BenchOptions {
  /** Operations in flight: closed loops that run at once. Empty when rates are given. */
  readonly inFlight: readonly number[]
  /** Operations due in each second of an open loop. Empty when none is asked for. */
  readonly ratesPerSecond: readonly number[]
  readonly valueBytes: readonly number[]
  /** Keys of each case; not there: as many as are usual. */
  readonly keyCount: number | undefined
  readonly mixes: readonly Mix[]
  readonly distributions: readonly Distribution[]
  /** Measurements of each case, each in fresh processes. The median is told. */
  readonly pairs: number
  /** Length of one measurement; a warm-up as long, but of 1 s at most, goes before it. */
  readonly seconds: number
  readonly layouts: readonly LayoutName[]
  /** Whether stand-ins count (the default of the library) or owners alone. */
  readonly sloppy: boolean
  /** Another bare ceiling than the suite's own. */
  readonly ceiling: string | undefined
  /** The directory of the built library. */
  readonly dist: string
  /** The directory below which nodes keep data on disk. */
  readonly data: string
  /** Whether the run is kept in `bench/results`. */
  readonly keep: boolean
}

const mixes = Object.keys(readShares) as Mix[]
const distributions: readonly Distribution[] = ['uniform', 'zipfian']
/** The layouts that are measured when none is named. */
const usualLayouts: readonly LayoutName[] = ['memory-n1', 'memory-n3', 'tcp-n3']

/** The library's own limit, unless it is told otherwise. */
const valueBytesMax = 2 ** 20

/** How it is used. */
export const usage: string = `npm run bench -- [options]

  --quick              short form: 100 B, 64 in flight, 3 pairs of 0.4 s
  --in-flight LIST     closed loops: operations in flight               16,64,256
  --rate LIST          open loops instead: operations due in each second, at fixed moments,
                       from which their latencies count
  --bytes LIST         bytes of a value; large ones have fewer keys     100,1024
  --keys NUMBER        keys, ${keysMax.toLocaleString('en')} at most; tells what each takes in memory  20000
  --mix LIST           put, get; YCSB a, b, c (50, 95, 100 % reads)     put,get
  --dist LIST          which keys are used: uniform, zipfian (0.99)     uniform
  --layout LIST        where nodes live, or: all                        ${usualLayouts.join(',')}
${layoutNames.map((name) => `                         ${name}`).join('\n')}
  --pairs NUMBER       measurements of each case                        5
  --seconds NUMBER     length of a measurement                          1
  --strict             count owners alone
  --ceiling FILE       another bare ceiling than bench/ceiling, with the same command line; for tcp-n3 alone:
                       layouts with LMDB are compared with the package lmdb itself
  --library DIRECTORY  the built library                                dist
  --data DIRECTORY     where data on disk goes; removed afterwards      ${tmpdir()}
  --no-keep            leave bench/results/bench.jsonl as it is
`

/** @throws {Error} for options that make no sense. */
export function readOptions(args: readonly string[]): BenchOptions | 'help' {
  const values = parse(args)
  if (values.help) return 'help'
  const { quick, rate } = values
  if (rate !== undefined && values['in-flight'] !== undefined)
    throw new Error('--rate asks for open loops and --in-flight for closed ones: give one of them')
  if (/[/\\.]/.test(values.dist))
    throw new Error('--dist says which keys are used; the built library is --library DIRECTORY')
  const closed = values['in-flight'] ?? (quick ? '64' : '16,64,256')
  const valueBytes = counts('bytes', values.bytes ?? (quick ? '100' : '100,1024'))
  if (valueBytes.some((bytes) => bytes > valueBytesMax))
    throw new Error(`--bytes: the library takes values of ${valueBytesMax} bytes at most`)
  const options: BenchOptions = {
    inFlight: rate === undefined ? counts('in-flight', closed) : [],
    ratesPerSecond: rate === undefined ? [] : numbers('rate', rate),
    valueBytes,
    keyCount: values.keys === undefined ? undefined : only('keys', counts('keys', values.keys)),
    mixes: words('mix', values.mix, mixes),
    distributions: words('dist', values.dist, distributions),
    layouts: values.layout === 'all' ? layoutNames : words('layout', values.layout, layoutNames),
    pairs: only('pairs', counts('pairs', values.pairs ?? (quick ? '3' : '5'))),
    seconds: only('seconds', numbers('seconds', values.seconds ?? (quick ? '0.4' : '1'))),
    sloppy: !values.strict,
    ceiling: values.ceiling,
    dist: values.library,
    data: values.data,
    keep: !values['no-keep'],
  }
  assertKeysFit(options)
  return options
}

/** @throws {Error} for more keys than can be, or than this machine's memory holds with their values. */
function assertKeysFit({ keyCount, valueBytes, layouts: names }: BenchOptions): void {
  if (keyCount === undefined) return
  if (keyCount > keysMax)
    throw new Error(`--keys takes ${keysMax.toLocaleString('en')} at most, not ${keyCount}`)
  for (const name of names) {
    const { size, durability } = layouts[name]
    const copies = durability === undefined ? size : 0
    for (const bytes of valueBytes) {
      const needed = memoryNeeded({ keyCount, valueBytes: bytes, copies })
      if (needed <= totalmem()) continue
      const [need, have] = [needed, totalmem()].map((each) => (each / 1e9).toFixed(1))
      throw new Error(
        `--keys: ${keyCount} keys of ${bytes} B need about ${need} GB in ${name}, and this machine has ${have} GB: ` +
          'ask for fewer keys, for smaller values (--bytes), or for another layout (--layout)',
      )
    }
  }
}

interface Values {
  readonly quick: boolean
  readonly 'in-flight'?: string | undefined
  readonly rate?: string | undefined
  readonly bytes?: string | undefined
  readonly keys?: string | undefined
  readonly mix: string
  readonly dist: string
  readonly layout: string
  readonly pairs?: string | undefined
  readonly seconds?: string | undefined
  readonly strict: boolean
  readonly ceiling?: string | undefined
  readonly library: string
  readonly data: string
  readonly 'no-keep': boolean
  readonly help: boolean
}

function parse(args: readonly string[]): Values {
  return parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      'in-flight': { type: 'string' },
      rate: { type: 'string' },
      bytes: { type: 'string' },
      keys: { type: 'string' },
      mix: { type: 'string', default: 'put,get' },
      dist: { type: 'string', default: 'uniform' },
      layout: { type: 'string', default: usualLayouts.join(',') },
      pairs: { type: 'string' },
      seconds: { type: 'string' },
      strict: { type: 'boolean', default: false },
      ceiling: { type: 'string' },
      library: { type: 'string', default: `${root}dist` },
      data: { type: 'string', default: tmpdir() },
      'no-keep': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  }).values
}

function numbers(option: string, list: string): number[] {
  const found = list.split(',').map(Number)
  if (!found.every((each) => each > 0 && Number.isFinite(each)))
    throw new Error(`--${option}: not positive numbers: ${list}`)
  return found
}

function counts(option: string, list: string): number[] {
  const found = numbers(option, list)
  if (!found.every((each) => Number.isInteger(each)))
    throw new Error(`--${option}: not whole numbers: ${list}`)
  return found
}

function only(option: string, list: readonly number[]): number {
  if (list.length !== 1) throw new Error(`--${option} takes one number, not ${list.length}`)
  return list[0]!
}

function words<W extends string>(option: string, list: string, known: readonly W[]): W[] {
  return list.split(',').map((word) => {
    const found = known.find((each) => each === word)
    if (found === undefined)
      throw new Error(`--${option}: "${word}" is none of ${known.join(', ')}`)
    return found
  })
}
