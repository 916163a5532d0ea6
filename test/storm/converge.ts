/**
 * The liveness phase: every fault is over, nobody writes, and the cluster must come together
 * within bounded time (docs/CONSISTENCY.md, What brings owners together again).
 */

import type { Bucket } from '../../src/index.ts'
import type { RecordView } from '../../src/sim/index.ts'
import { ttlMaxMs } from './clients.ts'
import { comparedWithinMs, isComparing, watchedMs } from './comparing.ts'
import { nodeNames } from './plan-cluster.ts'
import type { Operators } from './operators.ts'
import { hasRot, hintsSuffice } from './promises.ts'
import { isReaping, reapedWithinMs } from './reaping.ts'
import { bucketOptions } from './roaming-bucket.ts'
import type { World } from './world.ts'

/** Bounds, in virtual milliseconds. */
const upWithinMs = 120_000
const seenWithinMs = 120_000
const handedWithinMs = 180_000
const agreedWithinMs = 30_000

/** What a record takes beside its siblings, about: a clock of as many entries as there were disks. */
const clockBytes = 1500
/** What a sibling takes beside its value, about. */
const siblingBytes = 100

/** What the largest of the records under a key takes, about. */
function recordBytes(records: ReadonlyMap<string, RecordView>): number {
  const bytes = [...records.values()].map(({ siblings, tombstones }) => {
    const values = siblings.reduce<number>((sum, value) => sum + String(value).length, 0)
    return values + (siblings.length + tombstones) * siblingBytes
  })
  return Math.max(0, ...bytes) + clockBytes
}

/** So often everything is read while tombstones do not go. */
const reapingReads = 3

/** How often a record may go to the same member: it is marked, hinted, and lost on the way. */
const timesMax = 4

/** Bytes may be handed over only so fast: how long one member takes for all keys, to all others. */
function handingMs({ cluster, plan: { groups, cluster: shape } }: World): number {
  const records = groups.flatMap(({ name, keys }) => keys.map((key) => cluster.records(name, key)))
  const bytes = records.reduce((sum, record) => sum + recordBytes(record), 0)
  return ((timesMax * bytes * (shape.n - 1)) / shape.handoffRate) * 1000
}

/** How soon a node that was filled knows that nothing more comes: it asks every now and then. */
const filledWithinMs = 3000

/** Deadline of a read when nothing is wrong. */
const readTimeoutMs = 5000

/** How a key is read from all its owners. */
const whole = { r: 'all', sloppy: false, readRepair: 'blocking' } as const

/** Does something that must succeed, because nothing is wrong any more; that it does not is a find. */
export async function succeeds(
  world: World,
  what: string,
  work: () => Promise<unknown>,
): Promise<void> {
  world.checks += 1
  try {
    await work()
  } catch (error) {
    world.found(`nothing is wrong, but ${what} failed: ${String(error)}`)
  }
}

/** One for a simulation. */
export class Convergence {
  readonly #world: World
  readonly #operators: Operators
  #round = 0

  constructor(world: World, operators: Operators) {
    this.#world = world
    this.#operators = operators
  }

  /** Brings everything back and waits for rest. What does not come about is a find. */
  async reach(): Promise<void> {
    this.#world.cluster.heal()
    this.#operators.raiseAll()
    if (this.#world.plan.isMortal) await this.#world.cluster.sleep(ttlMaxMs)
    await this.#allUp()
    await this.#finishLeaves()
    const seenMs = seenWithinMs + Math.ceil(handingMs(this.#world))
    await this.#until('all see all', seenMs, () => this.#problemOfMembers())
    for (const name of this.#operators.fenced())
      this.#world.found(`${name} is a member although another one has taken its place`)
    await this.#handOver()
    if (hintsSuffice(this.#world.plan)) await this.#agreeByHints()
    if (isComparing(this.#world.plan)) await this.#compare()
    if (hasRot(this.#world.plan)) await this.#scrub()
    if (isReaping(this.#world.plan)) await this.#reap()
    await this.#readAll()
    await this.#handOver()
    await this.#agree('after a read of every key')
    for (const round of ['second', 'third']) await this.#readAgain(round)
    for (const { name, keys } of this.#world.plan.groups) await this.#list(name, keys)
  }

  /**
   * What was deleted leaves nothing behind, on any disk. What is reaped in part, because another reaper renewed the
   * epoch in between, or because a read that had found it put it back, comes back by a read where replicas are not
   * compared. Rounds of reads that may repair nothing come after this.
   */
  async #reap(): Promise<void> {
    const { plan } = this.#world
    const withinMs = reapedWithinMs(plan)
    const problem = (): string | undefined => this.#problemOfReaping()
    for (let reads = 0; reads < reapingReads; reads++) {
      if (!isComparing(plan)) await this.#readAll()
      if (await this.#waited(withinMs / reapingReads, problem)) break
    }
    await this.#until('no tombstone is left', withinMs, problem)
    await this.#agree('after tombstones were reaped')
  }

  #problemOfReaping(): string | undefined {
    const { cluster, plan } = this.#world
    for (const { name, keys } of plan.groups) {
      for (const key of keys) {
        for (const [node, { siblings, tombstones }] of cluster.records(name, key)) {
          if (siblings.length === 0 && tombstones > 0) return `${node} has one of "${key}"`
        }
      }
    }
    return undefined
  }

  /** Owners come together without a read; then nothing is repaired any more. What is damaged everywhere stays so. */
  async #compare(): Promise<void> {
    const { cluster, plan } = this.#world
    for (const { name, keys } of plan.groups) {
      for (const key of keys) if (this.#isBeyondMending(name, key)) await this.#delete(name, key)
    }
    await this.#agree('after comparisons', comparedWithinMs)
    await cluster.sleep(watchedMs)
    const before = this.#repairedInComparisons()
    await cluster.sleep(watchedMs)
    this.#world.checks += 1
    const repaired = this.#repairedInComparisons() - before
    if (repaired > 0) this.#world.found(`comparisons of equal owners repaired ${repaired} records`)
  }

  #repairedInComparisons(): number {
    const nodes = this.#world.cluster.names.map((name) => this.#operators.nodeOf(name))
    return nodes.reduce((sum, node) => sum + (node?.stats().antiEntropy.repaired ?? 0), 0)
  }

  async #delete(name: Parameters<typeof bucketOptions>[0], key: string): Promise<void> {
    const limits = { w: 'all', sloppy: false, timeoutMs: readTimeoutMs } as const
    await succeeds(this.#world, `a deletion of "${key}"`, () => {
      return this.#bucket(name).delete(key, { context: null, ...limits })
    })
  }

  /**
   * A damaged record counts for no quorum until a read has mended it: that read may fail. What is
   * damaged everywhere nothing mends; then a deletion, which replaces nothing, makes the key
   * readable again.
   */
  async #scrub(): Promise<void> {
    for (const { name, keys } of this.#world.plan.groups) {
      for (const key of keys) {
        const bucket = this.#bucket(name)
        await bucket.get(key, { ...whole, timeoutMs: readTimeoutMs }).catch(() => undefined)
        if (this.#isBeyondMending(name, key)) await this.#delete(name, key)
      }
    }
  }

  #isBeyondMending(name: string, key: string): boolean {
    const views = [...this.#world.cluster.records(name, key).values()]
    const owned = views.filter(({ role }) => role === 'primary')
    return owned.length > 0 && owned.every(({ clock }) => clock === 'damaged')
  }

  async #handOver(): Promise<void> {
    const withinMs = handedWithinMs + Math.ceil(handingMs(this.#world))
    await this.#until('nothing is owed', withinMs, () => this.#problemOfHandoff())
    await this.#world.cluster.sleep(filledWithinMs)
  }

  /** A newcomer is up when it has been let in, one after the other, and each change takes as long as its data. */
  async #allUp(): Promise<void> {
    const withinMs = upWithinMs + Math.ceil(handingMs(this.#world))
    await this.#until('all nodes are up', withinMs, () => this.#problemOfStarts())
  }

  #problemOfStarts(): string | undefined {
    const name = this.#world.cluster.names.find((each) => !this.#operators.isUp(each))
    return name === undefined ? undefined : `${name} is down`
  }

  /** A leave that a fault cut short is called again, until the node is gone; then it comes back. */
  async #finishLeaves(): Promise<void> {
    const { cluster } = this.#world
    for (const name of cluster.names) {
      const node = this.#operators.nodeOf(name)
      const own = node?.members().find(({ id }) => id === name)
      if (node === undefined || own?.stage !== 'leaving') continue
      this.#operators.hold(name)
      this.#operators.expectDeparture(name)
      try {
        await node.leave({ timeoutMs: 30_000 })
        await this.#operators.empty(name)
      } catch (error) {
        this.#world.found(`${name} cannot leave although nothing is wrong: ${String(error)}`)
      }
      this.#operators.release(name)
    }
    await this.#allUp()
  }

  #problemOfMembers(): string | undefined {
    const { names } = this.#world.cluster
    const epochs = new Set<number>()
    for (const name of names) {
      const node = this.#operators.nodeOf(name)
      if (node === undefined) return `${name} is down`
      const members = node.members()
      const strange = members.find(({ status, stage }) => status !== 'alive' || stage !== 'normal')
      if (strange) return `${name} sees ${strange.id} ${strange.status} and ${strange.stage}`
      const other = members.find((member) => !this.#operators.hasItsWish(member))
      if (other) return `${name} sees ${other.id} weigh ${other.weight} in zone "${other.zone}"`
      if (members.length !== names.length)
        return `${name} sees ${members.map(({ id }) => id).join()} alone`
      epochs.add(node.ring().epoch)
    }
    return epochs.size === 1 ? undefined : `epochs ${[...epochs].join(', ')} are in force`
  }

  #problemOfHandoff(): string | undefined {
    for (const name of this.#world.cluster.names) {
      const node = this.#operators.nodeOf(name)
      if (node === undefined) return `${name} is down`
      const { hints, dirtyPartitions } = node.stats().handoff
      if (hints + dirtyPartitions > 0)
        return `${name} keeps ${hints} hints and ${dirtyPartitions} marks`
    }
    return undefined
  }

  /** What owners store is the same, byte for byte, and no hint is on any disk. */
  async #agree(when: string, withinMs: number = agreedWithinMs): Promise<void> {
    this.#world.checks += 1
    try {
      await this.#world.cluster.settle({ withinMs })
    } catch (error) {
      this.#world.found(`${when}, ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  /** Nothing but hints brought the owners together. What rot took from one of them it must not take from others. */
  async #agreeByHints(): Promise<void> {
    const { plan } = this.#world
    if (!hasRot(plan)) return this.#agree('after the hints')
    await this.#until('hints give what is not damaged', agreedWithinMs, () => {
      for (const { name, keys } of plan.groups) {
        const key = keys.find((each) => this.#isTornApart(name, each))
        if (key !== undefined) return `the owners of "${key}" in "${name}" store different records`
      }
      return undefined
    })
  }

  /** Whether owners differ in what is not damaged. */
  #isTornApart(name: string, key: string): boolean {
    const { cluster } = this.#world
    const views = cluster.records(name, key)
    const [first = ''] = cluster.names
    const list = cluster.node(first).preferenceList(name, key)
    const owners = list.filter(({ role }) => role === 'primary')
    const clocks = owners
      .map(({ id }) => views.get(id)?.clock)
      .filter((clock) => clock !== 'damaged')
    return new Set(clocks).size > 1
  }

  /** Every key is read from all its owners, and who lacks something gets it. */
  async #readAll(): Promise<void> {
    for (const { name, keys } of this.#world.plan.groups) {
      for (const key of keys) await this.#readWhole(this.#bucket(name), key)
    }
  }

  /** Another round finds nothing to repair. */
  async #readAgain(round: string): Promise<void> {
    const before = this.#world.repairs
    await this.#readAll()
    await this.#world.cluster.sleep(200)
    this.#world.checks += 1
    const repaired = this.#world.repairs - before
    if (repaired > 0) this.#world.found(`a ${round} round of reads repaired ${repaired} replicas`)
  }

  async #readWhole(bucket: Bucket<string>, key: string): Promise<void> {
    await succeeds(this.#world, `a read of "${key}"`, () => {
      return bucket.get(key, { ...whole, timeoutMs: readTimeoutMs })
    })
  }

  /** A scan lists what reads find, each key once. */
  async #list(group: Parameters<typeof bucketOptions>[0], keys: readonly string[]): Promise<void> {
    const found = new Set<string>()
    for (const key of keys) if (await this.#isFound(group, key)) found.add(key)
    const listed = new Set<string>()
    await succeeds(this.#world, `a scan of "${group}"`, async () => {
      for await (const key of this.#bucket(group).keys({ timeoutMs: readTimeoutMs })) {
        if (listed.has(key)) this.#world.found(`a scan of "${group}" gave "${key}" twice`)
        listed.add(key)
      }
    })
    for (const key of keys) {
      if (found.has(key) === listed.has(key)) continue
      // Its time may have passed meanwhile.
      if (listed.has(key) || (await this.#isFound(group, key)))
        this.#world.found(`a scan of "${group}" ${listed.has(key) ? 'gave' : 'missed'} "${key}"`)
    }
  }

  async #isFound(group: Parameters<typeof bucketOptions>[0], key: string): Promise<boolean> {
    let isFound = false
    await succeeds(this.#world, `a read of "${key}"`, async () => {
      isFound = (await this.#bucket(group).get(key, { timeoutMs: readTimeoutMs })).found
    })
    return isFound
  }

  /** At one node after the other. */
  #bucket(name: Parameters<typeof bucketOptions>[0]): Bucket<string> {
    const serving = this.#operators.serving()
    const node = serving[this.#round++ % serving.length] ?? nodeNames(this.#world.plan.cluster)[0]
    return this.#world.cluster.node(node ?? '').bucket(name, bucketOptions(name))
  }

  async #until(what: string, withinMs: number, problem: () => string | undefined): Promise<void> {
    this.#world.checks += 1
    if (await this.#waited(withinMs, problem)) return
    const found = problem()
    if (found !== undefined) this.#world.found(`not within ${withinMs} ms: ${what}; ${found}`)
  }

  /** Whether there was no problem any more before the time was over. */
  async #waited(withinMs: number, problem: () => string | undefined): Promise<boolean> {
    const { cluster } = this.#world
    const deadlineMs = cluster.now() + withinMs
    while (problem() !== undefined) {
      if (cluster.now() >= deadlineMs) return false
      await cluster.sleep(100)
    }
    return true
  }
}
