/**
 * Compares partitions of this node with the other owners of them, and brings all owners together where they differ.
 * Only what differs is told: roots, of those the leaves, of those the keys, of those the records.
 *
 * A difference may be a write on its way. So each one is looked at again after a moment, at both owners, and only a
 * record that neither changed meanwhile is sent (HAZARDS G4). What is damaged is fetched from another owner, and never
 * taken for absent (H3).
 */
import { StorageError } from '../base/errors.ts'
import { isSameDigest, leavesFor } from '../merkle/hash-tree.ts'
import { digestBytes } from '../merkle/record-digest.ts'
import type { Pauses } from '../replica/pauses.ts'
import type { BuiltTree, ListedRecord, PartitionTrees } from '../replica/partition-trees.ts'
import { splitStorageKey } from '../replica/places.ts'
import type { ReplicaStore } from '../replica/replica-store.ts'
import type { Ring } from '../ring/ring.ts'
import type { Channel } from '../rpc/channel.ts'
import { isFailure, request } from '../rpc/request.ts'
import { bringRecord, type BringOptions } from './bring-record.ts'
import {
  differsCall,
  keysCall,
  leavesCall,
  readDifference,
  readLeaves,
  readPage,
  readRoots,
  rootsCall,
  type DifferenceAnswer,
} from './comparison-calls.ts'
import { mendRecord } from './mend-record.ts'

/** What comparing needs of the node. */
export interface ComparisonOptions extends BringOptions {
  readonly selfId: string
  readonly trees: PartitionTrees
  readonly store: ReplicaStore
  readonly pauses: Pauses
  data(id: string): Channel
  isReachable(id: string): boolean
  /** Whether the ring is still the one in force, and this node compares at all. */
  isInForce(ring: Ring): boolean
  failed(error: Error, peer: string): void
  readonly counts: ComparisonCounts
}

/** What comparing did since the start. */
export interface ComparisonCounts {
  /** Partitions compared with one other owner. */
  comparisons: number
  /** Comparisons that found a difference. */
  differing: number
  /** Records brought to another owner. */
  repaired: number
  /** Damaged records that came anew from another owner. */
  mended: number
}

/** How a partition was found. */
export type Finding =
  /** All owners have the same. */
  | 'equal'
  /** They differed, and may be equal now. */
  | 'differing'
  /** Some owner was not heard, or is not to be asked. */
  | 'unheard'

/** How long a difference must last before anything is sent: longer than a write is on its way. */
const lastingMs = 500
/** How long a page of keys or a batch of roots may take at the peer that reads them. */
const callTimeoutMs = 10_000
/** How often roots are asked for that the peer could not tell yet. */
const triesMax = 20
const parallelMax = 16

/** Compares and repairs, on behalf of one node. */
export class Comparison {
  readonly #options: ComparisonOptions

  constructor(options: ComparisonOptions) {
    this.#options = options
  }

  /** Compares partitions that this node owns with all their other owners. @throws {StorageError} by rejection */
  async compare(ring: Ring, partitions: readonly number[]): Promise<ReadonlyMap<number, Finding>> {
    const peers = new Set(partitions.flatMap((partition) => this.#others(ring, partition)))
    // Asked before this node reads its own, so that all read at about the same time.
    const asked = [...peers].map((peer) => this.#rootsOf(ring, peer, partitions))
    const heard = Promise.all(asked)
    heard.catch(() => undefined)
    const mine = new Map<number, BuiltTree>()
    for (const partition of partitions) mine.set(partition, await this.#ownTree(ring, partition))
    const roots = new Map(await heard)
    const findings = new Map<number, Finding>()
    const differing = new Map([...peers].map((peer): [string, number[]] => [peer, []]))
    for (const [partition, { tree }] of mine) {
      const root = tree.root()
      let finding: Finding = 'equal'
      for (const peer of this.#others(ring, partition)) {
        const theirs = roots.get(peer)?.get(partition)
        if (!this.#options.isInForce(ring) || theirs === undefined) {
          finding = 'unheard'
          continue
        }
        this.#options.counts.comparisons += 1
        if (isSameDigest(root, theirs)) continue
        this.#options.counts.differing += 1
        if (finding === 'equal') finding = 'differing'
        differing.get(peer)!.push(partition)
      }
      findings.set(partition, finding)
    }
    // One peer after the other: what the first one brings the second need not bring as well.
    for (const [peer, theirs] of differing) await this.#reconcile(ring, peer, theirs)
    return findings
  }

  #others(ring: Ring, partition: number): readonly string[] {
    return ring.owners(partition).filter((id) => id !== this.#options.selfId)
  }

  /** This node's tree, after what was found damaged came anew from others. */
  async #ownTree(ring: Ring, partition: number): Promise<BuiltTree> {
    const { trees } = this.#options
    const built = await trees.tree(partition)
    if (built.damaged.length === 0) return built
    let isMended = false
    for (const key of built.damaged) {
      if (await this.#mend(ring, partition, key)) isMended = true
    }
    return isMended ? trees.tree(partition) : built
  }

  async #mend(ring: Ring, partition: number, key: string): Promise<boolean> {
    const { counts } = this.#options
    const owners = this.#others(ring, partition).filter((id) => this.#options.isReachable(id))
    if (!this.#options.isInForce(ring) || owners.length === 0) return false
    const outcome = await mendRecord(
      this.#options,
      { partition, key },
      { owners, epoch: ring.epoch },
    )
    if (outcome === 'mended') counts.mended += 1
    return outcome === 'mended'
  }

  /** The roots that a peer tells; none when it refuses or is not there. */
  async #rootsOf(
    ring: Ring,
    peer: string,
    partitions: readonly number[],
  ): Promise<readonly [string, ReadonlyMap<number, Uint8Array>]> {
    const roots = new Map<number, Uint8Array>()
    let left = partitions.filter((partition) => ring.ownsPartition(peer, partition))
    for (let i = 0; i < triesMax && left.length > 0; i++) {
      const answer = await this.#ask(ring, peer, [rootsCall, ring.epoch, left])
      const told = answer && readRoots(answer, left.length)
      if (told === undefined) break
      told.forEach((root, k) => {
        if (root !== undefined) roots.set(left[k]!, root)
      })
      left = left.filter((partition) => !roots.has(partition))
    }
    return [peer, roots]
  }

  async #ask(
    ring: Ring,
    peer: string,
    call: readonly unknown[],
  ): Promise<readonly unknown[] | undefined> {
    if (!this.#options.isInForce(ring) || !this.#options.isReachable(peer)) return undefined
    const wait = { clock: this.#options.clock, timeoutMs: callTimeoutMs, epoch: ring.epoch }
    const outcome = await request(this.#options.data(peer), call, wait)
    return isFailure(outcome) ? undefined : outcome
  }

  /**
   * Goes through the leaves that differ, a page of keys of each partition at a time: all that these list has lasted
   * after one wait.
   */
  async #reconcile(ring: Ring, peer: string, partitions: readonly number[]): Promise<void> {
    const { trees, pauses } = this.#options
    let left: Unequal[] = []
    for (const partition of partitions) left.push(...(await this.#unequal(ring, peer, partition)))
    while (left.length > 0 && this.#options.isInForce(ring)) {
      const listed: ListedDifference[] = []
      for (const each of left) listed.push(...(await this.#nextPage(ring, peer, each)))
      if (listed.length > 0) await pauses.pause(lastingMs)
      await this.#settle(ring, peer, listed)
      left = left.filter(({ after }) => after !== undefined)
    }
    for (const partition of partitions) trees.renew(partition)
  }

  /** Where the partition is not the same at both; nothing when it is by now, or the peer does not tell. */
  async #unequal(ring: Ring, peer: string, partition: number): Promise<readonly Unequal[]> {
    const { trees, throttle } = this.#options
    const wanted = leavesFor((await trees.tree(partition)).tree.records)
    const answer = await this.#ask(ring, peer, [leavesCall, ring.epoch, partition, wanted])
    const theirs = answer && readLeaves(answer)
    if (theirs === undefined) return []
    const leaves = (await trees.tree(partition)).tree.differing(theirs)
    await throttle.spend(theirs.length)
    if (leaves.length === 0) return []
    return [{ partition, fold: theirs.length / digestBytes, leaves, after: undefined }]
  }

  /** What differs among the next keys of an unequal partition, which knows then how far it got. */
  async #nextPage(
    ring: Ring,
    peer: string,
    unequal: Unequal,
  ): Promise<readonly ListedDifference[]> {
    const { trees, throttle } = this.#options
    const { partition, fold, leaves, after } = unequal
    unequal.after = undefined
    const call = [keysCall, ring.epoch, partition, fold, leaves, after ?? null]
    const answered = await this.#ask(ring, peer, call)
    const page = answered && readPage(answered)
    if (page === undefined) return []
    const span = { after, upTo: page.upTo, fold, leaves: new Set(leaves) }
    const limits = { records: Infinity, ms: Infinity }
    const { records } = await trees.list(partition, span, limits)
    await throttle.spend(page.records.reduce((sum, { key }) => sum + key.length + 10, 0))
    unequal.after = page.upTo
    return differences(partition, records, page.records)
  }

  async #settle(ring: Ring, peer: string, listed: readonly ListedDifference[]): Promise<void> {
    for (let i = 0; i < listed.length; i += parallelMax) {
      if (!this.#options.isInForce(ring)) return
      const batch = listed.slice(i, i + parallelMax)
      await Promise.all(batch.map((each) => this.#repair(ring, peer, each)))
    }
  }

  /** Looks at one record again, here and there. What both have together is then at both. */
  async #repair(
    ring: Ring,
    peer: string,
    { partition, key, mine, theirs }: ListedDifference,
  ): Promise<void> {
    const before = await this.#read(partition, key)
    if (before === 'damaged') return void (await this.#mend(ring, partition, key))
    if (!isSame(mine, before?.digest)) return
    const told = await this.#askOf(ring, peer, { partition, key, mine: before?.digest, theirs })
    const now = await this.#read(partition, key)
    if (told === undefined || now === 'damaged' || now === undefined) return
    // What the peer lacks is brought unless it was just written; what it brought may have to go back merged.
    const isLacking = told.what === 'lacking' && isSame(before?.digest, now.digest)
    const isMerged = told.what === 'brought' && !isSame(told.digest, now.digest)
    if (!isLacking && !isMerged) return
    const record = { partition, key, stored: now.stored, epoch: ring.epoch }
    const isBrought = await bringRecord(this.#options, this.#options.data(peer), record)
    if (!isBrought || !isMerged) return
    const again = { partition, key, mine: now.digest, theirs: told.digest }
    const after = await this.#askOf(ring, peer, again)
    if (after?.what === 'brought') this.#options.failed(irreconcilable(key, peer), peer)
  }

  /** What a peer says of one record, looked at anew. */
  async #askOf(
    ring: Ring,
    peer: string,
    { partition, key, mine, theirs }: ListedDifference,
  ): Promise<DifferenceAnswer | undefined> {
    const digests = [mine ?? null, theirs ?? null]
    const answer = await this.#ask(ring, peer, [
      differsCall,
      ring.epoch,
      partition,
      key,
      ...digests,
    ])
    return answer && readDifference(answer)
  }

  async #read(
    partition: number,
    key: string,
  ): Promise<{ stored: Uint8Array; digest: Uint8Array } | 'damaged' | undefined> {
    const stored = await this.#options.store.read(partition, key)
    if (!(stored instanceof Uint8Array)) return stored
    return { stored, digest: this.#options.trees.digest(key, stored) }
  }
}

/** A partition of which some leaves differ, and how far it was gone through. */
interface Unequal {
  readonly partition: number
  /** How many leaves there are, and which of them differ. */
  readonly fold: number
  readonly leaves: readonly number[]
  /** The key after which the next page begins; undefined for the first one, and after the last. */
  after: string | undefined
}

/** A key under which two owners listed different records; undefined for none, or a damaged one. */
interface ListedDifference {
  readonly partition: number
  readonly key: string
  readonly mine: Uint8Array | undefined
  readonly theirs: Uint8Array | undefined
}

function differences(
  partition: number,
  mine: readonly ListedRecord[],
  theirs: readonly ListedRecord[],
): readonly ListedDifference[] {
  const here = new Map(mine.map(({ key, digest }) => [key, digest]))
  const there = new Map(theirs.map(({ key, digest }) => [key, digest]))
  const keys = [...new Set([...here.keys(), ...there.keys()])].sort()
  return keys
    .map((key) => ({ partition, key, mine: here.get(key), theirs: there.get(key) }))
    .filter((each) => each.mine === undefined || !isSame(each.mine, each.theirs))
}

/** Merging left both as they were: they have one clock and different values, which nothing but damage explains. */
function irreconcilable(storageKey: string, peer: string): StorageError {
  const { bucket, key } = splitStorageKey(storageKey)
  const where = `"${key}" in bucket "${bucket}"`
  return new StorageError(
    `this node and "${peer}" store different values of ${where} under one clock: write the key anew`,
  )
}

function isSame(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  if (one === undefined || other === undefined) return one === other
  return isSameDigest(one, other)
}
