/** What the comparison with other stores is asked to do on its command line. */
import { statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import { root } from '../options.ts'

/** The stores that coterie is compared with. */
export type OtherName = 'redis' | 'etcd'

export interface OthersOptions {
  readonly valueBytes: number
  /** Operations in flight: closed loops that run at once. */
  readonly inFlight: readonly number[]
  /** Length of one measurement; a warm-up as long, but of 1 s at most, goes before it. */
  readonly seconds: number
  /** Measurements of each case, each in fresh processes. The median is told. */
  readonly pairs: number
  readonly only: readonly OtherName[]
  /**
   * Where all stores keep their data on disk, and wait for it before a write counts (`--fsync`). Not there: coterie has
   * nothing on disk, and what others cannot keep in memory alone is in a file system there.
   */
  readonly diskRoot: string | undefined
  /** Whether a line of results is appended. */
  readonly keep: boolean
  /** The built library. */
  readonly dist: string
}

/** Of each store: beyond it, 20,000 keys in three copies and their history ask for too much memory. */
const valueBytesMax = 16_384
/** Some forms open a connection for each operation in flight. */
const inFlightMax = 2048
const secondsMax = 60

const otherNames: readonly OtherName[] = ['redis', 'etcd']
/** Those that wait for the disk. Redis is measured without it alone. */
const namesOnDisk: readonly OtherName[] = ['etcd']

export const usage: string = `npm run bench:others -- [options]

  --bytes NUMBER     bytes of a value                100
  --in-flight LIST   operations in flight            64,256
  --seconds NUMBER   length of a measurement         1
  --pairs NUMBER     measurements of each case       5
  --only LIST        ${otherNames.join(', ')}                     all that are installed
  --fsync            on disk: etcd with its data in a directory, and coterie with LMDB; without Redis
  --data DIRECTORY   where that directory is made, and removed afterwards       ${tmpdir()}
  --no-keep          append nothing to bench/results/others.jsonl
  --dist DIRECTORY   the built library               dist
`

/** @throws {Error} for options that make no sense. */
export function readOptions(args: readonly string[]): OthersOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      bytes: { type: 'string', default: '100' },
      'in-flight': { type: 'string', default: '64,256' },
      seconds: { type: 'string', default: '1' },
      pairs: { type: 'string', default: '5' },
      only: { type: 'string' },
      fsync: { type: 'boolean', default: false },
      data: { type: 'string' },
      'no-keep': { type: 'boolean', default: false },
      dist: { type: 'string', default: `${root}dist` },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return 'help'
  return {
    valueBytes: count('--bytes', values.bytes, valueBytesMax),
    inFlight: distinct(values['in-flight'].split(',')).map((each) =>
      count('--in-flight', each, inFlightMax),
    ),
    seconds: seconds(values.seconds),
    pairs: count('--pairs', values.pairs, 1000),
    only: only(values),
    diskRoot: diskRoot(values),
    keep: !values['no-keep'],
    dist: values.dist,
  }
}

function count(option: string, text: string, max: number): number {
  const found = Number(text)
  if (Number.isInteger(found) && found >= 1 && found <= max) return found
  throw new Error(`${option} takes whole numbers from 1 to ${max}, not "${text}"`)
}

function seconds(text: string): number {
  const found = Number(text)
  if (found > 0 && found <= secondsMax) return found
  throw new Error(`--seconds takes a number above 0, ${secondsMax} at most, not "${text}"`)
}

interface OnDisk {
  readonly only?: string | undefined
  readonly fsync: boolean
  readonly data?: string | undefined
}

function only({ only: list, fsync }: OnDisk): readonly OtherName[] {
  if (list === undefined) return fsync ? namesOnDisk : otherNames
  const names = distinct(list.split(',')).map(otherName)
  const wrong = names.find((name) => fsync && !namesOnDisk.includes(name))
  if (wrong === undefined) return names
  throw new Error(
    `--fsync compares with ${namesOnDisk.join(' and ')} alone, for ${wrong} is measured with nothing on disk: ` +
      `leave ${wrong} out of --only, or --fsync`,
  )
}

function diskRoot({ fsync, data }: OnDisk): string | undefined {
  if (!fsync && data !== undefined)
    throw new Error('--data says where --fsync keeps data on disk: give both, or neither')
  if (!fsync) return undefined
  const directory = data ?? tmpdir()
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true) return directory
  throw new Error(`--data: there is no directory ${directory}`)
}

function otherName(word: string): OtherName {
  const found = otherNames.find((each) => each === word)
  if (found === undefined) {
    throw new Error(`--only takes ${otherNames.join(' and ')}, not "${word}"`)
  }
  return found
}

function distinct(words: readonly string[]): string[] {
  return [...new Set(words.map((word) => word.trim()))]
}
