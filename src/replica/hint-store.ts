/**
 * Hints: notes that an owner lacks a record which this node holds (Dynamo §4.6). A hint is a name, not a copy: the
 * record itself stays in its partition, so that a key that is written a thousand times while its owner is away costs
 * one hint and one transfer. Hints are durable where the storage is, and read again at every start.
 *
 * Over the quota or past the window the whole partition is marked dirty for the target instead: coarser, never lost,
 * and never a reason to fail a write (HAZARDS C5).
 */
import type { Storage, StorageWrite } from '../ports/storage.ts'
import { readF64, readU32, writeF64, writeU32 } from '../base/bytes.ts'
import { pagesOf } from './pages.ts'
import { dirtyPartition, hintsPartition } from './places.ts'

/** How much is hinted record by record before whole partitions are marked instead. */
export interface HintLimits {
  /** Most bytes of records hinted for one target. */
  readonly bytesPerTargetMax: number
  /** Most bytes of records hinted in all. */
  readonly bytesMax: number
  /** How long after the first failure hints are still taken for a target. */
  readonly windowMs: number
}

/** That a member lacks a record which this node keeps for it. */
export interface Hint {
  readonly target: string
  readonly partition: number
  /** Storage key of the record. */
  readonly key: string
}

/** A partition that a target may lack data of. */
export interface DirtyMark {
  readonly target: string
  readonly partition: number
}

interface TargetHints {
  /** By hint key; the value is the size of the hinted record. */
  readonly hints: Map<string, number>
  bytes: number
  /** Wall-clock time of the oldest hint: the first failure. */
  sinceMs: number
}

const nothing: readonly StorageWrite[] = Object.freeze([])
const pageLength = 1000

/** The hints of one node: kept in its storage with the records, counted in memory. */
export class HintStore {
  readonly #storage: Storage
  readonly #limits: HintLimits
  readonly #targets: Map<string, TargetHints> = new Map()
  /** By target and partition; the value rises with each mark, so that one made during a delivery is not missed. */
  readonly #dirty: Map<string, Map<number, number>> = new Map()
  #bytes = 0
  /** Whether a write failed since what is stored was last compared with what is known. */
  #isSuspect = false
  /** The last comparison, also while it is under way. */
  #reconciling: Promise<void> = Promise.resolve()

  constructor(storage: Storage, limits: HintLimits) {
    this.#storage = storage
    this.#limits = limits
  }

  /** Reads what is stored: what an earlier run left, or what is left after writes failed. */
  async load(): Promise<void> {
    this.#targets.clear()
    this.#dirty.clear()
    this.#bytes = 0
    await this.#each(hintsPartition, (key, value) => {
      const { target, rest } = splitTarget(key)
      this.#note(target, rest, readU32(value, 8), readF64(value, 0))
    })
    await this.#each(dirtyPartition, (key) => {
      const { target, rest } = splitTarget(key)
      this.#noteDirty({ target, partition: partitionOfName(rest) })
    })
  }

  /** A write failed: what is stored may be other than what is known here. */
  suspect(): void {
    this.#isSuspect = true
  }

  /**
   * After failed writes: stores what is known here and not stored, and removes what is stored and not known.
   * @throws {StorageError} by rejection; then it is still to be done.
   */
  reconcile(): Promise<void> {
    if (this.#isSuspect) {
      this.#reconciling = this.#reconciling.catch(() => undefined).then(() => this.#compare())
    }
    return this.#reconciling
  }

  async #compare(): Promise<void> {
    if (!this.#isSuspect) return
    this.#isSuspect = false
    const hinted = new Set<string>()
    const marked = new Set<string>()
    try {
      await this.#each(hintsPartition, (key) => void hinted.add(key))
      await this.#each(dirtyPartition, (key) => void marked.add(key))
      // From here to the write nothing else happens: what is known now is what shall be stored.
      const writes = [
        ...differences(hintsPartition, hinted, this.#hintEntries()),
        ...differences(dirtyPartition, marked, this.#markEntries()),
      ]
      if (writes.length > 0) await this.#storage.write(writes)
    } catch (error) {
      this.#isSuspect = true
      throw error
    }
  }

  #hintEntries(): Map<string, Uint8Array> {
    const entries = new Map<string, Uint8Array>()
    for (const [target, { hints, sinceMs }] of this.#targets) {
      for (const [name, bytes] of hints)
        entries.set(targetKey(target, name), hintValue(sinceMs, bytes))
    }
    return entries
  }

  #markEntries(): Map<string, Uint8Array> {
    const entries = new Map<string, Uint8Array>()
    for (const [target, partitions] of this.#dirty) {
      for (const partition of partitions.keys())
        entries.set(targetKey(target, partitionName(partition)), new Uint8Array(0))
    }
    return entries
  }

  async #each(partition: number, use: (key: string, value: Uint8Array) => void): Promise<void> {
    for await (const page of pagesOf(this.#storage, partition, pageLength))
      for (const { key, value } of page) use(key, value)
  }

  /** Members that something is kept for. */
  get targets(): readonly string[] {
    return [...new Set([...this.#targets.keys(), ...this.#dirty.keys()])].sort()
  }

  /** Hints kept, for one target or in all. */
  count(target?: string): number {
    if (target !== undefined) return this.#targets.get(target)?.hints.size ?? 0
    let count = 0
    for (const { hints } of this.#targets.values()) count += hints.size
    return count
  }

  /** Bytes of hinted records. */
  get bytes(): number {
    return this.#bytes
  }

  dirtyCount(target?: string): number {
    if (target !== undefined) return this.#dirty.get(target)?.size ?? 0
    let count = 0
    for (const partitions of this.#dirty.values()) count += partitions.size
    return count
  }

  /** Whether the record is still to be delivered to anyone but `target`. */
  isHinted(partition: number, key: string, target: string): boolean {
    const name = hintName(partition, key)
    for (const [id, { hints }] of this.#targets) if (id !== target && hints.has(name)) return true
    return this.isMarked(partition)
  }

  /** Whether all records of the partition are still to be delivered to somebody. */
  isMarked(partition: number): boolean {
    for (const partitions of this.#dirty.values()) if (partitions.has(partition)) return true
    return false
  }

  /** For whom a hint for the record is kept, and for whom its partition is marked, sorted. */
  keptFor(
    partition: number,
    key: string,
  ): { readonly hintsFor: readonly string[]; readonly marksFor: readonly string[] } {
    const name = hintName(partition, key)
    const hinted = [...this.#targets].filter(([, { hints }]) => hints.has(name))
    const marked = [...this.#dirty].filter(([, partitions]) => partitions.has(partition))
    return {
      hintsFor: hinted.map(([target]) => target).sort(),
      marksFor: marked.map(([target]) => target).sort(),
    }
  }

  /** The writes that keep a hint; to be made in one batch with the record. */
  add(hint: Hint, recordBytes: number, nowMs: number): readonly StorageWrite[] {
    const { target, partition, key } = hint
    if (this.#dirty.get(target)?.has(partition) === true)
      return this.markDirty({ target, partition })
    const held = this.#targets.get(target)
    const name = hintName(partition, key)
    const known = held?.hints.get(name)
    if (known !== undefined && recordBytes <= known) return nothing
    const isLate =
      known === undefined && held !== undefined && nowMs - held.sinceMs > this.#limits.windowMs
    if (isLate || !this.#hasRoom(held, recordBytes - (known ?? 0))) {
      return [...this.remove(hint), ...this.markDirty({ target, partition })]
    }
    this.#note(target, name, recordBytes, nowMs)
    const value = hintValue(held?.sinceMs ?? nowMs, recordBytes)
    return [{ partition: hintsPartition, key: targetKey(target, name), value }]
  }

  #hasRoom(held: TargetHints | undefined, moreBytes: number): boolean {
    const { bytesMax, bytesPerTargetMax } = this.#limits
    return (
      this.#bytes + moreBytes <= bytesMax && (held?.bytes ?? 0) + moreBytes <= bytesPerTargetMax
    )
  }

  /** The writes that mark a partition dirty for a target. */
  markDirty(mark: DirtyMark): readonly StorageWrite[] {
    const isNew = this.dirtyRevision(mark) === undefined
    this.#noteDirty(mark)
    if (!isNew) return nothing
    const key = targetKey(mark.target, partitionName(mark.partition))
    return [{ partition: dirtyPartition, key, value: new Uint8Array(0) }]
  }

  /** The writes that forget a hint that was delivered. */
  remove({ target, partition, key }: Hint): readonly StorageWrite[] {
    const held = this.#targets.get(target)
    const name = hintName(partition, key)
    const bytes = held?.hints.get(name)
    if (held === undefined || bytes === undefined) return nothing
    held.hints.delete(name)
    held.bytes -= bytes
    this.#bytes -= bytes
    if (held.hints.size === 0) this.#targets.delete(target)
    return [{ partition: hintsPartition, key: targetKey(target, name), value: undefined }]
  }

  /** Revision of a mark, to be read before its partition is; undefined when there is none. */
  dirtyRevision({ target, partition }: DirtyMark): number | undefined {
    return this.#dirty.get(target)?.get(partition)
  }

  /**
   * The writes that forget a dirty mark whose partition was transferred. None when it was marked again since
   * `revision` was read: something written meanwhile may have missed the transfer.
   */
  clean({ target, partition }: DirtyMark, revision: number): readonly StorageWrite[] {
    const partitions = this.#dirty.get(target)
    if (partitions?.get(partition) !== revision) return nothing
    partitions.delete(partition)
    if (partitions.size === 0) this.#dirty.delete(target)
    const key = targetKey(target, partitionName(partition))
    return [{ partition: dirtyPartition, key, value: undefined }]
  }

  /** Hints for a target, the oldest first, without the `skipped` oldest. */
  hints(target: string, { limit, skipped }: { limit: number; skipped: number }): readonly Hint[] {
    const found: Hint[] = []
    let index = 0
    for (const name of this.#targets.get(target)?.hints.keys() ?? []) {
      if (found.length === limit) break
      index += 1
      if (index > skipped)
        found.push({ target, partition: partitionOfName(name), key: name.slice(4) })
    }
    return found
  }

  dirtyPartitions(target: string): readonly number[] {
    return [...(this.#dirty.get(target)?.keys() ?? [])]
  }

  #note(target: string, name: string, bytes: number, sinceMs: number): void {
    let held = this.#targets.get(target)
    if (held === undefined) {
      held = { hints: new Map(), bytes: 0, sinceMs }
      this.#targets.set(target, held)
    }
    const grown = bytes - (held.hints.get(name) ?? 0)
    held.hints.set(name, bytes)
    held.bytes += grown
    held.sinceMs = Math.min(held.sinceMs, sinceMs)
    this.#bytes += grown
  }

  #noteDirty({ target, partition }: DirtyMark): void {
    let partitions = this.#dirty.get(target)
    if (partitions === undefined) {
      partitions = new Map()
      this.#dirty.set(target, partitions)
    }
    partitions.set(partition, (partitions.get(partition) ?? 0) + 1)
  }
}

function hintValue(sinceMs: number, recordBytes: number): Uint8Array {
  const value = new Uint8Array(12)
  writeF64(value, 0, sinceMs)
  writeU32(value, 8, recordBytes)
  return value
}

/** The writes that make what is stored what is known. */
function differences(
  partition: number,
  stored: ReadonlySet<string>,
  known: ReadonlyMap<string, Uint8Array>,
): readonly StorageWrite[] {
  const missing = [...known].filter(([key]) => !stored.has(key))
  const extra = [...stored].filter((key) => !known.has(key))
  return [
    ...missing.map(([key, value]) => ({ partition, key, value })),
    ...extra.map((key) => ({ partition, key, value: undefined })),
  ]
}

function partitionName(partition: number): string {
  return String.fromCharCode(
    partition >>> 24,
    (partition >>> 16) & 255,
    (partition >>> 8) & 255,
    partition & 255,
  )
}

function partitionOfName(name: string): number {
  let partition = 0
  for (let i = 0; i < 4; i++) partition = partition * 256 + name.charCodeAt(i)
  return partition
}

function hintName(partition: number, key: string): string {
  return partitionName(partition) + key
}

/** Target and the rest in one storage key; ids have no NUL. */
function targetKey(target: string, rest: string): string {
  return `${Buffer.from(target, 'utf8').toString('latin1')}\0${rest}`
}

function splitTarget(key: string): { target: string; rest: string } {
  const end = key.indexOf('\0')
  const target = Buffer.from(key.slice(0, end), 'latin1').toString('utf8')
  return { target, rest: key.slice(end + 1) }
}
