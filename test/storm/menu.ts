/**
 * The fault menu: each fault that the storm can strike with, whom it strikes, for how long, and
 * when a plan may have it. How it is done is in `nemesis.ts`.
 */

import type { ClusterPlan } from './plan-cluster.ts'
import type { Mood } from './plan.ts'

/** What a fault is about; promises depend on it. */
export type Area = 'network' | 'process' | 'disk' | 'data' | 'clock' | 'ring'

/** Whom it strikes: one node, two, or all in an order of their own. `victim`: see `ActPlan`. */
type Aim = 'node' | 'pair' | 'all' | 'victim'

/** One line of the menu. */
export interface MenuLine {
  readonly area: Area
  readonly aim: Aim
  /** Least and most time from its beginning to its end, milliseconds. */
  readonly forMs: readonly [number, number]
  /** Most times in an act. */
  readonly times: number
  /**
   * It destroys what was acknowledged: in plans that keep promises about acknowledged writes it
   * strikes victims only.
   */
  readonly destroys?: boolean
  /** It destroys, but so gently that even sessions notice nothing; see `promises.ts`. */
  readonly isGentle?: boolean
  /** How likely a plan has it that may. @default drawn for each plan */
  readonly odds?: number
  /** It waits until nothing else is wrong, and holds up what comes meanwhile. @default false */
  readonly isAlone?: boolean
  /** Where it makes no sense or is forbidden. @default everywhere allowed */
  readonly needs?: (cluster: ClusterPlan, mood: Mood) => boolean
}

const names = [
  'halves',
  'isolate',
  'thirds',
  'bridge',
  'majorities-ring',
  'flapping',
  'one-way',
  'loss',
  'duplicate',
  'reorder',
  'delay',
  'slowness',
  'corruption',
  'clog',
  'reset',
  'deaf',
  'crash',
  'power-cut',
  'dark-machine',
  'torn-crash',
  'brown-out',
  'all-restart',
  'restart',
  'pause',
  'failing-writes',
  'failing-reads',
  'failing-sync',
  'full-disk',
  'slow-disk',
  'bit-flip',
  'replacement',
  'forgetting',
  'wipe',
  'old-disk',
  'old-clean-disk',
  'twin',
  'skew',
  'drift',
  'freeze',
  'join',
  'leave',
  'removal',
  'takeover',
  // The last: whether a plan has a fault is drawn in this order, and kept seeds are to stay what they were.
  'reweight',
] as const

/** The name of a fault. */
export type FaultName = (typeof names)[number]

/** All of them. */
export const faultNames: readonly FaultName[] = names

const short: readonly [number, number] = [200, 30_000]
const outage: readonly [number, number] = [100, 40_000]
const moment: readonly [number, number] = [1, 1]

const isDurable = ({ storage }: ClusterPlan): boolean => storage === 'durable'
const hasNodes =
  (least: number) =>
  ({ nodes }: ClusterPlan): boolean =>
    nodes >= least
const durableWith =
  (least: number) =>
  (cluster: ClusterPlan): boolean =>
    isDurable(cluster) && hasNodes(least)(cluster)
const topology =
  (least: number) =>
  (cluster: ClusterPlan): boolean =>
    cluster.hasTopology && hasNodes(least)(cluster)

const partition = { area: 'network', aim: 'all', forMs: short, times: 4 } as const
const links = { area: 'network', aim: 'all', forMs: [1000, 60_000], times: 3 } as const

/** Every fault by name. */
export const menu: Readonly<Record<FaultName, MenuLine>> = {
  halves: { ...partition, needs: hasNodes(2) },
  isolate: { ...partition, needs: hasNodes(2) },
  thirds: { ...partition, needs: hasNodes(3) },
  bridge: { ...partition, needs: hasNodes(3) },
  'majorities-ring': { ...partition, needs: hasNodes(4) },
  // Now this node is cut off, now that one, each for a moment: writes reach some owners only.
  flapping: {
    area: 'network',
    aim: 'all',
    forMs: [2000, 30_000],
    times: 4,
    needs: hasNodes(2),
  },
  'one-way': { area: 'network', aim: 'pair', forMs: short, times: 5, needs: hasNodes(2) },
  loss: { ...links, needs: hasNodes(2) },
  duplicate: { ...links, needs: hasNodes(2) },
  reorder: { ...links, needs: hasNodes(2) },
  delay: { ...links, needs: hasNodes(2) },
  slowness: { ...links, needs: hasNodes(2) },
  corruption: { ...links, needs: hasNodes(2) },
  clog: { area: 'network', aim: 'pair', forMs: short, times: 5, needs: hasNodes(2) },
  reset: { area: 'network', aim: 'pair', forMs: moment, times: 15, needs: hasNodes(2) },
  // It sends, but what is sent to it does not come through: it accuses all others.
  deaf: {
    area: 'network',
    aim: 'node',
    forMs: [45_000, 90_000],
    times: 1,
    odds: 0.25,
    isAlone: true,
    needs: hasNodes(4),
  },
  // A process dies; with memory storage all that it had dies with it.
  crash: { area: 'process', aim: 'node', forMs: outage, times: 5, needs: isDurable },
  'power-cut': { area: 'process', aim: 'node', forMs: outage, times: 5, needs: isDurable },
  'dark-machine': { area: 'process', aim: 'node', forMs: outage, times: 4, needs: isDurable },
  'torn-crash': { area: 'process', aim: 'node', forMs: outage, times: 4, needs: isDurable },
  // A machine on its way out: its disk hardly writes, and most of what it sends is lost; then it dies.
  'brown-out': {
    area: 'process',
    aim: 'node',
    forMs: [500, 10_000],
    times: 6,
    needs: durableWith(2),
  },
  'all-restart': { area: 'process', aim: 'all', forMs: outage, times: 1, needs: isDurable },
  restart: { area: 'process', aim: 'node', forMs: moment, times: 4, needs: isDurable },
  pause: { area: 'process', aim: 'node', forMs: [5, 60_000], times: 6 },
  'failing-writes': { area: 'disk', aim: 'node', forMs: short, times: 5, needs: isDurable },
  'failing-reads': { area: 'disk', aim: 'node', forMs: short, times: 5, needs: isDurable },
  'failing-sync': { area: 'disk', aim: 'node', forMs: short, times: 3, needs: isDurable },
  'full-disk': { area: 'disk', aim: 'node', forMs: short, times: 3, needs: isDurable },
  'slow-disk': { area: 'disk', aim: 'node', forMs: short, times: 3, needs: isDurable },
  // Records in memory carry no checksum: what the computer's memory forgets is not ours to mend.
  'bit-flip': {
    area: 'data',
    aim: 'victim',
    forMs: moment,
    times: 8,
    destroys: true,
    isGentle: true,
    needs: isDurable,
  },
  replacement: {
    area: 'data',
    aim: 'victim',
    forMs: moment,
    times: 3,
    destroys: true,
    isGentle: true,
    isAlone: true,
    needs: hasNodes(3),
  },
  forgetting: {
    area: 'data',
    aim: 'victim',
    forMs: moment,
    times: 15,
    destroys: true,
    odds: 0.9,
  },
  wipe: {
    area: 'data',
    aim: 'victim',
    forMs: outage,
    times: 3,
    destroys: true,
    odds: 0.9,
    needs: hasNodes(3),
  },
  'old-disk': {
    area: 'data',
    aim: 'victim',
    forMs: outage,
    times: 2,
    destroys: true,
    odds: 0.9,
    needs: durableWith(3),
  },
  'old-clean-disk': {
    area: 'data',
    aim: 'victim',
    forMs: outage,
    times: 2,
    destroys: true,
    odds: 0.9,
    needs: durableWith(3),
  },
  twin: {
    area: 'data',
    aim: 'victim',
    forMs: outage,
    times: 2,
    destroys: true,
    odds: 1,
    needs: (cluster) => durableWith(3)(cluster) && !cluster.hasTopology,
  },
  skew: { area: 'clock', aim: 'node', forMs: short, times: 4 },
  drift: { area: 'clock', aim: 'node', forMs: [5000, 120_000], times: 3 },
  freeze: { area: 'clock', aim: 'node', forMs: short, times: 3 },
  join: { area: 'ring', aim: 'node', forMs: moment, times: 2, odds: 0.9, needs: topology(1) },
  leave: { area: 'ring', aim: 'node', forMs: outage, times: 2, odds: 0.9, needs: topology(4) },
  removal: {
    area: 'ring',
    aim: 'victim',
    forMs: outage,
    times: 4,
    destroys: true,
    odds: 0.9,
    needs: topology(4),
  },
  takeover: {
    area: 'ring',
    aim: 'victim',
    forMs: outage,
    times: 3,
    destroys: true,
    odds: 0.9,
    needs: topology(4),
  },
  // It is stopped in good order, and started with another weight or in another zone.
  reweight: {
    area: 'ring',
    aim: 'node',
    forMs: moment,
    times: 3,
    odds: 0.7,
    needs: (cluster) => isDurable(cluster) && topology(2)(cluster),
  },
}
