/**
 * Records that the storage has in the memory of this process: looked at, merged and written where they lie, with
 * nothing allocated. Each method either does the whole thing at once or nothing, and then says so: `ReplicaStore` knows
 * all that may be in its way (no record yet, siblings, isolated dots, damage, another kind, a storage on disk).
 */
import { allocateBrief } from '../base/bytes.ts'
import type { LentRegion, RegionUse, Storage, ValueRegion } from '../ports/storage.ts'
import { kindNumber } from '../versions/record-layout.ts'
import type { Revisions } from './revisions.ts'
import {
  isPlainStored,
  replacedAll,
  sealStored,
  storedHeaderBytes,
  succeeded,
  type LocalWrite,
} from './stored-record.ts'

/** What the fast way needs of the store. */
export interface NearRecordsOptions {
  readonly storage: Storage
  readonly revisions: Revisions
  /** The storage refused a write: what this node minted for it must never be minted again. */
  readonly writeFailed: (error: Error) => void
}

const region: LentRegion = { bytes: new Uint8Array(0), start: 0, end: 0, hold: undefined }

/** The shortest way to the records of a storage in memory. */
export class NearRecords {
  readonly #storage: Storage
  readonly #revisions: Revisions
  readonly #writeFailed: (error: Error) => void
  /** Whether there is such a way. */
  readonly isThere: boolean

  constructor({ storage, revisions, writeFailed }: NearRecordsOptions) {
    this.#storage = storage
    this.#revisions = revisions
    this.#writeFailed = writeFailed
    const { durability } = storage
    this.isThere = 'locate' in storage && 'store' in storage && durability === 'memory'
  }

  /** Fills in where a sound record lies, header and all; `use` as for `Storage.locate`. @throws {StoreError} */
  find(partition: number, key: string, into: LentRegion, use: RegionUse): boolean {
    if (!this.isThere || !this.#storage.locate!(partition, key, into, use)) return false
    return isPlainStored(into.bytes, into.start, into.end)
  }

  /** Merges a well-formed record of a peer that is newer, older or the same. @throws {StoreError} */
  merge(partition: number, key: string, incoming: ValueRegion): boolean {
    if (!this.find(partition, key, region, 'now')) return false
    const { bytes, start, end } = incoming
    if (region.bytes[region.start + storedHeaderBytes + 1] !== bytes[start + 1]) return false
    const next = succeeded(region, bytes, start, end, allocateBrief)
    if (next === 'unclear') return false
    if (next !== undefined) this.#store(partition, key, next, { into: region, use: 'now' })
    return true
  }

  /**
   * Applies a write that this node coordinates and that replaces all that is stored. Fills in where the record lies
   * then, header and all, for ever. @throws {StoreError}
   */
  write(partition: number, key: string, write: LocalWrite, into: LentRegion): boolean {
    if (!this.find(partition, key, into, 'now')) return false
    if (into.bytes[into.start + storedHeaderBytes + 1] !== kindNumber[write.kind]) return false
    const result = replacedAll(into, write, allocateBrief)
    if (result !== undefined) this.#store(partition, key, result.stored, { into, use: 'kept' })
    return result !== undefined
  }

  #store(
    partition: number,
    key: string,
    stored: Uint8Array,
    { into, use }: { into: LentRegion; use: RegionUse },
  ): void {
    sealStored(stored, key, false)
    this.#revisions.changed(partition)
    into.bytes = stored
    into.start = 0
    into.end = stored.length
    try {
      this.#storage.store!(partition, key, into, use)
    } catch (error) {
      this.#writeFailed(error as Error)
      throw error
    }
  }
}
