/** What the benchmark of troubles is asked to do on its command line. */
import { parseArgs } from 'node:util'
import { root } from '../options.ts'

/** What can be wrong, and for how long one run of it takes. */
const scenarios = {
  steady: 'an open loop, and nothing is wrong',
  slowed: 'a replica becomes ten times as slow for a third of the time',
  killed: 'a replica dies after a third of the time, and stays away',
  late: '1 % of what replicas read comes 100 ms late: with hedging and without, in turn',
  overload: 'three times as much is asked for as a closed loop reached, then half of that',
} as const

export type Scenario = keyof typeof scenarios

export interface TroubleOptions {
  readonly scenario: Scenario
  readonly mix: 'put' | 'get' | 'a'
  readonly valueBytes: number
  /** Length of the loop that is told of. */
  readonly seconds: number
  /** Part of what a closed loop reached in the same run that is offered. */
  readonly load: number
  /** How often, each time with fresh processes. */
  readonly runs: number
  readonly keep: boolean
  /** The built library. */
  readonly dist: string
}

const scenarioNames = Object.keys(scenarios) as Scenario[]
const mixes = ['put', 'get', 'a'] as const

/** What each scenario is offered unless told otherwise: room for what the trouble costs, but for the overload. */
const usualLoads: Readonly<Record<Scenario, number>> = {
  steady: 0.7,
  slowed: 0.25,
  killed: 0.25,
  late: 0.25,
  overload: 3,
}

export const usage: string = `npm run bench:trouble -- SCENARIO [options]

${scenarioNames.map((name) => `  ${name.padEnd(20)} ${scenarios[name]}`).join('\n')}

  --seconds NUMBER     length of the open loop                   30
  --load NUMBER        part of what a closed loop reached that is due in each second
                       ${scenarioNames.map((name) => `${name} ${usualLoads[name]}`).join(', ')}
  --mix NAME           put, get, or a: half of each              a
  --bytes NUMBER       bytes of a value                          100
  --runs NUMBER        how often, with fresh processes           1
  --no-keep            leave bench/results/trouble.jsonl as it is
  --library DIRECTORY  the built library                         dist
`

/** @throws {Error} for options that make no sense. */
export function readOptions(args: readonly string[]): TroubleOptions | 'help' {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '30' },
      load: { type: 'string' },
      mix: { type: 'string', default: 'a' },
      bytes: { type: 'string', default: '100' },
      runs: { type: 'string', default: '1' },
      'no-keep': { type: 'boolean', default: false },
      library: { type: 'string', default: `${root}dist` },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help || args.length === 0) return 'help'
  if (positionals.length !== 1) throw new Error(`give one of ${scenarioNames.join(', ')}`)
  const scenario = word('the scenario', positionals[0]!, scenarioNames)
  return {
    scenario,
    mix: word('--mix', values.mix, mixes),
    valueBytes: whole('--bytes', values.bytes, { min: 1, max: 2 ** 20 }),
    seconds: whole('--seconds', values.seconds, { min: 6, max: 3600 }),
    load: values.load === undefined ? usualLoads[scenario] : share(values.load),
    runs: whole('--runs', values.runs, { min: 1, max: 1000 }),
    keep: !values['no-keep'],
    dist: values.library,
  }
}

function word<W extends string>(option: string, given: string, known: readonly W[]): W {
  const found = known.find((each) => each === given)
  if (found === undefined) throw new Error(`${option}: "${given}" is none of ${known.join(', ')}`)
  return found
}

function whole(option: string, text: string, { min, max }: { min: number; max: number }): number {
  const found = Number(text)
  if (Number.isInteger(found) && found >= min && found <= max) return found
  throw new Error(`${option} takes a whole number from ${min} to ${max}, not "${text}"`)
}

function share(text: string): number {
  const found = Number(text)
  if (found > 0 && found <= 100) return found
  throw new Error(`--load takes a number above 0, 100 at most, not "${text}"`)
}
