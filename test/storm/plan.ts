/**
 * What one seed means: the cluster, its data and clients, and which faults strike when. A plan is
 * plain data, drawn before anything runs, and prints as JSON.
 *
 * Each seed has a random subset of everything, not a little of everything: a test that does all at
 * once hides what only shows when some of it is missing (swarm testing, Groce et al. 2012).
 */

import { Draw } from './draw.ts'
import { faultNames, menu } from './menu.ts'
import type { Area, FaultName } from './menu.ts'
import { drawClients, drawGroups } from './plan-workload.ts'
import type { ClientPlan, GroupPlan } from './plan-workload.ts'

/**
 * How far the faults go. `gentle`: every promise of the cluster's options holds. `losses`: copies
 * are lost, but fewer than W of any write, so that no acknowledged write is. `reckless`: without
 * limit.
 */
export type Mood = 'gentle' | 'losses' | 'reckless'

/** The cluster and its options. */
export interface ClusterPlan {
  readonly nodes: number
  readonly zones: readonly string[]
  readonly partitions: number
  readonly storage: 'memory' | 'durable'
  readonly n: number
  readonly r: number
  readonly w: number
  readonly sloppy: boolean
  readonly readRepair: 'blocking' | 'async' | 'off'
  readonly timeoutMs: number
  readonly latencyMs: number
  readonly jitterMs: number
  /** Bytes hinted for one member before its partitions are marked instead. */
  readonly hintBytesMax: number
  readonly handoffIntervalMs: number
  /** Whether members come and go. */
  readonly hasTopology: boolean
}

/** One fault at its time. */
export interface FaultPlan {
  readonly fault: FaultName
  /** Since the start of the act. */
  readonly atMs: number
  readonly forMs: number
  /** Whom it strikes; all nodes, in an order of its own, for one that is about all. */
  readonly nodes: readonly string[]
  /** How hard it strikes, 0 to 1. */
  readonly level: number
}

/** Faults while clients work, then everything heals and converges. */
export interface ActPlan {
  readonly ms: number
  /**
   * The nodes whose copies may be destroyed in this act, fewer than W unless the mood is reckless:
   * then at least one acknowledged copy of each write survives until the act's end, when all owners
   * have it again.
   */
  readonly victims: readonly string[]
  readonly faults: readonly FaultPlan[]
}

/** Everything that one seed decides. */
export interface StormPlan {
  readonly seed: number
  readonly mood: Mood
  readonly cluster: ClusterPlan
  readonly groups: readonly GroupPlan[]
  readonly clients: readonly ClientPlan[]
  readonly acts: readonly ActPlan[]
}

/** What can be said of a plan from outside. */
export interface PlanOptions {
  /** Virtual minutes with faults. @default drawn, 7 on average */
  readonly minutes?: number | undefined
  /** Faults to leave out, to find out which one a failure needs. */
  readonly without?: readonly string[] | undefined
}

/** The plan of a seed. */
export function drawPlan(seed: number, options: PlanOptions = {}): StormPlan {
  const draw = Draw.ofSeed(seed, 'plan')
  const isStrict = draw.fork('strict').chance(0.35)
  const drawnMood = draw.fork('mood').weighted({ gentle: 22, losses: 58, reckless: 20 })
  const wanted = isStrict ? 'gentle' : drawnMood
  const cluster = isStrict
    ? drawStrictCluster(draw.fork('cluster'))
    : drawCluster(draw.fork('cluster'), wanted)
  const mood = wanted === 'losses' && copiesOf(cluster) < 2 ? 'gentle' : wanted
  const groups = drawGroups(draw.fork('groups'), { mood, isStrict })
  const clients = drawClients(draw.fork('clients'), groups)
  const acts = drawActs(draw.fork('acts'), { cluster, mood, minutes: options.minutes })
  const isWanted = ({ fault }: FaultPlan): boolean => options.without?.includes(fault) !== true
  const cut = acts.map((act) => ({ ...act, faults: act.faults.filter(isWanted) }))
  return { seed, mood, cluster, groups, clients, acts: cut }
}

/** How many owners a key has at least, members that come and go considered. */
function ownersOf({ n, nodes, hasTopology }: ClusterPlan): number {
  return Math.min(n, hasTopology && nodes >= 4 ? nodes - 2 : nodes)
}

/** How many copies an acknowledged write has at least. */
export function copiesOf(cluster: ClusterPlan): number {
  return Math.min(cluster.w, ownersOf(cluster))
}

function drawQuorums(draw: Draw, n: number): { r: number; w: number } {
  const majority = Math.floor(n / 2) + 1
  switch (draw.weighted({ majorities: 66, 'one of all': 14, 'all of one': 5, any: 15 })) {
    case 'majorities':
      return { r: majority, w: majority }
    case 'one of all':
      return { r: 1, w: n }
    case 'all of one':
      return { r: n, w: 1 }
    case 'any':
      return { r: draw.whole(1, n), w: draw.whole(1, n) }
  }
}

function drawCluster(draw: Draw, mood: Mood): ClusterPlan {
  const nodes = Number(draw.weighted({ 1: 2, 2: 3, 3: 18, 4: 15, 5: 30, 6: 10, 7: 10, 8: 6, 9: 6 }))
  const n = Number(draw.weighted({ 1: 3, 2: 6, 3: 55, 4: 10, 5: 22, 7: 4 }))
  const { r, w } = drawQuorums(draw, n)
  const zoneCount = draw.chance(0.3) ? draw.whole(2, 3) : 0
  const latencyMs = draw.magnitude([1, 30])
  return {
    nodes,
    zones: ['east', 'west', 'north'].slice(0, zoneCount),
    partitions: draw.pick([8, 16, 32, 64]),
    storage: draw.chance(0.75) ? 'durable' : 'memory',
    n,
    r,
    w,
    sloppy: draw.chance(mood === 'gentle' ? 0.2 : 0.4),
    readRepair: draw.weighted({ blocking: 17, async: 2, off: 1 }),
    timeoutMs: draw.magnitude([300, 5000]),
    latencyMs,
    jitterMs: draw.magnitude([1, 3 * latencyMs]),
    hintBytesMax: draw.chance(0.2) ? 2000 : 1_000_000,
    handoffIntervalMs: draw.pick([1000, 5000]),
    hasTopology: draw.chance(mood === 'gentle' ? 0.1 : 0.5),
  }
}

/** A small cluster that promises the most: strict majorities, reads that wait for their repairs. */
function drawStrictCluster(draw: Draw): ClusterPlan {
  const cluster = drawCluster(draw, 'gentle')
  const n = Number(draw.weighted({ 3: 8, 5: 2 }))
  const majority = Math.floor(n / 2) + 1
  return {
    ...cluster,
    nodes: draw.whole(n, n + 2),
    partitions: draw.pick([8, 16]),
    storage: draw.chance(0.85) ? 'durable' : 'memory',
    n,
    r: majority,
    w: majority,
    sloppy: false,
    readRepair: 'blocking',
    timeoutMs: draw.magnitude([100, 3000]),
    hasTopology: false,
  }
}

/**
 * A node that comes back with an empty disk is a change of the ring. Two processes that vote under
 * one name can undo the agreement on those, so that no plan has both.
 */
const emptying: readonly FaultName[] = ['wipe', 'replacement']

interface ActsOptions {
  readonly cluster: ClusterPlan
  readonly mood: Mood
  readonly minutes: number | undefined
}

function drawActs(draw: Draw, options: ActsOptions): ActPlan[] {
  const { cluster, mood, minutes = draw.whole(27, 60) / 6 } = options
  const count = draw.whole(1, 3)
  const chosen = drawFaultNames(draw.fork('names'), cluster, mood)
  return Array.from({ length: count }, (_, i) => {
    const own = draw.fork(`act ${i}`)
    const ms = Math.round((minutes * 60_000) / count)
    const victims = drawVictims(own, cluster, mood)
    return { ms, victims, faults: drawFaults(own, { cluster, victims, chosen, ms }) }
  })
}

/** What a plan may leave out altogether. */
const areaNames: readonly Area[] = ['network', 'process', 'disk', 'data', 'clock', 'ring']

/** What the plan is about is not left out. */
function isMeant(area: Area, mood: Mood): boolean {
  return area === 'ring' || (area === 'data' && mood !== 'gentle')
}

function drawFaultNames(draw: Draw, cluster: ClusterPlan, mood: Mood): FaultName[] {
  const share = draw.pick([0.3, 0.5, 0.7])
  const areas = new Set(areaNames.filter((area) => draw.chance(0.8) || isMeant(area, mood)))
  const drawn = faultNames.filter((name) => {
    const { area, needs, destroys = false, isGentle = false, isRare = false } = menu[name]
    const isDrawn = draw.chance(isRare ? 0.9 : share)
    if (!areas.has(area)) return false
    if (destroys && !isGentle && mood === 'gentle') return false
    if (destroys && mood !== 'reckless' && copiesOf(cluster) < 2) return false
    return isDrawn && (needs === undefined || needs(cluster, mood))
  })
  return drawn.includes('twin') ? drawn.filter((name) => !emptying.includes(name)) : drawn
}

function drawVictims(draw: Draw, cluster: ClusterPlan, mood: Mood): string[] {
  const names = draw.shuffled(nodeNames(cluster))
  return mood === 'reckless' ? names : names.slice(0, copiesOf(cluster) - 1)
}

/** The names that the cluster's first nodes have. */
export function nodeNames({ nodes }: ClusterPlan): string[] {
  return Array.from({ length: nodes }, (_, i) => `n${i + 1}`)
}

interface FaultsOptions {
  readonly cluster: ClusterPlan
  readonly victims: readonly string[]
  readonly chosen: readonly FaultName[]
  readonly ms: number
}

/**
 * Faults that meet find more than faults alone: in most acts one node is struck more often than the
 * others, and many faults begin around the same few moments.
 */
function drawFaults(draw: Draw, options: FaultsOptions): FaultPlan[] {
  const { cluster, victims, chosen, ms } = options
  const focus = draw.chance(0.6) ? draw.pick(nodeNames(cluster)) : undefined
  const moments = Array.from({ length: draw.whole(1, 6) }, () => draw.whole(0, ms - 1))
  const togetherness = draw.pick([0, 0.5, 0.9])
  const faults: FaultPlan[] = []
  for (const fault of chosen) {
    const { aim, times, forMs } = menu[fault]
    const own = draw.fork(fault)
    for (let left = own.whole(1, times); left > 0; left--) {
      const isTogether = own.chance(togetherness)
      const someMs = isTogether ? own.pick(moments) + own.whole(0, 4000) : own.whole(0, ms)
      const atMs = Math.min(someMs, ms - 1)
      const lastsMs = Math.min(own.magnitude(forMs), ms - atMs)
      const order = own.shuffled(aim === 'victim' ? victims : nodeNames(cluster))
      if (aim !== 'victim' && focus !== undefined && own.chance(0.5)) toFront(order, focus)
      const nodes = aim === 'pair' ? order.slice(0, 2) : aim === 'all' ? order : order.slice(0, 1)
      if (nodes.length === 0) continue
      faults.push({ fault, atMs, forMs: lastsMs, nodes, level: own.share() })
    }
  }
  return faults.toSorted((a, b) => a.atMs - b.atMs)
}

function toFront(names: string[], name: string): void {
  names.splice(names.indexOf(name), 1)
  names.unshift(name)
}
