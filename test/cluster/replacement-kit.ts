/** What the scenarios of replacements have in common. */
import { expect } from 'vitest'
import type { CoterieNode } from '../../src/index.ts'
import type { SimCluster, SimOptions } from '../../src/sim/index.ts'
import {
  bucketName,
  crashAndSee,
  expectOnOwners,
  owners,
  strict,
  until,
  upNodes,
  type Outcome,
} from './kit.ts'

export const keys: readonly string[] = Array.from({ length: 60 }, (_, i) => `k${i}`)
export const value = (key: string): string => `first of ${key}`.padEnd(400)

export const quick: Omit<SimOptions, 'seed'> = { nodes: 5, node: { replication: strict } }
/** A cluster in which handing over takes long. */
export const slow: Omit<SimOptions, 'seed'> = {
  nodes: 5,
  node: { replication: strict, handoff: { bytesPerSecondMax: 600 }, timeoutMs: 2000 },
}

export async function fill(cluster: SimCluster): Promise<void> {
  const bucket = cluster.node('n1').bucket(bucketName)
  for (const key of keys) await bucket.put(key, value(key), { w: 'all' })
}

/** Fills the cluster, and takes n5 down. */
export async function withoutN5(cluster: SimCluster): Promise<void> {
  await fill(cluster)
  await crashAndSee(cluster, 'n5')
}

export function untilMoving(cluster: SimCluster, name = 'n1'): Promise<void> {
  const isMoving = (): boolean => cluster.node(name).ring().moving > 0
  return until(cluster, () => (isMoving() ? undefined : 'owners stay'))
}

/** Every node that is up has the same ring at rest, with these members, all with a vote. */
export function untilMembers(cluster: SimCluster, names: readonly string[]): Promise<void> {
  const problemOf = (node: CoterieNode): string | undefined => {
    const members = node.members().map(({ id, stage }) => `${id} ${stage}`)
    const isDone = members.join() === names.map((name) => `${name} normal`).join()
    return isDone && node.ring().moving === 0 ? undefined : `${node.id} sees ${members.join()}`
  }
  return until(cluster, () => upNodes(cluster).map(problemOf).find(Boolean), 300_000)
}

export async function expectAllThere(cluster: SimCluster): Promise<void> {
  await cluster.settle()
  for (const key of keys) {
    expectOnOwners(cluster, key, [value(key)])
    expect(owners(cluster, key)).toHaveLength(3)
  }
}

export function messageOf(outcome: Outcome<unknown>): string {
  return 'error' in outcome ? outcome.error.message : ''
}

export const after: readonly string[] = ['n1', 'n2', 'n3', 'n4', 'n6']
