/**
 * Puts and gets of coterie beside those of other stores with three copies, on the machine of the moment: Redis with two
 * replicas, and etcd with three members, each where it is installed; on disk (`--fsync`) etcd alone. All are driven by
 * the same loops from one process, and alternate, so that all see the same noise; medians are told.
 *
 *     npm run bench:others -- --help
 */
import { ensureBuilt } from '../library.ts'
import { measureRounds } from '../rounds.ts'
import { isInMemory } from '../scratch.ts'
import { formsOf, ours, type Mix } from './forms.ts'
import { hireJanitor } from './leftovers.ts'
import { notesOf } from './notes.ts'
import { readOptions, usage, type OtherName, type OthersOptions } from './options.ts'
import {
  keepResults,
  measurementsOf,
  tableOf,
  troublesOf,
  type Measurements,
  type Versions,
} from './report.ts'
import { measureForm } from './runs.ts'
import { versionOf } from './servers.ts'

const mixes: readonly Mix[] = ['put', 'get']
const redisMajorMin = 7

/** The versions of those that are there; a sentence is printed about each other one. */
function installed(only: readonly OtherName[]): Versions {
  const redis = only.includes('redis') ? versionOf('redis-server', /v=(\S+)/) : undefined
  const etcd = only.includes('etcd') ? versionOf('etcd', /etcd Version: (\S+)/) : undefined
  const isOld = redis !== undefined && Number.parseInt(redis, 10) < redisMajorMin
  if (isOld) console.log(`Redis ${redis} is older than ${redisMajorMin}: left out.`)
  else if (only.includes('redis') && redis === undefined) {
    console.log('Redis is not installed (no redis-server on the PATH): left out.')
  }
  if (only.includes('etcd') && etcd === undefined) {
    console.log('etcd is not installed (no etcd on the PATH): left out.')
  }
  return { ...(redis !== undefined && !isOld && { redis }), ...(etcd !== undefined && { etcd }) }
}

async function measureAll(
  options: OthersOptions,
  stores: readonly OtherName[],
): Promise<Measurements[]> {
  const cases = mixes.flatMap((mix) =>
    options.inFlight.map((inFlight) => ({ inFlight, forms: [ours[mix], ...formsOf(stores, mix)] })),
  )
  const rows = cases.map(({ inFlight, forms }) =>
    forms.map((form) => () => measureForm(form, inFlight, options)),
  )
  const outcomes = await measureRounds(rows, options.pairs, (round) => {
    if (process.stderr.isTTY) process.stderr.write(`${round} of ${options.pairs} rounds\r`)
  })
  return cases.flatMap(({ inFlight, forms }, i) =>
    measurementsOf(
      forms.map((form) => ({ form, inFlight })),
      outcomes[i]!,
    ),
  )
}

function warn({ diskRoot }: OthersOptions): void {
  if (diskRoot === undefined || !isInMemory(diskRoot)) return
  console.log(`${diskRoot} is in memory: to wait for the disk costs nothing there (see --data).\n`)
}

async function compare(options: OthersOptions): Promise<void> {
  const versions = installed(options.only)
  const stores = options.only.filter((name) => versions[name] !== undefined)
  if (stores.length === 0) {
    console.log('There is nothing to compare with.')
    return
  }
  warn(options)
  ensureBuilt(options.dist)
  await hireJanitor()
  const all = await measureAll(options, stores)
  const told = stores.map((name) => `${name} ${versions[name]!}`).join(', ')
  const onDisk = options.diskRoot === undefined ? '' : `, on disk in ${options.diskRoot}`
  console.log(
    `${options.valueBytes} B, ${options.pairs} × ${options.seconds} s, ${told}${onDisk}\n`,
  )
  console.log(tableOf(all).join('\n'))
  console.log(`\n${[...troublesOf(all), ...notesOf(stores, options)].join('\n')}`)
  if (options.keep) console.log(`\n${keepResults(options, versions, all)}`)
  if (all.some(({ failures }) => failures.length > 0)) process.exitCode = 1
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options === 'help') console.log(usage)
  else await compare(options)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
