/** How soon all members know of a change, and what membership costs on the wire, on virtual time. */
import { membershipDefaults } from '../../src/membership/options.ts'
import { percentile } from '../../test/membership/kit/cluster.ts'
import { exchangeBytes, MeteredCluster } from './scale-meter.ts'
import { growth, printTable, shownBytes, whole, type Row } from './scale-table.ts'

const { gossipIntervalMs } = membershipDefaults
/** After the first exchanges, which all make soon after their start. */
const warmUpMs = 5000
const quietWindowMs = 20_000
/** In larger clusters fewer changes are simulated: each costs as much more. */
const membersOfFullCount = 300
/** Nothing takes as long; the program would run for ever if it did. */
const givenUpMs = 300_000

/** What is measured of clusters of one size; one number for each change. */
interface Samples {
  readonly members: number
  readonly spreadMs: number[]
  readonly spreadBytesPerSecond: number[]
  readonly spreadBytes: number[]
  readonly deathMs: number[]
  readonly deathSpreadMs: number[]
  readonly deathBytesPerSecond: number[]
  quietBytesPerSecond: number
  exchangeBytes: number
  restartBytes: number
  restartMs: number
}

/** Runs until the condition holds for every member; once it holds for one, it goes on to. */
function runUntilAll(
  cluster: MeteredCluster,
  ids: readonly string[],
  is: (id: string) => boolean,
): number {
  let known = 0
  const ms = cluster.runUntil(() => {
    while (known < ids.length && is(ids[known]!)) known += 1
    return known === ids.length
  }, givenUpMs)
  if (ms === Infinity) throw new Error(`${ids.length} members did not agree in ${givenUpMs} ms`)
  return ms
}

/** A member is accused, and refutes it with a new incarnation, of which all must hear. */
function measureSpread(cluster: MeteredCluster, id: string, samples: Samples): void {
  const { self } = cluster.machine(id)
  const by = cluster.ids.find((other) => other !== id)!
  cluster.reset()
  const startMs = cluster.now
  const claims = [{ ...self, status: 'suspect', by } as const]
  cluster.deliver(id, by, { kind: 'gossip', claims })
  const isKnown = (other: string): boolean =>
    (cluster.machine(other).member(id)?.incarnation ?? 0) > self.incarnation
  samples.spreadMs.push(runUntilAll(cluster, cluster.ids, isKnown))
  cluster.runUntilQuiet()
  const seconds = (cluster.now - startMs) / 1000
  const perNode = cluster.bytes / samples.members
  samples.spreadBytes.push(perNode - samples.quietBytesPerSecond * seconds)
  samples.spreadBytesPerSecond.push(perNode / seconds)
}

/** The member falls silent. Of the machine, not the process: nobody's connection is refused. */
function measureDeath(
  cluster: MeteredCluster,
  id: string,
  alive: string[],
  samples: Samples,
): void {
  cluster.reset()
  cluster.crash(id)
  const startMs = cluster.now
  const ms = runUntilAll(cluster, alive, (other) => cluster.status(other, id) === 'dead')
  const first = cluster.sights.find(({ member, status }) => member === id && status === 'dead')
  samples.deathMs.push(ms)
  samples.deathSpreadMs.push(startMs + ms - (first?.at ?? startMs))
  samples.deathBytesPerSecond.push(cluster.bytes / alive.length / (ms / 1000))
  cluster.runUntilQuiet()
}

/** A member starts again and remembers all others: what it says until it has no more to say. */
function measureRestart(cluster: MeteredCluster, id: string, samples: Samples): void {
  cluster.reset()
  cluster.watched = id
  cluster.restart(id)
  samples.restartMs = cluster.runUntilQuiet()
  samples.restartBytes = cluster.bytesFrom
}

/** One cluster bears changes of a twentieth of its members, then it would be another one. */
function measureCluster(seed: number, samples: Samples, changes: number): void {
  const { members } = samples
  const cluster = new MeteredCluster({ seed, nodes: members })
  const isFirst = samples.spreadMs.length === 0
  cluster.run(warmUpMs + seed * 7)
  if (isFirst) {
    cluster.runUntilQuiet()
    cluster.reset()
    cluster.run(quietWindowMs)
    samples.quietBytesPerSecond = cluster.bytes / members / (quietWindowMs / 1000)
    samples.exchangeBytes = exchangeBytes(cluster)
  }
  for (let i = 0; i < changes; i++) {
    cluster.run(97 * i)
    measureSpread(cluster, cluster.ids[i]!, samples)
  }
  if (isFirst) measureRestart(cluster, cluster.ids[changes]!, samples)
  let alive = [...cluster.ids]
  for (let i = 0; i < changes; i++) {
    cluster.run(97 * i)
    const id = alive.at(-1)!
    alive = alive.slice(0, -1)
    measureDeath(cluster, id, alive, samples)
  }
}

function measure(members: number, seeds: number): Samples {
  const samples: Samples = {
    members,
    spreadMs: [],
    spreadBytesPerSecond: [],
    spreadBytes: [],
    deathMs: [],
    deathSpreadMs: [],
    deathBytesPerSecond: [],
    quietBytesPerSecond: 0,
    exchangeBytes: 0,
    restartBytes: 0,
    restartMs: 0,
  }
  const wanted = Math.ceil(seeds * Math.min(1, membersOfFullCount / members))
  const changesMax = Math.max(1, Math.floor(members / 20))
  for (let seed = 1; samples.spreadMs.length < wanted; seed++) {
    measureCluster(seed, samples, Math.min(changesMax, wanted - samples.spreadMs.length))
  }
  return samples
}

const rounds = (ms: readonly number[], p: number): number =>
  Math.ceil(percentile(ms, p) / gossipIntervalMs)

const shownSeconds = (ms: number): string => (ms / 1000).toFixed(1)

function convergenceRow(samples: Samples, before: Samples | undefined): Row {
  const { members, spreadMs, deathMs, deathSpreadMs } = samples
  const p99 = rounds(spreadMs, 0.99)
  return [
    whole(members),
    whole(spreadMs.length),
    String(rounds(spreadMs, 0.5)),
    String(p99),
    growth(p99, before && rounds(before.spreadMs, 0.99)),
    shownSeconds(percentile(deathMs, 0.5)),
    shownSeconds(percentile(deathMs, 0.99)),
    String(rounds(deathSpreadMs, 0.5)),
    String(rounds(deathSpreadMs, 0.99)),
  ]
}

function trafficRow(samples: Samples, before: Samples | undefined): Row {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length
  return [
    whole(samples.members),
    shownBytes(samples.quietBytesPerSecond),
    growth(samples.quietBytesPerSecond, before?.quietBytesPerSecond),
    shownBytes(mean(samples.spreadBytesPerSecond)),
    shownBytes(mean(samples.spreadBytes)),
    shownBytes(mean(samples.deathBytesPerSecond)),
    shownBytes(samples.exchangeBytes),
    growth(samples.exchangeBytes, before?.exchangeBytes),
    shownBytes(samples.restartBytes),
    shownSeconds(samples.restartMs),
  ]
}

const convergenceColumns: Row = [
  'members',
  'changes',
  'new incarnation: rounds p50',
  'p99',
  'growth',
  'crash known to all, s: p50',
  'p99',
  'rounds from the first to the last: p50',
  'p99',
]

const trafficColumns: Row = [
  'members',
  'quiet, /s',
  'growth',
  'during a new incarnation, /s',
  'one change in all',
  'during a crash, /s',
  'exchange, one way',
  'growth',
  'a restart says',
  'for s',
]

/** Prints both tables. @param seeds changes of each kind, for each size. */
export function measureGossip(members: readonly number[], seeds: number): void {
  const convergence: Row[] = []
  const traffic: Row[] = []
  let before: Samples | undefined
  for (const count of members) {
    const startMs = performance.now()
    const samples = measure(count, seeds)
    convergence.push(convergenceRow(samples, before))
    traffic.push(trafficRow(samples, before))
    before = samples
    console.error(`${count} members simulated in ${shownSeconds(performance.now() - startMs)} s`)
  }
  const round = `rounds of ${gossipIntervalMs} ms`
  printTable(
    `How soon all know of a change, in ${round}; nothing is lost`,
    convergenceColumns,
    convergence,
  )
  printTable('What membership sends, for each node', trafficColumns, traffic)
}
