/**
 * What the cluster scenarios have in common: running one over several seeds, picking keys by their
 * owners, and looking at what owners store. Everything runs on virtual time.
 */

import { expect } from 'vitest'
import type { CoterieNode, Member, NodeOptions } from '../../src/index.ts'
import { simulate } from '../../src/sim/index.ts'
import type { RecordView, SimCluster, SimOptions } from '../../src/sim/index.ts'

export const bucketName = 'b'

/** Strict quorums of 2 out of 3. */
export const strict: NonNullable<NodeOptions['replication']> = { sloppy: false }

/** Hints are delivered when a member comes up, and else not while a scenario lasts. */
export const rareHandoff: NonNullable<NodeOptions['handoff']> = { intervalMs: 86_400_000 }

/** How long nodes take to hear that nobody owes them anything after they joined. */
const filledAfterMs = 2000

/** Runs the scenario once for each seed, in a cluster at rest, and returns what it returned. */
export async function overSeeds<T>(
  seeds: readonly number[],
  options: Omit<SimOptions, 'seed'>,
  scenario: (cluster: SimCluster) => Promise<T>,
): Promise<T[]> {
  const values: T[] = []
  for (const seed of seeds) {
    const { value } = await simulate({ ...options, seed }, async (cluster) => {
      await cluster.sleep(filledAfterMs)
      return scenario(cluster)
    })
    values.push(value)
  }
  return values
}

/** Whether scenarios run over many more seeds than in a default run. */
export const isLongRun: boolean = process.env['COTERIE_LONG'] === '1'

/** Seeds of a scenario: `count` of them, rounded up to a third in a default run; ten times as many in a long one. */
export function seeds(count: number): number[] {
  const length = isLongRun ? 10 * count : Math.ceil(count / 3)
  return Array.from({ length }, (_, i) => i + 1)
}

export function isUp(cluster: SimCluster, name: string): boolean {
  try {
    cluster.node(name)
    return true
  } catch {
    return false
  }
}

export function upNodes(cluster: SimCluster): CoterieNode[] {
  return cluster.names.filter((name) => isUp(cluster, name)).map((name) => cluster.node(name))
}

/** Some node that is up. */
export function anyNode(cluster: SimCluster): CoterieNode {
  const [node] = upNodes(cluster)
  if (node === undefined) throw new Error('every node is down')
  return node
}

/** A member as the node of this name sees it. */
export function memberAt(cluster: SimCluster, name: string, id: string): Member | undefined {
  return cluster
    .node(name)
    .members()
    .find((member) => member.id === id)
}

export function owners(cluster: SimCluster, key: string): string[] {
  const list = anyNode(cluster).preferenceList(bucketName, key)
  return list.filter(({ role }) => role === 'primary').map(({ id }) => id)
}

/** The first key `<prefix>0`, `<prefix>1`, … that is owned as the test wants it. */
export function keyWhere(
  cluster: SimCluster,
  isWanted: (owners: readonly string[]) => boolean,
  prefix = 'k',
): string {
  for (let i = 0; i < 10_000; i++) {
    const key = `${prefix}${i}`
    if (isWanted(owners(cluster, key))) return key
  }
  throw new Error('no key has such owners')
}

/** What each owner stores of a key; undefined for one that has nothing. */
export function stored(cluster: SimCluster, key: string): (RecordView | undefined)[] {
  const records = cluster.records(bucketName, key)
  return owners(cluster, key).map((name) => records.get(name))
}

/** The values in an order of their own. */
export function inOrder(values: readonly unknown[]): unknown[] {
  return values.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

/** All owners store the same, and it has these live values. */
export function expectOnOwners(cluster: SimCluster, key: string, values: readonly unknown[]): void {
  const views = stored(cluster, key)
  const found = views.map((view) => view && inOrder(view.siblings))
  expect(found, `what the owners of ${key} store`).toEqual(views.map(() => inOrder(values)))
  expect(new Set(views.map((view) => view?.clock)).size, `clocks of ${key}`).toBe(1)
}

/** Frames from `from` to `to` are lost while the connection stays open. */
export function lose(cluster: SimCluster, from: string, to: string): void {
  cluster.link(from, to, { loss: 1 })
}

export type Outcome<T> = { readonly value: T } | { readonly error: Error }

export async function outcomeOf<T>(promise: Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await promise }
  } catch (error) {
    return { error: error as Error }
  }
}

/** The code of the error, or `ok`. */
export function codeOf(outcome: Outcome<unknown>): string {
  if ('value' in outcome) return 'ok'
  return 'code' in outcome.error ? String(outcome.error.code) : outcome.error.name
}

/** Waits until there is no problem. */
export async function until(
  cluster: SimCluster,
  problem: () => string | undefined,
  withinMs = 120_000,
): Promise<void> {
  const deadlineMs = cluster.now() + withinMs
  for (let found = problem(); found !== undefined; found = problem()) {
    if (cluster.now() >= deadlineMs) throw new Error(`after ${withinMs} ms, ${found}`)
    await cluster.sleep(50)
  }
}

/** Waits until these nodes know of no change of owners that is under way. */
export function untilAtRest(
  cluster: SimCluster,
  names: readonly string[] = cluster.names,
): Promise<void> {
  const moving = (): string | undefined =>
    names.find((name) => cluster.node(name).ring().moving > 0)
  return until(cluster, moving, 300_000)
}

/** Waits until every node that is up sees the member in this state. */
export function untilSeen(cluster: SimCluster, id: string, status: string): Promise<void> {
  return until(cluster, () => {
    for (const { id: name } of upNodes(cluster)) {
      const member = name === id ? undefined : memberAt(cluster, name, id)
      if (member !== undefined && member.status !== status) {
        return `${name} sees ${id} ${member.status}, not ${status}`
      }
    }
    return undefined
  })
}

/** Takes a member down for good, and waits until all others know. */
export async function crashAndSee(
  cluster: SimCluster,
  name: string,
  options: Parameters<SimCluster['crash']>[1] = {},
): Promise<void> {
  await cluster.crash(name, options)
  await untilSeen(cluster, name, 'dead')
}

/** A number 0 to `count` − 1 of the scenario's own. */
export function pick(cluster: SimCluster, count: number): number {
  return Math.floor(cluster.random() * count)
}

/** Turns over a bit of a stored record. */
export function damageOn(cluster: SimCluster, name: string, key: string): void {
  expect(cluster.damage(name, bucketName, key, pick(cluster, 100_000))).toBe(true)
  expect(cluster.records(bucketName, key).get(name)?.clock).toBe('damaged')
}

/** Opens the bucket on every node, so that no operation asks the members for its conflict policy. */
export async function openEverywhere(cluster: SimCluster): Promise<void> {
  for (const name of cluster.names) {
    if (!isUp(cluster, name)) continue
    const open = (): Promise<unknown> => cluster.node(name).bucket(bucketName).get('opening')
    for (let i = 0; i < 20 && codeOf(await outcomeOf(open())) !== 'ok'; i++);
  }
}
