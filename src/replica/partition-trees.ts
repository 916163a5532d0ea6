/**
 * The hash trees of this node's partitions, made from what is really stored. A tree is derived data and never trusted
 * for long (HAZARDS G1): a write marks it old, a failed write marks all of them, a start begins without any, and what
 * nobody wrote to is read again every now and then, because a disk can lose or damage what was right when it was
 * written.
 *
 * A partition is read in pages. After each page the reader waits many times as long as the page took, so that it has a
 * small share of the process, whatever the size of the data and the speed of the disk.
 */
import type { Clock } from '../ports/clock.ts'
import type { Storage, StorageEntry } from '../ports/storage.ts'
import { digestOf, HashTree, leafCount, leafOf } from '../merkle/hash-tree.ts'
import { RecordDigest } from '../merkle/record-digest.ts'
import { Pauses } from './pauses.ts'
import type { Revisions } from './revisions.ts'
import { openStored, storedHeaderBytes } from './stored-record.ts'

const pageLength = 256
/** A reader waits so many times as long as its last page took: 2 % of the time is spent on reading. */
const waitsPerPage = 50
const waitMaxMs = 1_000
/**
 * Two replicas that compare want trees of one moment. While writes go on, a tree is good enough that is so young, or
 * younger than it took to make it.
 */
const youngMs = 1_000

/** What making trees needs of the node. */
export interface PartitionTreesOptions {
  readonly storage: Storage
  readonly clock: Clock
  readonly revisions: Revisions
  /** How long a tree is trusted to which nothing was written, milliseconds. */
  readonly trustedMs: number
}

/** A tree, and what was met while it was made. */
export interface BuiltTree {
  readonly tree: HashTree
  /** Keys of records that are damaged: they are in no leaf. */
  readonly damaged: readonly string[]
  /** Revision of the partition when reading began. */
  readonly revision: string
  /** Monotonic time when reading ended. */
  readonly builtMs: number
  /** How long reading took. */
  readonly tookMs: number
}

/** A record as it is listed for a comparison. */
export interface ListedRecord {
  readonly key: string
  /** Undefined when the record is damaged: that is not the same as absent (HAZARDS H3). */
  readonly digest: Uint8Array | undefined
}

/** Which records are listed. */
export interface KeySpan {
  readonly after: string | undefined
  readonly upTo: string | undefined
  /** How many leaves there are, and which of them are wanted. */
  readonly fold: number
  readonly leaves: ReadonlySet<number>
}

/** Makes trees and keeps them as long as they are true. */
export class PartitionTrees {
  readonly #options: PartitionTreesOptions
  readonly #built: Map<number, BuiltTree> = new Map()
  readonly #building: Map<number, Promise<BuiltTree>> = new Map()
  readonly #pauses: Pauses
  #leaves = leafCount(1)
  #key = 0
  #isClosed = false
  /** Trees made since the start. */
  builtCount = 0

  constructor(options: PartitionTreesOptions) {
    this.#options = options
    this.#pauses = new Pauses(options.clock)
  }

  /** What all nodes of the cluster have in common. Trees of another cluster are forgotten. */
  configure(cluster: { readonly partitions: number; readonly key: number }): void {
    const leaves = leafCount(cluster.partitions)
    if (leaves === this.#leaves && cluster.key === this.#key) return
    this.#leaves = leaves
    this.#key = cluster.key
    this.#built.clear()
  }

  close(): void {
    this.#isClosed = true
    this.#pauses.close()
    this.#built.clear()
  }

  /** Forgets the trees of partitions that are not this node's any more. */
  keepOnly(isOwn: (partition: number) => boolean): void {
    for (const partition of this.#built.keys()) {
      if (!isOwn(partition)) this.#built.delete(partition)
    }
  }

  /** A tree of what is stored now, or was a moment ago. @throws {StorageError} by rejection */
  tree(partition: number): BuiltTree | Promise<BuiltTree> {
    const built = this.#built.get(partition)
    if (built !== undefined && this.#isGood(partition, built)) return built
    const building = this.#building.get(partition) ?? this.#build(partition)
    this.#building.set(partition, building)
    return building
  }

  #isGood(partition: number, { revision, builtMs, tookMs }: BuiltTree): boolean {
    const { clock, revisions, trustedMs } = this.#options
    const ageMs = clock.monotonicMs() - builtMs
    const isOld = revision !== revisions.of(partition)
    return ageMs < (isOld ? Math.max(youngMs, tookMs) : trustedMs)
  }

  async #build(partition: number): Promise<BuiltTree> {
    try {
      const { clock, revisions } = this.#options
      const beganMs = clock.monotonicMs()
      const revision = revisions.of(partition)
      const tree = new HashTree(this.#leaves)
      const digest = new RecordDigest(this.#key)
      const damaged: string[] = []
      await this.#each(partition, undefined, ({ key, value }) => {
        const stored = openStored(value, key)
        if (!(stored instanceof Uint8Array)) damaged.push(key)
        else {
          digest.compute(key, stored, storedHeaderBytes, stored.length)
          tree.add(digest)
        }
        return true
      })
      tree.follow(this.#built.get(partition)?.tree)
      const builtMs = clock.monotonicMs()
      const built = { tree, damaged, revision, builtMs, tookMs: builtMs - beganMs }
      if (!this.#isClosed) this.#built.set(partition, built)
      this.builtCount += 1
      return built
    } finally {
      this.#building.delete(partition)
    }
  }

  /** Owners were brought together: what was known of the partition is old. */
  renew(partition: number): void {
    this.#built.delete(partition)
  }

  /** The digest of one record as it is listed. */
  digest(key: string, stored: Uint8Array): Uint8Array {
    const digest = new RecordDigest(this.#key)
    digest.compute(key, stored, storedHeaderBytes, stored.length)
    return digestOf(digest)
  }

  /**
   * Lists the records of some leaves in the order of their keys, from the one after `after` on and up to `upTo`. A
   * damaged record is listed as such, in the leaf of its key.
   * @returns up to which key everything was listed; undefined when that is the end.
   * @throws {StorageError} by rejection
   */
  async list(
    partition: number,
    span: KeySpan,
    limits: { records: number; ms: number },
  ): Promise<{ readonly records: readonly ListedRecord[]; readonly upTo: string | undefined }> {
    const records: ListedRecord[] = []
    const deadlineMs = this.#options.clock.monotonicMs() + limits.ms
    let upTo: string | undefined
    const digest = new RecordDigest(this.#key)
    await this.#each(partition, span.after, ({ key, value }, isLastOfPage) => {
      if (span.upTo !== undefined && key > span.upTo) {
        upTo = span.upTo
        return false
      }
      const stored = openStored(value, key)
      const isSound = stored instanceof Uint8Array
      if (isSound) digest.compute(key, stored, storedHeaderBytes, stored.length)
      else digest.compute(key, value, 0, 0)
      if (span.leaves.has(leafOf(digest, span.fold))) {
        records.push({ key, digest: isSound ? digestOf(digest) : undefined })
      }
      const isLate = isLastOfPage && this.#options.clock.monotonicMs() >= deadlineMs
      if (records.length < limits.records && !isLate) return true
      upTo = key
      return false
    })
    return { records, upTo }
  }

  /** Goes through a partition as long as `use` wants more. */
  async #each(
    partition: number,
    after: string | undefined,
    use: (entry: StorageEntry, isLastOfPage: boolean) => boolean,
  ): Promise<void> {
    const { storage, clock } = this.#options
    let from = after
    while (!this.#isClosed) {
      const beganMs = clock.monotonicMs()
      const page = await storage.scan(partition, {
        limit: pageLength,
        ...(from === undefined ? {} : { after: from }),
      })
      for (const [i, entry] of page.entries()) if (!use(entry, i === page.length - 1)) return
      if (page.length < pageLength) return
      from = page[page.length - 1]!.key
      const tookMs = clock.monotonicMs() - beganMs
      await this.#pauses.pause(Math.min(waitMaxMs, Math.max(1, tookMs * waitsPerPage)))
    }
  }
}
