/**
 * Memory for values in large pieces, so that the garbage collector has a few thousand objects to trace instead of one
 * for each value. Bytes are only ever appended: whoever still reads a value may go on after it was replaced. A slab in
 * which most bytes are waste is emptied, and used again, unless somebody keeps a value in it: then it is left to the
 * collector. Memory that is always used again stays in the cache, and gives the collector no reason to run: puts
 * × 1.1.
 *
 *     entry, at a multiple of 8:
 *     ┌───────────────┬───────────────┬───────────────┬────────────┬─────┬────────────────┬───────────────┐
 *     │ hash u32      │ partition u32 │ value len u32 │ key len u16│  0  │ key, padded    │ value, padded │
 *     └───────────────┴───────────────┴───────────────┴────────────┴─────┴────────────────┴───────────────┘
 *
 * A place is a number: the slab's and the position in it divided by 8. Neither index nor collector sees more.
 */
import { assert } from '../base/assert.ts'
import {
  copyInto,
  readU16,
  readU32,
  toByteString,
  writeByteString,
  writeU16,
  writeU32,
} from '../base/bytes.ts'
import type { LentRegion, RegionHold, RegionUse, ValueRegion } from '../ports/storage.ts'

/** Size of a slab. Emptying one must not take long, and one is kept by whoever keeps a value in it. */
export const slabBytes = 65_536
const headBytes = 16
const positionBits = 13
const positionMask = (1 << positionBits) - 1
/** Almost 2¹⁸ slabs of 64 KiB, 16 GiB: a place and 1 more is a positive 31-bit number. */
const slabsMax = (1 << 18) - 1
/** A slab is emptied when no more than one of so many bytes is live: what is moved is a third of what is won. */
const wasteFactor = 4
/** Larger entries have a slab of their own. */
const sharedBytesMax = slabBytes / 4

/** One piece of memory. */
class Slab implements RegionHold {
  readonly bytes: Buffer
  used = 0
  /** Bytes of entries that are not waste. */
  live = 0
  /** How many times somebody keeps something in it. */
  private holds = 0
  private readonly spare: (bytes: Buffer) => void
  private isDropped = false

  constructor(bytes: Buffer, spare: (bytes: Buffer) => void) {
    this.bytes = bytes
    this.spare = spare
  }

  keep(): RegionHold {
    this.holds += 1
    return this
  }

  release(): void {
    this.holds -= 1
    if (this.isDropped && this.holds === 0) this.spare(this.bytes)
  }

  /** Nothing in it is wanted any more: it is used again as soon as nobody keeps anything in it. */
  drop(): void {
    this.isDropped = true
    if (this.holds === 0) this.spare(this.bytes)
  }
}

/** Emptied slabs that wait for their next use. */
const sparesMax = 64
/** The same for longer ones, all together: fresh memory costs ten times as much as the copying into it. */
const longSpareBytesMax = 32 * 1024 * 1024
/** Shorter ones the allocator has at hand. */
const longSpareBytesMin = 128 * 1024
/** A long spare is used for an entry that fills at least three quarters of it. */
const fillMin = 0.75

/** Who knows which entries are wanted. */
export interface PlaceKeeper {
  isWanted(place: number): boolean
  moved(from: number, to: number): void
}

/** Entries in slabs. */
export class MemorySlabs {
  readonly #keeper: PlaceKeeper
  readonly #slabs: (Slab | undefined)[] = []
  readonly #freeNumbers: number[] = []
  /** Slabs that may be mostly waste. */
  #suspects: number[] = []
  #current = -1
  readonly #spares: Buffer[] = []
  readonly #longSpares: Buffer[] = []
  #longSpareBytes = 0

  constructor(keeper: PlaceKeeper) {
    this.#keeper = keeper
  }

  /** Whether so many values of so many bytes together can be taken. */
  hasRoom(values: number, bytes: number): boolean {
    const needed = values + Math.ceil((2 * bytes) / slabBytes) + 1
    return this.#slabs.length - this.#freeNumbers.length + needed < slabsMax
  }

  /** Appends an entry and returns its place. */
  append(hash: number, partition: number, key: string, value: ValueRegion): number {
    const { bytes: from, start, end } = value
    const place = this.#room(headBytes + padded(key.length) + padded(end - start))
    const { bytes } = this.#slabs[place >>> positionBits]!
    const at = (place & positionMask) << 3
    writeU32(bytes, at, hash)
    writeU32(bytes, at + 4, partition)
    writeU32(bytes, at + 8, end - start)
    writeU16(bytes, at + 12, key.length)
    writeByteString(bytes, at + headBytes, key)
    copyInto(bytes, at + headBytes + padded(key.length), from, start, end)
    return place
  }

  /** Room for an entry of so many bytes, counted as live. */
  #room(size: number): number {
    const number = size > sharedBytesMax ? this.#add(size) : this.#currentWith(size)
    const slab = this.#slabs[number]!
    const place = (number << positionBits) | (slab.used >>> 3)
    slab.used += size
    slab.live += size
    return place
  }

  #currentWith(size: number): number {
    const slab = this.#slabs[this.#current]
    if (slab !== undefined && slab.used + size <= slabBytes) return this.#current
    if (slab !== undefined) this.#suspects.push(this.#current)
    this.#current = this.#add(slabBytes)
    return this.#current
  }

  #add(size: number): number {
    const number = this.#freeNumbers.pop() ?? this.#slabs.length
    assert(number < slabsMax, 'room was asked for before')
    const spare = size === slabBytes ? this.#spares.pop() : this.#takeLong(size)
    const bytes = spare ?? Buffer.allocUnsafeSlow(size)
    this.#slabs[number] = new Slab(bytes, this.#spareBytes)
    return number
  }

  #takeLong(size: number): Buffer | undefined {
    const fits = ({ length }: Buffer): boolean => length >= size && length * fillMin <= size
    const index = this.#longSpares.findIndex(fits)
    if (index < 0) return undefined
    const [spare] = this.#longSpares.splice(index, 1)
    this.#longSpareBytes -= spare!.length
    return spare
  }

  /** Memory of a slab that nobody looks at any more; what was there longest makes room. */
  readonly #spareBytes = (bytes: Buffer): void => {
    if (bytes.length === slabBytes) {
      if (this.#spares.length < sparesMax) this.#spares.push(bytes)
      return
    }
    if (bytes.length < longSpareBytesMin || bytes.length > longSpareBytesMax) return
    this.#longSpares.push(bytes)
    this.#longSpareBytes += bytes.length
    while (this.#longSpareBytes > longSpareBytesMax)
      this.#longSpareBytes -= this.#longSpares.shift()!.length
  }

  /** Whether the entry at a place is the one of that key. */
  isAt(place: number, partition: number, key: string): boolean {
    const { bytes } = this.#slabs[place >>> positionBits]!
    const at = (place & positionMask) << 3
    const { length } = key
    if (readU32(bytes, at + 4) !== partition || readU16(bytes, at + 12) !== length) return false
    for (let i = 0; i < length; i++) {
      if (bytes[at + headBytes + i] !== key.charCodeAt(i)) return false
    }
    return true
  }

  /** Fills in where the value at a place lies. */
  locate(place: number, into: LentRegion, use: RegionUse): void {
    const slab = this.#slabs[place >>> positionBits]!
    const { bytes } = slab
    into.hold = use === 'kept' ? slab.keep() : undefined
    const at = (place & positionMask) << 3
    into.bytes = bytes
    into.start = at + headBytes + padded(readU16(bytes, at + 12))
    into.end = into.start + readU32(bytes, at + 8)
  }

  /**
   * The value at a place, for as long as anybody wants it: a copy, unless it is long. A view would keep the whole slab
   * from being used again, and scans look at every one of them: while owners changed beside clients, the collector got
   * hundreds of slabs each second.
   */
  value(place: number): Uint8Array {
    const isShared = this.#slabs[place >>> positionBits]!.bytes.length === slabBytes
    this.locate(place, region, isShared ? 'now' : 'kept')
    const { bytes, start, end } = region
    return isShared ? Buffer.from(bytes.subarray(start, end)) : bytes.subarray(start, end)
  }

  key(place: number): string {
    const { bytes } = this.#slabs[place >>> positionBits]!
    const at = ((place & positionMask) << 3) + headBytes
    return toByteString(bytes, at, at + readU16(bytes, at - 4))
  }

  hash(place: number): number {
    return readU32(this.#slabs[place >>> positionBits]!.bytes, (place & positionMask) << 3) | 0
  }

  partition(place: number): number {
    return readU32(this.#slabs[place >>> positionBits]!.bytes, ((place & positionMask) << 3) + 4)
  }

  /** The entry at a place, which the keeper does not want any more, is waste from now on. */
  waste(place: number): void {
    const number = place >>> positionBits
    const slab = this.#slabs[number]!
    slab.live -= entryBytes(slab.bytes, (place & positionMask) << 3)
    if (slab.live * wasteFactor <= slab.used) this.#suspects.push(number)
  }

  /** Empties slabs that are mostly waste. Their live entries move: places that were told before mean nothing. */
  tidy(): void {
    while (this.#suspects.length > 0) {
      const suspects = this.#suspects
      this.#suspects = []
      for (const number of suspects) this.#judge(number)
    }
  }

  #judge(number: number): void {
    const slab = this.#slabs[number]
    if (slab === undefined || number === this.#current || slab.live * wasteFactor > slab.used)
      return
    if (slab.live > 0) this.#empty(number, slab)
    slab.drop()
    this.#slabs[number] = undefined
    this.#freeNumbers.push(number)
  }

  #empty(number: number, { bytes, used }: Slab): void {
    for (let at = 0; at < used;) {
      const size = entryBytes(bytes, at)
      const from = (number << positionBits) | (at >>> 3)
      if (this.#keeper.isWanted(from)) {
        const to = this.#room(size)
        const target = this.#slabs[to >>> positionBits]!.bytes
        copyInto(target, (to & positionMask) << 3, bytes, at, at + size)
        this.#keeper.moved(from, to)
      }
      at += size
    }
  }
}

const region: LentRegion = { bytes: new Uint8Array(0), start: 0, end: 0, hold: undefined }

function padded(bytes: number): number {
  return (bytes + 7) & ~7
}

function entryBytes(bytes: Uint8Array, at: number): number {
  return headBytes + padded(readU16(bytes, at + 12)) + padded(readU32(bytes, at + 8))
}
