/**
 * What the nodes of a simulation really store, read from their disks behind their backs, through
 * the record format.
 */

import { msgpackCodec } from '../adapters/msgpack-codec.ts'
import { dirtyPartition, hintsPartition, storageKeyBytes } from '../replica/places.ts'
import { decodeStored, openStored, storedHeaderBytes } from '../replica/stored-record.ts'
import { hashKey, partitionOf } from '../ring/key-hash.ts'
import { clockText } from '../versions/clock-text.ts'
import { sameRecord } from '../versions/record-layout.ts'
import type { SimDisk } from './sim-disk.ts'

/** What one node stores of one key. */
export interface RecordView {
  /**
   * The live values, decoded as the default codec does; bytes where that fails. Expired ones are
   * still there, until a read has found them so.
   */
  siblings: unknown[]
  /** How many siblings were deleted, or have expired and were found so. */
  tombstones: number
  /** The causal context as text, equal for equal contexts; `damaged` when the stored bytes are. */
  clock: string
  /** `primary`: the node owns the key. `hint`: it keeps it for an owner. `stray`: neither. */
  role: 'primary' | 'hint' | 'stray'
}

/** Where a key's record is on every disk. */
export interface Place {
  readonly partition: number
  readonly key: string
}

/** @param partitions Q of the cluster. */
export function placeOf(bucket: string, key: string, partitions: number): Place {
  const bytes = storageKeyBytes(bucket, key)
  return { partition: partitionOf(hashKey(bytes), partitions), key: bytes.toString('latin1') }
}

/** What a disk has of a key, or undefined. */
export function viewRecord(
  disk: SimDisk,
  place: Place,
  options: { isOwner: boolean },
): RecordView | undefined {
  const bytes = disk.get(place.partition, place.key)
  const stored = openStored(bytes, place.key)
  if (stored === undefined) return undefined
  const role = options.isOwner ? 'primary' : isHinted(disk, place) ? 'hint' : 'stray'
  if (stored === 'damaged') return { siblings: [], tombstones: 0, clock: 'damaged', role }
  const { siblings, context } = decodeStored(stored)
  const live = siblings.filter(({ tombstone }) => !tombstone)
  return {
    siblings: live.map(({ value }) => decodeValue(value)),
    tombstones: siblings.length - live.length,
    clock: clockText(context),
    role,
  }
}

/** Takes a record away from a disk. False when there is none. */
export function forgetRecord(disk: SimDisk, place: Place): boolean {
  return disk.remove(place.partition, place.key)
}

/** Turns a bit of a record over. False when there is none. @param bit modulo its length. */
export function damageRecord(disk: SimDisk, place: Place, bit: number): boolean {
  return disk.flipBit(place.partition, place.key, bit)
}

/** Where a disk has records. */
export function* recordPlaces(disk: SimDisk): Generator<Place> {
  for (const { partition, key } of disk.entries()) {
    if (partition < dirtyPartition) yield { partition, key }
  }
}

/** How many hints and marks of dirty partitions a disk has. */
export function hintCount(disk: SimDisk): number {
  const all = { limit: Infinity }
  return disk.scan(hintsPartition, all).length + disk.scan(dirtyPartition, all).length
}

/** Whether all disks store the same sound record of a key, or all none. */
export function agree(disks: readonly SimDisk[], place: Place): boolean {
  const [first, ...others] = disks.map((disk) => {
    return openStored(disk.get(place.partition, place.key), place.key)
  })
  if (first === 'damaged') return false
  return others.every((other) => {
    if (other === undefined || first === undefined) return other === first
    if (other === 'damaged') return false
    const at = storedHeaderBytes
    return sameRecord(first, at, first.length, other, at, other.length)
  })
}

/** A hint's key ends in the partition, four bytes, and the key of the record. */
function isHinted(disk: SimDisk, place: Place): boolean {
  const name = Buffer.alloc(4)
  name.writeUInt32BE(place.partition)
  const ending = `\0${name.toString('latin1')}${place.key}`
  return disk.scan(hintsPartition, { limit: Infinity }).some(({ key }) => key.endsWith(ending))
}

function decodeValue(bytes: Uint8Array): unknown {
  try {
    return msgpackCodec().decode(bytes)
  } catch {
    return bytes
  }
}
