/**
 * How the costs of a cluster grow with its members: the ring, its configuration on the wire, and gossip, as tables.
 * Gossip runs on virtual time; only building and coding are timed.
 *
 *     npx tsx bench/micro/scale.ts
 */
import { parseArgs } from 'node:util'
import { configurationLimits } from '../../src/ring/configuration-check.ts'
import { measureGossip } from './scale-gossip.ts'
import { measureRings } from './scale-ring.ts'
import { measureWire } from './scale-wire.ts'

const usage = `npx tsx bench/micro/scale.ts [options]

  --members LIST     sizes of the cluster, ascending     10,30,100,300,1000
  --partitions LIST  powers of two, ascending            1024,8192,16384,65536
  --seeds NUMBER     simulated changes of each kind,
                     fewer beyond 300 members           20
  --only LIST        ring, wire, gossip                  all
`

const parts = ['ring', 'wire', 'gossip'] as const
type Part = (typeof parts)[number]

interface Options {
  readonly members: readonly number[]
  readonly partitions: readonly number[]
  readonly seeds: number
  readonly only: ReadonlySet<Part>
}

/** @throws {Error} for options that make no sense. */
function readOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      members: { type: 'string', default: '10,30,100,300,1000' },
      partitions: { type: 'string', default: '1024,8192,16384,65536' },
      seeds: { type: 'string', default: '20' },
      only: { type: 'string', default: parts.join(',') },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return 'help'
  const { membersMax, partitionsMax } = configurationLimits
  const members = numbers('--members', values.members, { min: 4, max: membersMax })
  const partitions = numbers('--partitions', values.partitions, { min: 1, max: partitionsMax })
  const odd = partitions.find((count) => (count & (count - 1)) !== 0)
  if (odd !== undefined) throw new Error(`--partitions: ${odd} is not a power of two`)
  const seeds = numbers('--seeds', values.seeds, { min: 1, max: 10_000 })
  if (seeds.length !== 1) throw new Error(`--seeds: ${values.seeds} is not one number`)
  return {
    members,
    partitions,
    seeds: seeds[0]!,
    only: new Set(values.only.split(',').map(partOf)),
  }
}

function numbers(name: string, list: string, range: { min: number; max: number }): number[] {
  const found = list.split(',').map(Number)
  const wrong = found.findIndex(
    (value) => !Number.isInteger(value) || value < range.min || value > range.max,
  )
  if (wrong < 0) return found
  const what = `"${list.split(',')[wrong]}" is not a whole number`
  throw new Error(`${name}: ${what} from ${range.min} to ${range.max}`)
}

function partOf(word: string): Part {
  const part = parts.find((each) => each === word)
  if (part === undefined) throw new Error(`--only: "${word}" is none of ${parts.join(', ')}`)
  return part
}

function run({ members, partitions, seeds, only }: Options): void {
  if (only.has('ring')) measureRings(members, partitions)
  if (only.has('wire')) measureWire(members)
  if (only.has('gossip')) measureGossip(members, seeds)
}

/** What the command line asks for; `undefined` when that makes no sense, which was said. */
function asked(): Options | 'help' | undefined {
  try {
    return readOptions(process.argv.slice(2))
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`)
    process.exitCode = 2
    return undefined
  }
}

const options = asked()
if (options === 'help') console.log(usage)
else if (options !== undefined) run(options)
