/**
 * What this node stores: reads, merges and writes of records, one at a time for each key. A storage that answers at
 * once costs no microtask; one that answers with promises is taken in turn, so that nothing happens between reading a
 * record and replacing it.
 */
import { ConflictPolicyError, LimitError, StorageError } from '../base/errors.ts'
import type { LentRegion, RegionUse, Storage, StorageWrite } from '../ports/storage.ts'
import { kindOf } from '../versions/record-layout.ts'
import { NearRecords } from './near-records.ts'
import { splitStorageKey } from './places.ts'
import type { Revisions } from './revisions.ts'
import {
  merged,
  openStored,
  sealStored,
  storedHeaderBytes,
  writtenLocally,
  type LocalWrite,
  type LocalWriteResult,
  type Stored,
} from './stored-record.ts'

/**
 * More writes for the batch of a record, such as hints. Asked for in the turn of the key, right before the batch is
 * written, so that nothing comes between deciding on them and making them. Told how long the stored record is then.
 */
export type AlsoWrite = (storedBytes: number) => readonly StorageWrite[]

const nothing: readonly StorageWrite[] = Object.freeze([])
const nothingMore: AlsoWrite = () => nothing

/** A coordinated write that was applied; `durable` is undefined when it is so already. */
export interface AppliedWrite extends LocalWriteResult {
  readonly durable: Promise<void> | undefined
}

/** What the store needs of its node. */
export interface ReplicaStoreOptions {
  readonly storage: Storage
  /** Told of each change. */
  readonly revisions: Revisions
  /** The storage refused a write: what this node minted for it must never be minted again. */
  readonly writeFailed: (error: Error) => void
}

/**
 * Looks for a record where it lies, if the storage tells at once: `found`, and `into` is filled in, header and all;
 * `use` as for `Storage.locate`. Else what `read` says. @throws {StorageError} at once or by rejection.
 */
export function look(
  store: Pick<ReplicaStore, 'near' | 'read'>,
  { partition, key }: { readonly partition: number; readonly key: string },
  into: LentRegion,
  use: RegionUse,
): 'found' | Exclude<Stored, Uint8Array> | Promise<Stored> {
  if (store.near.find(partition, key, into, use)) return 'found'
  const stored = store.read(partition, key)
  if (!(stored instanceof Uint8Array)) return stored
  into.bytes = stored
  into.start = 0
  into.end = stored.length
  return 'found'
}

/** The records of one node: every change of a key is a merge, one after the other. */
export class ReplicaStore {
  readonly #storage: Storage
  readonly #revisions: Revisions
  readonly #writeFailed: (error: Error) => void
  /** The last turn of each key that waits for its storage. */
  readonly #turns: Map<string, Promise<unknown>> = new Map()
  #watched: Promise<void> | undefined
  /** Records whose last write is not durable yet, by storage key. */
  readonly #unsynced: Map<string, Promise<void>> = new Map()
  /** Whether the storage has answered with a promise before. */
  #answersLater = false
  /** Records found damaged since the start. */
  damagedCount = 0

  /** The short way to records that the storage has in memory. */
  readonly near: NearRecords

  constructor(options: ReplicaStoreOptions) {
    this.near = new NearRecords(options)
    this.#storage = options.storage
    this.#revisions = options.revisions
    this.#writeFailed = options.writeFailed
  }

  /** Whether acknowledged writes survive this process. */
  get isDurable(): boolean {
    return this.#storage.durability !== 'memory'
  }

  /**
   * What is stored, to be read only, once it is as durable as acknowledged writes are: a read that saw what a loss of
   * power takes away would let later ones go back in time (HAZARDS D1).
   * @throws {StorageError} at once or by rejection.
   */
  read(partition: number, key: string): Stored | Promise<Stored> {
    const got = this.#storage.get(partition, key)
    const unsynced = this.#unsynced.size === 0 ? undefined : this.#unsynced.get(key)
    if (unsynced !== undefined) return this.#readSynced(partition, key, { got, unsynced })
    return got instanceof Promise
      ? got.then((bytes) => this.#judged(bytes, key))
      : this.#judged(got, key)
  }

  /** If the write fails, its effects vanish: then what was there before is read. */
  async #readSynced(
    partition: number,
    key: string,
    { got, unsynced }: { got: ReturnType<Storage['get']>; unsynced: Promise<void> },
  ): Promise<Stored> {
    const bytes = await got
    const isSynced = await unsynced.then(
      () => true,
      () => false,
    )
    return isSynced ? this.#judged(bytes, key) : this.read(partition, key)
  }

  /**
   * Merges a well-formed record of a peer into what is stored, and applies `also` in the same batch.
   * @returns nothing, or a promise, when the merged record is durable.
   * @throws {ConflictPolicyError} at once or by rejection, when the record is of another kind; nothing changed.
   */
  merge(
    partition: number,
    key: string,
    incoming: { bytes: Uint8Array; start: number; end: number },
    also: AlsoWrite = nothingMore,
  ): void | Promise<void> {
    const now = this.#readNow(partition, key)
    if (now !== 'later') return this.#merge(partition, key, now, incoming, also)
    const bytes = Buffer.from(incoming.bytes.subarray(incoming.start, incoming.end))
    const copy = { bytes, start: 0, end: bytes.length }
    const turn = this.#inTurn(partition, key, (stored) =>
      this.#merge(partition, key, stored, copy, also),
    )
    return turn as void | Promise<void>
  }

  #merge(
    partition: number,
    key: string,
    stored: Stored,
    incoming: { bytes: Uint8Array; start: number; end: number },
    also: AlsoWrite,
  ): void | Promise<void> {
    const { bytes, start, end } = incoming
    const local = stored === 'damaged' ? undefined : stored
    if (local !== undefined && local[storedHeaderBytes + 1] !== bytes[start + 1]) {
      throw this.#otherKind(key, local, bytes[start + 1]!)
    }
    const next = merged(local, bytes, start, end)
    if (next !== undefined) sealStored(next, key, this.isDurable)
    return this.#write(partition, key, next, also((next ?? local!).length))
  }

  /**
   * Applies a write that this node coordinates. The record is visible at once and durable when `durable` says so.
   * @throws {ConflictPolicyError} at once or by rejection, when what is stored is of another kind; nothing changed.
   * @throws {LimitError} likewise, when too many siblings would be left; nothing changed.
   */
  write(
    partition: number,
    key: string,
    write: LocalWrite,
    also: AlsoWrite = nothingMore,
  ): AppliedWrite | Promise<AppliedWrite> {
    const now = this.#readNow(partition, key)
    if (now !== 'later') return this.#apply(partition, key, now, write, also)
    return this.#inTurn(partition, key, (stored) =>
      this.#apply(partition, key, stored, write, also),
    )
  }

  /** The same at once, or not at all: undefined when the storage has to be waited for. @throws as `write` */
  writeNow(partition: number, key: string, write: LocalWrite): AppliedWrite | undefined {
    const now = this.#readNow(partition, key)
    return now === 'later' ? undefined : this.#apply(partition, key, now, write, nothingMore)
  }

  #apply(
    partition: number,
    key: string,
    stored: Stored,
    write: LocalWrite,
    also: AlsoWrite,
  ): AppliedWrite {
    const local = stored === 'damaged' ? undefined : stored
    if (local !== undefined && kindOf(local[storedHeaderBytes + 1]!) !== write.kind) {
      throw this.#otherKind(key, local, write.kind)
    }
    const result = writtenLocally(local, write)
    const { stored: next, replaced, siblings } = result
    if (siblings > write.siblingsMax) throw tooManySiblings(key, siblings, write)
    sealStored(next, key, this.isDurable)
    const durable = this.#write(partition, key, next, also(next.length)) ?? undefined
    return { stored: next, replaced, siblings, durable }
  }

  /**
   * Does something only if the record is still the one expected (undefined: that there is none): makes the writes of
   * `also` and then, if `isDisposable` says so, removes the record, in one batch.
   * @returns whether it was done, once it is durable.
   */
  async ifUnchanged(
    place: { partition: number; key: string; expected: Uint8Array | undefined },
    also: AlsoWrite,
    isDisposable: () => boolean,
  ): Promise<boolean> {
    const { partition, key, expected } = place
    const change = await this.#inTurn(partition, key, (stored) => {
      if (!isSameStored(stored, expected)) return undefined
      const writes = also(expected?.length ?? 0)
      const removal = isDisposable() ? [{ partition, key, value: undefined }] : []
      if (removal.length > 0) this.#revisions.changed(partition)
      return { done: this.#storage.write([...writes, ...removal]) }
    })
    await change?.done
    return change !== undefined
  }

  #judged(bytes: Uint8Array | undefined, key: string): Stored {
    const stored = openStored(bytes, key)
    if (stored === 'damaged') this.damagedCount += 1
    return stored
  }

  /** What is stored, when nobody has to be waited for; `later`: it is to be read in turn. */
  #readNow(partition: number, key: string): Stored | 'later' {
    if (this.#turns.size > 0 || this.#answersLater) return 'later'
    const got = this.#storage.get(partition, key)
    if (!(got instanceof Promise)) return this.#judged(got, key)
    this.#answersLater = true
    // Read again in turn, where its failure is somebody's.
    got.catch(() => undefined)
    return 'later'
  }

  /** Runs `use` on what is stored, after everything that runs on the same key. */
  #inTurn<T>(partition: number, key: string, use: (stored: Stored) => T): T | Promise<T> {
    const name = this.#turns.size === 0 ? '' : `${partition} ${key}`
    const before = name === '' ? undefined : this.#turns.get(name)
    if (before === undefined) {
      const got = this.#storage.get(partition, key)
      if (!(got instanceof Promise)) return use(this.#judged(got, key))
      return this.#queue(
        `${partition} ${key}`,
        got.then((bytes) => use(this.#judged(bytes, key))),
      )
    }
    const turn = before
      .catch(() => undefined)
      .then(() => this.#storage.get(partition, key))
      .then((bytes) => use(this.#judged(bytes, key)))
    return this.#queue(name, turn)
  }

  #queue<T>(name: string, turn: Promise<T>): Promise<T> {
    this.#turns.set(name, turn)
    const leave = (): void => {
      if (this.#turns.get(name) === turn) this.#turns.delete(name)
    }
    turn.then(leave, leave)
    return turn
  }

  /** Writes; with nothing new, still waits until what is there is durable. */
  #write(
    partition: number,
    key: string,
    value: Uint8Array | undefined,
    also: readonly StorageWrite[],
  ): void | Promise<void> {
    if (value === undefined && also.length === 0 && !this.isDurable) return undefined
    const own = value === undefined ? nothing : [{ partition, key, value }]
    const batch = also.length === 0 ? own : [...own, ...also]
    if (value !== undefined) this.#revisions.changed(partition)
    let done: void | Promise<void>
    try {
      done = this.#storage.write(batch)
    } catch (error) {
      this.#writeFailed(error as Error)
      throw asStorageError(error)
    }
    if (done === undefined) return undefined
    if (done !== this.#watched) {
      this.#watched = done
      done.catch((error: unknown) => this.#writeFailed(error as Error))
    }
    if (value !== undefined) this.#noteUnsynced(key, done)
    return done
  }

  #noteUnsynced(key: string, done: Promise<void>): void {
    this.#unsynced.set(key, done)
    const synced = (): void => {
      if (this.#unsynced.get(key) === done) this.#unsynced.delete(key)
    }
    done.then(synced, synced)
  }

  #otherKind(key: string, local: Uint8Array, given: number | string): ConflictPolicyError {
    const { bucket } = splitStorageKey(key)
    const here = kindOf(local[storedHeaderBytes + 1]!)
    const there = typeof given === 'number' ? kindOf(given) : given
    return new ConflictPolicyError(
      `bucket "${bucket}" holds records of conflict policy ${here}, not ${there}: ` +
        'open it with one policy on every node',
      { bucket },
    )
  }
}

function asStorageError(error: unknown): StorageError {
  if (error instanceof StorageError) return error
  return new StorageError(`the storage failed: ${(error as Error).message}`, error)
}

function tooManySiblings(storageKey: string, actual: number, write: LocalWrite): LimitError {
  const { key } = splitStorageKey(storageKey)
  const what = `siblings of ${JSON.stringify(key)}: read the key and write with its context`
  return new LimitError('siblingsMax', { allowed: write.siblingsMax, actual, what })
}

/** Whether what is stored is what was expected. A damaged record never is. */
function isSameStored(stored: Stored, expected: Uint8Array | undefined): boolean {
  if (stored === 'damaged') return false
  if (stored === undefined || expected === undefined) return stored === expected
  return Buffer.compare(stored, expected) === 0
}
