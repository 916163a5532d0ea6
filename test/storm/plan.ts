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
import { copiesOf, drawCluster, nodeNames } from './plan-cluster.ts'
import type { ClusterPlan } from './plan-cluster.ts'
import { drawClients, drawGroups } from './plan-workload.ts'
import type { ClientPlan, GroupPlan } from './plan-workload.ts'
import { themes } from './themes.ts'
import type { Theme } from './themes.ts'

/**
 * How far the faults go. `gentle`: every promise of the cluster's options holds. `losses`: copies
 * are lost, but fewer than W of any write, so that no acknowledged write is. `reckless`: without
 * limit.
 */
export type Mood = 'gentle' | 'losses' | 'reckless'

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
  readonly theme: Theme
  readonly mood: Mood
  readonly cluster: ClusterPlan
  readonly groups: readonly GroupPlan[]
  readonly clients: readonly ClientPlan[]
  /** Whether some values have a time to live. Only where all clocks are right. */
  readonly isMortal: boolean
  readonly acts: readonly ActPlan[]
}

/** What can be said of a plan from outside. */
export interface PlanOptions {
  /** Virtual minutes with faults. @default drawn, 6 on average */
  readonly minutes?: number | undefined
  /** Faults to leave out, to find out which one a failure needs. */
  readonly without?: readonly string[] | undefined
}

/** The plan of a seed. */
export function drawPlan(seed: number, options: PlanOptions = {}): StormPlan {
  const draw = Draw.ofSeed(seed, 'plan')
  const theme = drawTheme(draw.fork('theme'))
  const drawnMood = draw.fork('mood').weighted({ gentle: 22, losses: 58, reckless: 20 })
  const wanted = themes[theme].mood ?? drawnMood
  const drawn = drawCluster(draw.fork('cluster'), wanted)
  const cluster = { ...drawn, ...themes[theme].cluster?.(draw.fork('cluster of theme'), drawn) }
  const mood = wanted === 'losses' && copiesOf(cluster) < 2 ? 'gentle' : wanted
  const groups = drawGroups(draw.fork('groups'), { mood, theme })
  const clients = drawClients(draw.fork('clients'), groups, theme)
  const acts = drawActs(draw.fork('acts'), { theme, cluster, mood, minutes: options.minutes })
  const isWanted = ({ fault }: FaultPlan): boolean => options.without?.includes(fault) !== true
  const cut = acts.map((act) => ({ ...act, faults: act.faults.filter(isWanted) }))
  const isMortal = draw.fork('mortal').chance(0.5) && !cut.some(hasClockFaults)
  return { seed, theme, mood, cluster, groups, clients, isMortal, acts: cut }
}

function hasClockFaults({ faults }: ActPlan): boolean {
  return faults.some(({ fault }) => menu[fault].area === 'clock')
}

function drawTheme(draw: Draw): Theme {
  const weights = Object.entries(themes).map(([name, { weight }]) => [name, weight])
  return draw.weighted(Object.fromEntries(weights) as Record<Theme, number>)
}

/**
 * A node that comes back with an empty disk is a change of the ring. Two processes that vote under
 * one name can undo the agreement on those, so that no plan has both.
 */
const emptying: readonly FaultName[] = ['wipe', 'replacement']

interface ActsOptions {
  readonly theme: Theme
  readonly cluster: ClusterPlan
  readonly mood: Mood
  readonly minutes: number | undefined
}

function drawActs(draw: Draw, options: ActsOptions): ActPlan[] {
  const { theme, cluster, mood, minutes = draw.whole(24, 50) / 6 } = options
  const count = draw.whole(1, 3)
  const chosen = drawFaultNames(draw.fork('names'), options)
  return Array.from({ length: count }, (_, i) => {
    const own = draw.fork(`act ${i}`)
    const ms = Math.round((minutes * 60_000) / count)
    const victims = drawVictims(own, cluster, mood)
    return { ms, victims, faults: drawFaults(own, { theme, cluster, victims, chosen, ms }) }
  })
}

/** What a plan may leave out altogether. */
const areaNames: readonly Area[] = ['network', 'process', 'disk', 'data', 'clock', 'ring']

/** What the plan is about is not left out. */
function isMeant(area: Area, mood: Mood): boolean {
  return area === 'ring' || (area === 'data' && mood !== 'gentle')
}

function drawFaultNames(draw: Draw, { theme, cluster, mood }: ActsOptions): FaultName[] {
  const { faults: allowed = faultNames, often = {} } = themes[theme]
  const share = draw.pick([0.3, 0.5, 0.7])
  const areas = new Set(areaNames.filter((area) => draw.chance(0.8) || isMeant(area, mood)))
  const drawn = faultNames.filter((name) => {
    const { area, needs, destroys = false, isGentle = false, odds = share } = menu[name]
    const isDrawn = draw.chance(odds) || often[name] !== undefined
    if (!allowed.includes(name)) return false
    if (!areas.has(area) && often[name] === undefined) return false
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

interface FaultsOptions {
  readonly theme: Theme
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
  const { theme, cluster, victims, chosen, ms } = options
  const focus = draw.chance(0.6) ? draw.pick(nodeNames(cluster)) : undefined
  const moments = Array.from({ length: draw.whole(1, 6) }, () => draw.whole(0, ms - 1))
  const togetherness = draw.pick([0, 0.5, 0.9])
  const faults: FaultPlan[] = []
  for (const fault of chosen) {
    const { aim, times, forMs } = menu[fault]
    const own = draw.fork(fault)
    for (let left = own.whole(1, themes[theme].often?.[fault] ?? times); left > 0; left--) {
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
