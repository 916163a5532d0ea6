/**
 * Puts and gets of coterie beside those of other stores with three copies, on the machine of the moment: Redis with two
 * replicas, and etcd with three members, each where it is installed. All are driven by the same loops from one process,
 * and alternate, so that all see the same noise; medians are told.
 *
 *     npm run bench:others -- --help
 */
import { ensureBuilt } from '../library.ts'
import { dataSentence } from './etcd-servers.ts'
import { formsOf, ours, type Form, type Mix } from './forms.ts'
import { hireJanitor } from './leftovers.ts'
import type { Figures } from './loops.ts'
import { readOptions, usage, type OtherName, type OthersOptions } from './options.ts'
import { keepResults, tableOf, type Measurements, type Versions } from './report.ts'
import { measureForm } from './runs.ts'
import { versionOf } from './servers.ts'

const mixes: readonly Mix[] = ['put', 'get']
const redisMajorMin = 7

/** What promises less or more than coterie, without which the ratios say nothing. */
const notes: Readonly<Record<OtherName, string>> = {
  redis:
    'Redis: WAIT 1 has a write in two copies, like W = 2; reads ask the primary alone, where coterie compares two ' +
    'copies. Nothing is on disk.',
  etcd:
    'etcd: puts go through Raft, linearizable reads ask a majority; both promise more than a quorum of coterie. ' +
    `Driven with bare gRPC over node:http2. ${dataSentence()}`,
}

/** A case: coterie, and what it is compared with, measured after it in each round. */
interface Row {
  readonly inFlight: number
  readonly forms: readonly { readonly form: Form; readonly figures: Figures[] }[]
}

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
  const rows: Row[] = mixes.flatMap((mix) =>
    options.inFlight.map((inFlight) => {
      const forms = [ours[mix], ...formsOf(stores, mix)]
      return { inFlight, forms: forms.map((form) => ({ form, figures: [] })) }
    }),
  )
  for (let pair = 1; pair <= options.pairs; pair++) {
    for (const { inFlight, forms } of rows) {
      for (const { form, figures } of forms) {
        figures.push(await measureForm(form, inFlight, options))
      }
    }
    if (process.stderr.isTTY) process.stderr.write(`${pair} of ${options.pairs} rounds\r`)
  }
  return rows.flatMap(({ inFlight, forms }) =>
    forms.map(({ form, figures }) => {
      const isOurs = form.store === 'coterie'
      return { form, inFlight, figures, ours: isOurs ? [] : forms[0]!.figures }
    }),
  )
}

async function compare(options: OthersOptions): Promise<void> {
  const versions = installed(options.only)
  const stores = options.only.filter((name) => versions[name] !== undefined)
  if (stores.length === 0) {
    console.log('There is nothing to compare with.')
    return
  }
  ensureBuilt(options.dist)
  await hireJanitor()
  const all = await measureAll(options, stores)
  const told = stores.map((name) => `${name} ${versions[name]!}`).join(', ')
  console.log(`${options.valueBytes} B, ${options.pairs} × ${options.seconds} s, ${told}\n`)
  console.log(tableOf(all).join('\n'))
  console.log(`\n${stores.map((name) => notes[name]).join('\n')}`)
  if (options.keep) console.log(`\nkept in ${keepResults(options, versions, all)}`)
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options === 'help') console.log(usage)
  else await compare(options)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
