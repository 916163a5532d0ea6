/**
 * The decoding half of `msgpackCodec`. Total: any bytes give a value or a `CodecError`. It takes
 * what the writer writes and no more; nothing is allocated from a declared count, and no key
 * reaches a prototype.
 */

import { isUtf8 } from 'node:buffer'
import { CodecError } from '../base/errors.ts'
import { encodedBytesMax, extension, invalidDate, token } from './msgpack-format.ts'
import { nestingMax } from './plain-data.ts'

/** Up to this length, joining characters beats a call into the runtime. */
const shortTextMax = 8

/** Reads one message. */
export class MsgpackReader {
  readonly #bytes: Buffer
  #at = 0
  #end: number

  /** @param bytes are read during the call of `decode` alone, and no view of them is returned. */
  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#end = bytes.length
  }

  /** @throws {CodecError} for bytes that are no value of the format, or more than one. */
  decode(): unknown {
    if (this.#end > encodedBytesMax) throw damaged('they are too many')
    const value = this.#read(0)
    if (this.#at !== this.#end) throw damaged('bytes follow after the value')
    return value
  }

  #read(depth: number): unknown {
    const first = this.#byte()
    if (first < token.fixMap) return first
    if (first < token.fixArray) return this.#object({}, first & 0x0f, depth)
    if (first < token.fixString) return this.#array(first & 0x0f, depth)
    if (first < token.nil) return this.#text(first & 0x1f)
    if (first >= token.negativeFixInt) return first - 0x100
    if (first >= token.string8) return this.#large(first, depth)
    if (first >= token.float64 && first <= token.int64) return this.#numeric(first)
    return this.#other(first, depth)
  }

  /** Strings, arrays and maps with a length of their own. */
  #large(first: number, depth: number): unknown {
    switch (first) {
      case token.string8:
      case token.string16:
      case token.string32:
        return this.#text(this.#length(first - token.string8))
      case token.array16:
      case token.array32:
        return this.#array(this.#length(first - token.array16 + 1), depth)
      default:
        return this.#object({}, this.#length(first - token.map16 + 1), depth)
    }
  }

  #numeric(first: number): number | bigint {
    switch (first) {
      case token.float64:
        return this.#bytes.readDoubleBE(this.#take(8))
      case token.uint8:
        return this.#byte()
      case token.uint16:
        return this.#bytes.readUInt16BE(this.#take(2))
      case token.uint32:
        return this.#bytes.readUInt32BE(this.#take(4))
      case token.uint64:
        return this.#bytes.readBigUInt64BE(this.#take(8))
      case token.int8:
        return this.#bytes.readInt8(this.#take(1))
      case token.int16:
        return this.#bytes.readInt16BE(this.#take(2))
      case token.int32:
        return this.#bytes.readInt32BE(this.#take(4))
      default:
        return this.#bytes.readBigInt64BE(this.#take(8))
    }
  }

  #other(first: number, depth: number): unknown {
    switch (first) {
      case token.nil:
        return null
      case token.false:
        return false
      case token.true:
        return true
      case token.bin8:
      case token.bin16:
      case token.bin32:
        return new Uint8Array(this.#slice(this.#length(first - token.bin8)))
      case token.fixExt1:
        return fixedExtension(this.#byte(), this.#byte())
      case token.ext8:
      case token.ext32:
        return this.#extension(this.#length(first - token.ext8), depth)
      default:
        throw damaged(`0x${first.toString(16)} starts no value`)
    }
  }

  /** Reads the payload as a message of its own, so that a wrong length cannot reach past it. */
  #extension(length: number, depth: number): unknown {
    const type = this.#byte()
    if (length > this.#end - this.#at) throw damaged('it ends early')
    const outerEnd = this.#end
    this.#end = this.#at + length
    const value = this.#payload(type, length, depth)
    if (this.#at !== this.#end) throw damaged('bytes follow after the value of an extension')
    this.#end = outerEnd
    return value
  }

  #payload(type: number, length: number, depth: number): unknown {
    switch (type) {
      case extension.buffer:
        return Buffer.from(this.#slice(length))
      case extension.bigint:
        return this.#bigint(length)
      case extension.date:
        return this.#date(length)
      case extension.map:
        return this.#map(this.#mapCount(), depth)
      case extension.set:
        return new Set(this.#array(this.#arrayCount(), depth))
      case extension.nullPrototype:
        return this.#object(Object.create(null) as object, this.#mapCount(), depth)
      default:
        throw damaged(`it has an extension of the unknown type ${type}`)
    }
  }

  #array(count: number, depth: number): unknown[] {
    this.#nest(depth)
    const array: unknown[] = []
    for (let i = 0; i < count; i++) array.push(this.#read(depth + 1))
    return array
  }

  #object(target: object, count: number, depth: number): object {
    this.#nest(depth)
    const object = target as Record<string, unknown>
    for (let i = 0; i < count; i++) {
      const key = this.#key()
      const value = this.#read(depth + 1)
      if (key === '__proto__') defineProto(object, value)
      else object[key] = value
    }
    return object
  }

  #map(count: number, depth: number): Map<unknown, unknown> {
    this.#nest(depth)
    const map = new Map<unknown, unknown>()
    for (let i = 0; i < count; i++) {
      const key = this.#read(depth + 1)
      map.set(key, this.#read(depth + 1))
    }
    return map
  }

  #key(): string {
    const first = this.#byte()
    if ((first & 0xe0) === token.fixString) return this.#text(first & 0x1f)
    if (first < token.string8 || first > token.string32)
      throw damaged('a key of an object is no string')
    return this.#text(this.#length(first - token.string8))
  }

  #mapCount(): number {
    const first = this.#byte()
    if ((first & 0xf0) === token.fixMap) return first & 0x0f
    if (first < token.map16 || first > token.map32) throw damaged('an extension holds no map')
    return this.#length(first - token.map16 + 1)
  }

  #arrayCount(): number {
    const first = this.#byte()
    if ((first & 0xf0) === token.fixArray) return first & 0x0f
    if (first < token.array16 || first > token.array32) throw damaged('an extension holds no array')
    return this.#length(first - token.array16 + 1)
  }

  #text(length: number): string {
    const start = this.#take(length)
    if (length > shortTextMax) return decodeText(this.#bytes, start, start + length)
    let text = ''
    for (let at = start; at < start + length; at++) {
      const code = this.#bytes[at]!
      if (code > 0x7f) return decodeText(this.#bytes, start, start + length)
      text += String.fromCharCode(code)
    }
    return text
  }

  #bigint(length: number): bigint {
    if (length < 2) throw damaged('a bigint has no digits')
    const sign = this.#byte()
    if (sign > 1) throw damaged('a bigint has no sign')
    const magnitude = BigInt(`0x${this.#slice(length - 1).toString('hex')}`)
    return sign === 1 ? -magnitude : magnitude
  }

  #date(length: number): Date {
    if (length !== 12) throw damaged('a date has the wrong length')
    const nanoseconds = this.#bytes.readUInt32BE(this.#take(4))
    const seconds = Number(this.#bytes.readBigInt64BE(this.#take(8)))
    return new Date(seconds * 1000 + nanoseconds / 1_000_000)
  }

  /** A length in 2^`width` bytes. */
  #length(width: number): number {
    if (width === 0) return this.#byte()
    if (width === 1) return this.#bytes.readUInt16BE(this.#take(2))
    return this.#bytes.readUInt32BE(this.#take(4))
  }

  #nest(depth: number): void {
    if (depth >= nestingMax) throw damaged(`it is nested more than ${nestingMax} levels deep`)
  }

  #slice(length: number): Buffer {
    const start = this.#take(length)
    return this.#bytes.subarray(start, start + length)
  }

  #byte(): number {
    return this.#bytes[this.#take(1)]!
  }

  /** Steps over `count` bytes and returns where they start. */
  #take(count: number): number {
    const start = this.#at
    if (count > this.#end - start) throw damaged('it ends early')
    this.#at = start + count
    return start
  }
}

function fixedExtension(type: number, payload: number): undefined | Date {
  if (type === extension.undefined && payload === 0) return undefined
  if (type === extension.date && payload === invalidDate) return new Date(Number.NaN)
  throw damaged(`it has an extension of the unknown type ${type}`)
}

/**
 * A replacement character is the mark of bytes that are no UTF-8, unless the text holds it itself.
 */
function decodeText(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', start, end)
  if (text.includes('\ufffd') && !isUtf8(bytes.subarray(start, end)))
    throw damaged('a string is no UTF-8')
  return text
}

/** An assignment would set the prototype instead. */
function defineProto(object: object, value: unknown): void {
  Object.defineProperty(object, '__proto__', {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  })
}

function damaged(problem: string): CodecError {
  return new CodecError(`the stored bytes are no value of this codec: ${problem}`)
}
