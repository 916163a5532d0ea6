/**
 * What plans are about. Most have a little of everything; some are made for one kind of trouble, so
 * that what it needs comes together more often than by chance.
 */

import type { Draw } from './draw.ts'
import type { FaultName } from './menu.ts'
import { drawQuorums } from './plan-cluster.ts'
import type { ClusterPlan } from './plan-cluster.ts'
import type { Mood } from './plan.ts'
import type { GroupName } from './plan-workload.ts'

/**
 * `any`: everything. `strict`: clusters that promise sessions the most. `power`: machines lose their
 * power over slow disks. `rot`: stored records are damaged. `amnesia`: a node forgets records again and
 * again while replicas differ. `hints`: nothing but hints brings the
 * owners together. `fill`: empty disks are filled while everybody reads. `ring`: members come and
 * go, several at once, also those that are dead. `moving`: members come and go in good order all the
 * time, and the data follows slowly, while sessions are promised the most. `graves`: much is deleted
 * and reaped, while old values are kept by members that are away, by hints, and by former owners.
 */
export type Theme =
  | 'any'
  | 'strict'
  | 'power'
  | 'rot'
  | 'amnesia'
  | 'hints'
  | 'fill'
  | 'ring'
  | 'moving'
  | 'graves'

/** How a theme differs from `any`. */
export interface ThemeLine {
  /** How likely it is, beside the others. */
  readonly weight: number
  /** @default drawn */
  readonly mood?: Mood
  readonly cluster?: (draw: Draw, drawn: ClusterPlan) => Partial<ClusterPlan>
  /** The faults that it may have. @default all */
  readonly faults?: readonly FaultName[]
  /** The faults that it has at all events, each so many times in an act at most. */
  readonly often?: Readonly<Partial<Record<FaultName, number>>>
  /** How likely it has a group. @default by mood */
  readonly groups?: Readonly<Partial<Record<GroupName, number>>>
  /** Keys of a group, archives excepted: least and most. */
  readonly keys?: readonly [number, number]
  /** Keys of an archive. @default 24 */
  readonly archived?: number
  /** Longest value, in characters. @default drawn */
  readonly valueMax?: number
  /** Operations in a second: least and most. */
  readonly pace?: readonly [number, number]
  /** How many times as likely as elsewhere a client deletes. @default 1 */
  readonly deletions?: number
}

const links: readonly FaultName[] = [
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
]

const clocks: readonly FaultName[] = ['skew', 'drift', 'freeze']

const deaths: readonly FaultName[] = [
  'crash',
  'power-cut',
  'dark-machine',
  'torn-crash',
  'brown-out',
  'all-restart',
  'restart',
  'pause',
]

const strict = { sloppy: false, readRepair: 'blocking', hasTopology: false } as const

/** All themes. The order is part of the drawing: kept seeds are to stay what they were. */
export const themes: Readonly<Record<Theme, ThemeLine>> = {
  moving: {
    weight: 6,
    mood: 'gentle',
    cluster: (draw) => ({
      nodes: draw.whole(5, 7),
      n: 3,
      ...drawQuorums(draw, 3, { majorities: 8, 'one of all': 2 }),
      ...strict,
      hasTopology: true,
      partitions: draw.pick([8, 16]),
      latencyMs: draw.magnitude([5, 60]),
      timeoutMs: draw.magnitude([300, 2000]),
      handoffIntervalMs: 1000,
      // So slow that a change lasts for seconds.
      handoffRate: draw.magnitude([1000, 4000]),
    }),
    faults: [...links, 'crash', 'restart', 'pause', 'bit-flip', 'join', 'leave', 'reweight'],
    often: { join: 2, leave: 8, 'one-way': 8, isolate: 6, pause: 6, slowness: 5, delay: 4 },
    groups: { register: 0.6, archive: 1 },
    keys: [1, 6],
    valueMax: 60,
    pace: [30, 90],
  },
  graves: {
    weight: 6,
    cluster: (draw) => ({
      nodes: draw.whole(4, 6),
      n: 3,
      ...drawQuorums(draw, 3, { majorities: 7, 'one of all': 1, any: 2 }),
      sloppy: draw.chance(0.5),
      hasTopology: true,
      storage: 'durable',
      partitions: draw.pick([8, 16]),
      timeoutMs: draw.magnitude([200, 800]),
      handoffIntervalMs: draw.pick([1000, 5000, 10_000]),
      // So slow that hints and former owners keep for long what they have.
      handoffRate: draw.magnitude([1500, 10_000]),
    }),
    faults: [...links, ...deaths, 'join', 'leave', 'removal', 'takeover', 'reweight', 'forgetting'],
    often: { crash: 6, pause: 8, isolate: 8, 'one-way': 6, clog: 6, leave: 4 },
    // So many that most stay deleted for a while.
    groups: { plain: 0.3 },
    keys: [20, 120],
    valueMax: 60,
    pace: [10, 40],
    deletions: 5,
  },
  any: { weight: 27 },
  strict: {
    weight: 12,
    mood: 'gentle',
    cluster: (draw) => ({
      ...small(draw, { majorities: 1 }),
      timeoutMs: draw.magnitude([100, 3000]),
    }),
    groups: { plain: 0.3, register: 0.8, archive: 0.3, lww: 0.2 },
  },
  power: {
    weight: 12,
    mood: 'gentle',
    cluster: (draw) => ({
      ...small(draw, { majorities: 6, 'all of one': 3, 'one of all': 1 }),
      storage: 'durable',
      timeoutMs: draw.magnitude([800, 5000]),
    }),
    faults: [...links, ...deaths, 'slow-disk', 'failing-sync'],
    often: { 'all-restart': 5, 'brown-out': 6, 'slow-disk': 3 },
    groups: { plain: 0.3, register: 0.8 },
    keys: [1, 3],
    pace: [20, 80],
  },
  rot: {
    weight: 8,
    mood: 'gentle',
    cluster: (draw) => ({ ...small(draw, { majorities: 5, 'one of all': 5 }), storage: 'durable' }),
    faults: [...links, ...deaths, ...clocks, 'bit-flip', 'failing-reads', 'slow-disk'],
    often: { 'bit-flip': 20 },
    groups: { register: 0.5, archive: 1, frail: 0.5 },
    pace: [10, 40],
  },
  amnesia: {
    weight: 6,
    mood: 'losses',
    cluster: (draw, { readRepair }) => ({ ...small(draw, { majorities: 1 }), readRepair }),
    faults: [...links, ...clocks, 'restart', 'pause', 'forgetting', 'wipe', 'twin'],
    often: { forgetting: 80, flapping: 6, loss: 3 },
    groups: { frail: 1 },
    keys: [1, 3],
    pace: [20, 60],
  },
  hints: {
    weight: 8,
    mood: 'gentle',
    cluster: (draw) => ({
      sloppy: draw.chance(0.5),
      timeoutMs: draw.magnitude([300, 1500]),
      hintBytesMax: draw.chance(0.5) ? draw.magnitude([50, 4000]) : 1_000_000,
      hasTopology: false,
    }),
    faults: [...links, ...clocks, 'pause', 'restart', 'bit-flip'],
    often: { isolate: 8, 'one-way': 8, 'bit-flip': 16 },
    // So many that the last word on some is said while something is wrong.
    groups: { plain: 0.5, archive: 0.8 },
    keys: [100, 400],
    archived: 200,
    pace: [10, 30],
  },
  fill: {
    weight: 7,
    mood: 'gentle',
    cluster: (draw) => {
      const cluster = small(draw, { majorities: 5, 'one of all': 5 })
      const n = cluster.nodes
      const quorums = drawQuorums(draw, n, { majorities: 3, 'one of all': 7 })
      return {
        ...cluster,
        n,
        ...quorums,
        partitions: 32,
        handoffRate: draw.magnitude([4000, 20_000]),
      }
    },
    faults: [...links, 'pause', 'replacement'],
    often: { replacement: 4 },
    groups: { register: 0.5, archive: 1 },
    keys: [1, 20],
    pace: [20, 60],
  },
  ring: {
    weight: 10,
    cluster: (draw) => ({
      nodes: draw.whole(4, 7),
      n: 3,
      ...drawQuorums(draw, 3, { majorities: 8, any: 2 }),
      partitions: draw.pick([16, 64]),
      latencyMs: draw.magnitude([5, 60]),
      hasTopology: true,
    }),
    often: { join: 3, leave: 3, removal: 4, takeover: 3, halves: 4 },
    pace: [10, 40],
  },
}

/** A small cluster that promises sessions much. */
function small(
  draw: Draw,
  weights: Parameters<typeof drawQuorums>[2],
): Pick<
  ClusterPlan,
  'nodes' | 'partitions' | 'n' | 'r' | 'w' | 'sloppy' | 'readRepair' | 'hasTopology'
> {
  const n = Number(draw.weighted({ 3: 8, 5: 2 }))
  return {
    nodes: draw.whole(n, n + 2),
    partitions: draw.pick([8, 16]),
    n,
    ...drawQuorums(draw, n, weights),
    ...strict,
  }
}
