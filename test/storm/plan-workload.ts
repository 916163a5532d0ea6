/** The data of a plan and the clients that work on it. */

import type { Draw } from './draw.ts'
import type { Mood } from './plan.ts'
import { themes } from './themes.ts'
import type { Theme } from './themes.ts'

/**
 * Keys of one bucket that are treated alike. `shared`: many clients, with contexts or blind.
 * `plain`: many clients, most without contexts. `register`: each key has one writer. `archive`:
 * each key is written once; its records may rot. `frail`: single records of it may be forgotten
 * and rot. `lww`: the last write wins, whoever loses.
 */
export type GroupName = 'shared' | 'plain' | 'register' | 'archive' | 'frail' | 'lww'

/** One group of a plan. */
export interface GroupPlan {
  readonly name: GroupName
  readonly keys: readonly string[]
  /** How much more often the first keys are used: 0 for all alike. */
  readonly skew: number
  /** Longest value, in characters. */
  readonly valueMax: number
}

/**
 * What a client may do next. `get`, `get-many`: read. `change`: read, then put with that context.
 * `held`: put with the context that it holds from its last read or receipt. `stale`: with one from
 * long ago. `blind`: with the context null. `plain`: without. `delete`: with the context held.
 * `update`: the store's own. `foreign`: with the context of another key, which must be refused.
 */
export type Action =
  | 'get'
  | 'get-many'
  | 'change'
  | 'held'
  | 'stale'
  | 'blind'
  | 'plain'
  | 'delete'
  | 'update'
  | 'foreign'

/** One client: a session that does one thing after the other. */
export interface ClientPlan {
  readonly name: string
  readonly group: GroupName
  readonly actions: Readonly<Record<Action, number>>
  /** Mean time between two actions, milliseconds. */
  readonly thinkMs: number
  /** How likely it stays with the node that it asked last. */
  readonly loyalty: number
}

const nothing: Readonly<Record<Action, number>> = {
  get: 0,
  'get-many': 0,
  change: 0,
  held: 0,
  stale: 0,
  blind: 0,
  plain: 0,
  delete: 0,
  update: 0,
  foreign: 0,
}

const habits: Readonly<Record<GroupName, Readonly<Partial<Record<Action, number>>>>> = {
  shared: {
    get: 4,
    'get-many': 1,
    change: 3,
    held: 3,
    stale: 1,
    blind: 3,
    delete: 1,
    update: 2,
    foreign: 0.3,
  },
  plain: { get: 4, plain: 5, change: 1, delete: 1 },
  register: { get: 4, held: 3, delete: 0.3 },
  archive: { get: 5, 'get-many': 1, blind: 1 },
  frail: { get: 3, change: 2, held: 1, blind: 5, delete: 0.5, update: 1 },
  lww: { get: 2, plain: 4, delete: 0.5 },
}

/** How likely a plan has a group that is not always there. */
function groupOdds(mood: Mood): Readonly<Partial<Record<GroupName, number>>> {
  const isGentle = mood === 'gentle'
  return {
    plain: 0.3,
    register: 0.4,
    archive: isGentle ? 0.6 : 0.2,
    frail: isGentle ? 0.1 : 0.7,
    lww: 0.25,
  }
}

/** Which groups a plan has, and their keys. */
export function drawGroups(draw: Draw, { mood, theme }: { mood: Mood; theme: Theme }): GroupPlan[] {
  const line = themes[theme]
  const { groups: odds = groupOdds(mood), keys: range = [1, 8] } = line
  const { archived = 24, valueMax = Infinity } = line
  const optional: readonly GroupName[] = ['plain', 'register', 'archive', 'frail', 'lww']
  const names: GroupName[] = ['shared', ...optional.filter((name) => draw.chance(odds[name] ?? 0))]
  return names.map((name) => {
    const own = draw.fork(name)
    const count = name === 'archive' ? archived : own.magnitude(range)
    return {
      name,
      keys: Array.from({ length: count }, (_, i) => `${name}-${i}`),
      skew: own.pick([0, 1, 2]),
      valueMax: Math.min(valueMax, Number(own.weighted({ 12: 5, 60: 4, 2000: 1 }))),
    }
  })
}

/** The clients of a plan: at least one for each group. */
export function drawClients(draw: Draw, groups: readonly GroupPlan[], theme: Theme): ClientPlan[] {
  const { pace = [3, 60], deletions = 1 } = themes[theme]
  const paceMs = 1000 / draw.magnitude(pace)
  const plans = groups.flatMap(({ name }) => {
    const count = draw.whole(1, name === 'shared' || name === 'frail' ? 6 : 3)
    return Array.from({ length: count }, () => name)
  })
  return plans.map((group, i) => {
    const own = draw.fork(`client ${i}`)
    return {
      name: `c${i + 1}`,
      group,
      actions: withDeletions(drawActions(own, group), deletions),
      thinkMs: Math.round(paceMs * plans.length * (0.5 + own.share())),
      loyalty: own.pick([0, 0.5, 0.95]),
    }
  })
}

/** Some of the habits of the group, in a mixture of its own; reading is always among them. */
function drawActions(draw: Draw, group: GroupName): Readonly<Record<Action, number>> {
  const habit = Object.entries(habits[group]) as [Action, number][]
  const own = habit.filter(([action]) => action === 'get' || draw.chance(0.75))
  const drawn = own.map(([action, weight]) => [action, weight * (0.3 + draw.share())])
  return { ...nothing, ...(Object.fromEntries(drawn) as Partial<Record<Action, number>>) }
}

function withDeletions(
  actions: Readonly<Record<Action, number>>,
  times: number,
): Readonly<Record<Action, number>> {
  return { ...actions, delete: actions.delete * times }
}
