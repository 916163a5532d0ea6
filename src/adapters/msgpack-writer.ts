/**
 * The encoding half of `msgpackCodec`: one pass that writes and checks at once, so that what was
 * checked is what is written. Getters and `toJSON` are never called.
 */

import { isDate, isMap, isSet, isUint8Array } from 'node:util/types'
import { CodecError } from '../base/errors.ts'
import { encodedBytesMax, extension, invalidDate, token } from './msgpack-format.ts'
import {
  accessor,
  dataProperty,
  illFormed,
  nestingMax,
  oddProperties,
  refusal,
  tooDeep,
  unsupported,
} from './plain-data.ts'

/** A buffer that grew beyond this for a large value is not kept for the next one. */
const keptBytesMax = 1 << 16

/**
 * Up to this length a loop over ASCII text beats a call into the runtime. It is also the longest
 * fixed string.
 */
const shortTextMax = 31

/** Writes one value after the other into a buffer that it keeps. */
export class MsgpackWriter {
  #bytes: Buffer = Buffer.allocUnsafeSlow(4096)
  #view = viewOf(this.#bytes)
  #end = 0
  /** The keys and indices that led to the part being written: for the message of a refusal. */
  readonly #path: (string | number)[] = []

  /** @throws {CodecError} when a part of the value would not come back equal. */
  encode(value: unknown): Uint8Array {
    this.#end = 0
    this.#write(value, 0)
    const encoded = Buffer.from(this.#bytes.subarray(0, this.#end))
    if (this.#bytes.length > keptBytesMax) this.#replaceBuffer(keptBytesMax, 0)
    return encoded
  }

  #write(value: unknown, depth: number): void {
    switch (typeof value) {
      case 'string':
        return this.#text(value, depth)
      case 'number':
        return this.#number(value)
      case 'boolean':
        return this.#byte(value ? token.true : token.false)
      case 'undefined':
        return this.#fixedExtension(extension.undefined, 0)
      case 'bigint':
        return this.#bigint(value)
      case 'object':
        return value === null ? this.#byte(token.nil) : this.#object(value, depth)
      default:
        throw refusal(this.#path, depth, unsupported(value))
    }
  }

  #object(value: object, depth: number): void {
    if (depth >= nestingMax) throw refusal(this.#path, depth, tooDeep)
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype === Object.prototype) return this.#members(value, depth)
    if (Array.isArray(value)) {
      if (prototype === Array.prototype) return this.#array(value, depth)
    } else if (prototype === null) {
      return this.#extension(extension.nullPrototype, () => this.#members(value, depth))
    } else if (isUint8Array(value)) {
      if (prototype === Uint8Array.prototype) return this.#binary(value)
      if (prototype === Buffer.prototype) return this.#buffer(value)
    } else if (isOrdinary(value)) {
      if (isDate(value) && prototype === Date.prototype) return this.#date(value)
      if (isMap(value) && prototype === Map.prototype) return this.#map(value, depth)
      if (isSet(value) && prototype === Set.prototype) return this.#set(value, depth)
    }
    throw refusal(this.#path, depth, unsupported(value))
  }

  #members(object: object, depth: number): void {
    const keys = Object.keys(object)
    const problem = oddProperties(object, keys)
    if (problem !== undefined) throw refusal(this.#path, depth, problem)
    this.#mapHeader(keys.length)
    for (const key of keys) {
      this.#path[depth] = key
      const property = dataProperty(object, key)
      if (property === undefined) throw refusal(this.#path, depth + 1, accessor)
      this.#text(key, depth + 1)
      this.#write(property.value, depth + 1)
    }
  }

  #array(array: readonly unknown[], depth: number): void {
    const problem = oddProperties(array, Object.keys(array))
    if (problem !== undefined) throw refusal(this.#path, depth, problem)
    this.#items(array, array.length, depth)
  }

  #set(set: ReadonlySet<unknown>, depth: number): void {
    this.#extension(extension.set, () => this.#items(set, set.size, depth))
  }

  #items(items: Iterable<unknown>, count: number, depth: number): void {
    this.#arrayHeader(count)
    let index = 0
    for (const item of items) {
      this.#path[depth] = index++
      this.#write(item, depth + 1)
    }
  }

  /**
   * Entries of a map are named by their position in refusals: keys of any type have no better name.
   */
  #map(map: ReadonlyMap<unknown, unknown>, depth: number): void {
    this.#extension(extension.map, () => {
      this.#mapHeader(map.size)
      let index = 0
      for (const [key, value] of map) {
        this.#path[depth] = index++
        this.#write(key, depth + 1)
        this.#write(value, depth + 1)
      }
    })
  }

  #text(text: string, depth: number): void {
    if (text.length <= shortTextMax && this.#shortAscii(text)) return
    if (!text.isWellFormed()) throw refusal(this.#path, depth, illFormed)
    const length = Buffer.byteLength(text)
    this.#textHeader(length)
    this.#reserve(length)
    this.#end += this.#bytes.write(text, this.#end)
  }

  /** Writes the text if all of it is ASCII. */
  #shortAscii(text: string): boolean {
    this.#reserve(1 + shortTextMax)
    const bytes = this.#bytes
    const start = this.#end + 1
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code > 0x7f) return false
      bytes[start + i] = code
    }
    bytes[this.#end] = token.fixString | text.length
    this.#end = start + text.length
    return true
  }

  #number(value: number): void {
    this.#reserve(9)
    if (value >>> 0 === value && !Object.is(value, -0)) return this.#positive(value)
    if (value >> 0 === value && value < 0) return this.#negative(value)
    this.#bytes[this.#end] = token.float64
    this.#view.setFloat64(this.#end + 1, value)
    this.#end += 9
  }

  #positive(value: number): void {
    const at = this.#end
    if (value < 0x80) {
      this.#bytes[at] = value
      this.#end += 1
    } else if (value < 0x1_00) {
      this.#bytes[at] = token.uint8
      this.#bytes[at + 1] = value
      this.#end += 2
    } else if (value < 0x1_0000) {
      this.#bytes[at] = token.uint16
      this.#view.setUint16(at + 1, value)
      this.#end += 3
    } else {
      this.#bytes[at] = token.uint32
      this.#view.setUint32(at + 1, value)
      this.#end += 5
    }
  }

  #negative(value: number): void {
    const at = this.#end
    if (value >= -0x20) {
      this.#bytes[at] = value
      this.#end += 1
    } else if (value >= -0x80) {
      this.#bytes[at] = token.int8
      this.#bytes[at + 1] = value
      this.#end += 2
    } else if (value >= -0x8000) {
      this.#bytes[at] = token.int16
      this.#view.setInt16(at + 1, value)
      this.#end += 3
    } else {
      this.#bytes[at] = token.int32
      this.#view.setInt32(at + 1, value)
      this.#end += 5
    }
  }

  #bigint(value: bigint): void {
    this.#reserve(9)
    if (BigInt.asIntN(64, value) === value) {
      this.#bytes[this.#end] = token.int64
      this.#view.setBigInt64(this.#end + 1, value)
      this.#end += 9
    } else if (BigInt.asUintN(64, value) === value) {
      this.#bytes[this.#end] = token.uint64
      this.#view.setBigUint64(this.#end + 1, value)
      this.#end += 9
    } else {
      this.#largeBigint(value)
    }
  }

  #largeBigint(value: bigint): void {
    const hex = (value < 0n ? -value : value).toString(16)
    const magnitude = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
    this.#extension(extension.bigint, () => {
      this.#byte(value < 0n ? 1 : 0)
      this.#raw(magnitude)
    })
  }

  #date(date: Date): void {
    const ms = date.getTime()
    if (Number.isNaN(ms)) return this.#fixedExtension(extension.date, invalidDate)
    const seconds = Math.floor(ms / 1000)
    this.#reserve(15)
    const at = this.#end
    this.#bytes[at] = token.ext8
    this.#bytes[at + 1] = 12
    this.#bytes[at + 2] = extension.date
    this.#view.setUint32(at + 3, (ms - seconds * 1000) * 1_000_000)
    this.#view.setBigInt64(at + 7, BigInt(seconds))
    this.#end += 15
  }

  #binary(bytes: Uint8Array): void {
    this.#lengthHeader(token.bin8, bytes.length)
    this.#raw(bytes)
  }

  #buffer(bytes: Uint8Array): void {
    this.#extension(extension.buffer, () => this.#raw(bytes))
  }

  #raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#end)
    this.#end += bytes.length
  }

  #byte(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#end++] = value
  }

  /** An extension with one byte of payload. */
  #fixedExtension(type: number, payload: number): void {
    this.#byte(token.fixExt1)
    this.#byte(type)
    this.#byte(payload)
  }

  /** An extension whose length is known when its payload has been written. */
  #extension(type: number, writePayload: () => void): void {
    this.#byte(token.ext32)
    this.#reserve(5)
    const lengthAt = this.#end
    this.#bytes[lengthAt + 4] = type
    this.#end += 5
    writePayload()
    this.#view.setUint32(lengthAt, this.#end - lengthAt - 5)
  }

  #textHeader(length: number): void {
    if (length <= shortTextMax) return this.#byte(token.fixString | length)
    this.#lengthHeader(token.string8, length)
  }

  #arrayHeader(count: number): void {
    if (count < 16) return this.#byte(token.fixArray | count)
    this.#wideHeader(token.array16, count)
  }

  #mapHeader(count: number): void {
    if (count < 16) return this.#byte(token.fixMap | count)
    this.#wideHeader(token.map16, count)
  }

  /** A length in 8, 16 or 32 bits: the tokens of the three follow each other. */
  #lengthHeader(token8: number, length: number): void {
    if (length >= 0x1_00) return this.#wideHeader(token8 + 1, length)
    this.#byte(token8)
    this.#byte(length)
  }

  #wideHeader(token16: number, length: number): void {
    this.#reserve(5)
    const wide = length >= 0x1_0000
    this.#bytes[this.#end] = wide ? token16 + 1 : token16
    if (wide) this.#view.setUint32(this.#end + 1, length)
    else this.#view.setUint16(this.#end + 1, length)
    this.#end += wide ? 5 : 3
  }

  #reserve(count: number): void {
    if (this.#end + count > this.#bytes.length) this.#grow(this.#end + count)
  }

  #grow(needed: number): void {
    if (needed > encodedBytesMax) {
      throw new CodecError(`value takes more than ${encodedBytesMax} bytes; store it in parts`)
    }
    this.#replaceBuffer(Math.max(2 * this.#bytes.length, needed), this.#end)
  }

  #replaceBuffer(length: number, keep: number): void {
    const bytes = Buffer.allocUnsafeSlow(length)
    this.#bytes.copy(bytes, 0, 0, keep)
    this.#bytes = bytes
    this.#view = viewOf(bytes)
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Whether nothing is hung on a built-in object that would be lost. */
function isOrdinary(value: object): boolean {
  return Reflect.ownKeys(value).length === 0
}
