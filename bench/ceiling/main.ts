/**
 * The bare ceiling: a program of the store's shape that does only what any such store must. Three processes over
 * loopback, the coordinator in the client's and itself a replica, N = 3 and R = W = 2, vector clocks with siblings,
 * values copied, all in memory. No membership, no ring, no repair, no hints, no errors but a deadline: what is faster
 * than this on the machine of the moment is no replicated store for Node.js. Prints one line of JSON for each case.
 *
 *     npx tsx bench/ceiling/run.ts mix=put,get c=64,256
 */
import { fileURLToPath } from 'node:url'
import { startCoordinator } from './coordinator.ts'
import { LoadGenerator, type Load } from './load.ts'
import { OptionError, readOptions, usage, type CeilingOptions } from './options.ts'
import { cpuUs, replicaRole, serveReplica, startReplicas, type Replicas } from './processes.ts'
import { median, quantile } from './statistics.ts'

const warmUpSecondsMax = 1
const clientNode = 1

/** One measurement of one case. */
interface Figures {
  readonly opsPerSecond: number
  readonly p50Us: number
  readonly p99Us: number
  readonly p999Us: number
  readonly clientCpuUs: number
  readonly replicaCpuUs: number
}

async function main(args: readonly string[]): Promise<void> {
  try {
    if (args[0] === replicaRole) await serveReplica()
    else await measureAll(readOptions(args))
  } catch (error) {
    if (!(error instanceof OptionError)) throw error
    console.error(`${error.message}\n\n${usage}`)
    process.exitCode = 2
  }
}

async function measureAll({ loads, rounds, seconds, digest }: CeilingOptions): Promise<void> {
  const replicas = await startReplicas(fileURLToPath(import.meta.url))
  const { ports } = replicas
  const coordinator = await startCoordinator({ node: clientNode, ports, digest })
  const generator = new LoadGenerator(coordinator)
  const all = loads.map((load) => ({ load, figures: [] as Figures[] }))
  // Each case in each round, rather than all rounds of a case at once: all see the same noise, equally warm.
  for (const load of loads) {
    await generator.preload(load.valueBytes)
    await generator.run(load, Math.min(warmUpSecondsMax, seconds))
  }
  for (let round = 0; round < rounds; round++) {
    for (const { load, figures } of all) {
      figures.push(await measure(generator, replicas, load, seconds))
    }
  }
  for (const { load, figures } of all) console.log(lineOf(load, figures))
  coordinator.close()
  await replicas.close()
}

async function measure(
  generator: LoadGenerator,
  replicas: Replicas,
  load: Load,
  seconds: number,
): Promise<Figures> {
  await generator.preload(load.valueBytes)
  const othersBeforeUs = await replicas.cpuUs()
  const beforeUs = cpuUs()
  const { operations, elapsedMs, latenciesMs } = await generator.run(load, seconds)
  const clientCpuUs = (cpuUs() - beforeUs) / operations
  const replicaCpuUs = ((await replicas.cpuUs()) - othersBeforeUs) / operations
  const sortedMs = latenciesMs.sort()
  return {
    opsPerSecond: (operations / elapsedMs) * 1000,
    p50Us: quantile(sortedMs, 0.5) * 1000,
    p99Us: quantile(sortedMs, 0.99) * 1000,
    p999Us: quantile(sortedMs, 0.999) * 1000,
    clientCpuUs,
    replicaCpuUs,
  }
}

/** The medians, under the names that the bench suite reads. */
function lineOf({ valueBytes, dist, mix, inFlight }: Load, all: readonly Figures[]): string {
  const of = (name: keyof Figures): number => median(all.map((figures) => figures[name]))
  return JSON.stringify({
    vs: valueBytes,
    dist,
    mix,
    C: inFlight,
    ops: Math.round(of('opsPerSecond')),
    p50us: Math.round(of('p50Us')),
    p99us: Math.round(of('p99Us')),
    p999us: Math.round(of('p999Us')),
    coordCpuUs: Number(of('clientCpuUs').toFixed(2)),
    repCpuUs: Number(of('replicaCpuUs').toFixed(2)),
  })
}

await main(process.argv.slice(2))
