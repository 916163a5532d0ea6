/**
 * Frames that concern many keys at once: one for each owner, in the place of one for each key. There is no count in
 * them: items follow each other to the end of the frame, and each tells its own length. docs/PROTOCOL.md has the byte
 * pictures.
 *
 * Not re-entrant: a frame is written and sent in one go.
 */
import {
  copyInto,
  readU16,
  readU32,
  toByteString,
  writeByteString,
  writeU16,
  writeU32,
} from '../base/bytes.ts'
import { versionEnd } from '../versions/record-layout.ts'
import { answerHeadBytes, frameType, requestHeadBytes, wholeBodyBytesMax } from './frame.ts'
import {
  answerHead,
  requestHead,
  versionBytesMax,
  type Frame,
  type RequestHead,
} from './frame-buffer.ts'
import type { AnswerFrame } from './pending-calls.ts'

/** A frame of many keys is sent off as soon as it is so long: whoever reads it does other things in between. */
export const batchBytesMax = 65_536
/** Keys are numbered by 16 bits. */
export const batchKeysMax = 65_536
/** A key with a longer record goes by itself. */
export const batchRecordBytesMax = 32_768
/** An answer grows no longer: for what is left, the replica is asked again, key by key. */
export const answersBytesMax = 131_072
/** Of an answer in `answers`, in the place of a frame's type: ask for this key by itself. */
export const askAlone = 0

const getItemBytes = 8
const putItemBytes = 10
const answerItemBytes = 8

/** One that is asked about a key. */
export interface KeyAsked {
  readonly partition: number
  /** Storage key, a byte string. */
  readonly storageKey: string
}

/** Where requests are written that are not long. */
let scratch: Buffer | undefined
const frame: Frame = { bytes: Buffer.alloc(0), end: 0, tail: undefined }

function begin(type: number, head: RequestHead, bodyBytes: number): Buffer {
  const needed = requestHeadBytes + bodyBytes
  scratch ??= Buffer.allocUnsafeSlow(wholeBodyBytesMax)
  const bytes = needed <= scratch.length ? scratch : Buffer.allocUnsafeSlow(needed)
  requestHead(bytes, type, head)
  return bytes
}

/** A frame that is longer than the shared buffer is in one of its own, and travels in pieces. */
function ended(bytes: Buffer, end: number): Frame {
  const isLong = end > wholeBodyBytesMax
  frame.bytes = bytes
  frame.end = isLong ? requestHeadBytes : end
  frame.tail = isLong ? { bytes, start: requestHeadBytes, end } : undefined
  return frame
}

/** Bytes of a key in a `gets` frame. */
export function getsItemBytes(storageKey: string, known: RecordAt): number {
  return getItemBytes + storageKey.length + toldBytes(known)
}

/** Of a record that is known, how much its version takes in a frame. */
function toldBytes({ bytes, start, end }: RecordAt): number {
  const versionBytes = start === end ? 0 : versionEnd(bytes, start) - start
  return versionBytes > versionBytesMax ? 0 : versionBytes
}

/** Bytes of a key in a `puts` frame. */
export function putsItemBytes(storageKey: string, recordBytes: number): number {
  return putItemBytes + storageKey.length + recordBytes
}

/** A record in a longer row of bytes; none: empty. */
export interface RecordAt {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

/**
 * Asks a replica for many records of one kind.
 *     body = kind u8 │ (partition u32 │ key length u16 │ version length u16 │ key │ version) × …
 */
export class GetsFrame {
  readonly #bytes: Buffer
  #end = requestHeadBytes + 1

  /** @param itemsBytes the length of all that will be added */
  constructor(head: RequestHead, kind: number, itemsBytes: number) {
    this.#bytes = begin(frameType.gets, head, 1 + itemsBytes)
    this.#bytes[requestHeadBytes] = kind
  }

  /** @param known the record that is there already, whose version is told */
  add({ partition, storageKey }: KeyAsked, known: RecordAt): void {
    const to = this.#bytes
    const at = this.#end
    const told = toldBytes(known)
    writeU32(to, at, partition)
    writeU16(to, at + 4, storageKey.length)
    writeU16(to, at + 6, told)
    const keyEnd = writeByteString(to, at + getItemBytes, storageKey)
    this.#end = copyInto(to, keyEnd, known.bytes, known.start, known.start + told)
  }

  done(): Frame {
    return ended(this.#bytes, this.#end)
  }
}

/**
 * Finished records for a replica.
 *     body = (partition u32 │ key length u16 │ record length u32 │ key │ record) × …
 */
export class PutsFrame {
  readonly #bytes: Buffer
  #end = requestHeadBytes

  /** @param itemsBytes the length of all that will be added */
  constructor(head: RequestHead, itemsBytes: number) {
    this.#bytes = begin(frameType.puts, head, itemsBytes)
  }

  add({ partition, storageKey }: KeyAsked, record: Uint8Array, start: number, end: number): void {
    const to = this.#bytes
    const at = this.#end
    writeU32(to, at, partition)
    writeU16(to, at + 4, storageKey.length)
    writeU32(to, at + 6, end - start)
    const keyEnd = writeByteString(to, at + putItemBytes, storageKey)
    this.#end = copyInto(to, keyEnd, record, start, end)
  }

  done(): Frame {
    return ended(this.#bytes, this.#end)
  }
}

/** The items of a frame, one after the other. Total: reads nothing behind the frame, allocates nothing but keys. */
class Items {
  readonly bytes: Uint8Array
  readonly #limit: number
  /** Where the next item begins. */
  protected at: number
  /** Whether something in the frame is no item: none is read any more. */
  isMalformed = false

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes
    this.at = start
    this.#limit = end
  }

  /** Whether there is a whole head of so many bytes; neither that nor the end of the frame is malformed. */
  protected hasHead(bytes: number): boolean {
    if (this.isMalformed || this.at >= this.#limit) return false
    this.isMalformed = this.at + bytes > this.#limit
    return !this.isMalformed
  }

  /** Whether an item that ends there is whole; if so it is passed. */
  protected pass(end: number): boolean {
    this.isMalformed = end > this.#limit
    if (!this.isMalformed) this.at = end
    return !this.isMalformed
  }
}

/** What a `gets` request asks for, key by key. */
export class GetsReader extends Items {
  readonly kind: number
  partition = 0
  key = ''
  /** The version that the coordinator knows; empty when it knows none. */
  versionStart = 0
  versionEnd = 0

  constructor(bytes: Uint8Array, start: number, end: number) {
    super(bytes, start + requestHeadBytes + 1, end)
    this.kind = start + requestHeadBytes < end ? bytes[start + requestHeadBytes]! : 0
    this.isMalformed = start + requestHeadBytes >= end
  }

  /** Reads the next one; false when there is none. */
  next(): boolean {
    const { bytes, at } = this
    if (!this.hasHead(getItemBytes)) return false
    const keyEnd = at + getItemBytes + readU16(bytes, at + 4)
    if (!this.pass(keyEnd + readU16(bytes, at + 6))) return false
    this.partition = readU32(bytes, at)
    this.key = toByteString(bytes, at + getItemBytes, keyEnd)
    this.versionStart = keyEnd
    this.versionEnd = this.at
    return true
  }
}

/** What a `puts` request brings, key by key. */
export class PutsReader extends Items {
  partition = 0
  key = ''
  recordStart = 0
  recordEnd = 0

  constructor(bytes: Uint8Array, start: number, end: number) {
    super(bytes, start + requestHeadBytes, end)
  }

  /** Reads the next one; false when there is none. */
  next(): boolean {
    const { bytes, at } = this
    if (!this.hasHead(putItemBytes)) return false
    const keyEnd = at + putItemBytes + readU16(bytes, at + 4)
    if (!this.pass(keyEnd + readU32(bytes, at + 6))) return false
    this.partition = readU32(bytes, at)
    this.key = toByteString(bytes, at + putItemBytes, keyEnd)
    this.recordStart = keyEnd
    this.recordEnd = this.at
    return true
  }
}

/** A buffer for answers that nobody uses at the moment. */
let spare: Buffer | undefined

/**
 * Answers to the keys of one request, in any order.
 *     body = (index u16 │ type u8 │ flags u8 │ length u32 │ body of an answer of that type) × …
 */
export class AnswersFrame {
  #bytes: Buffer
  #end = answerHeadBytes

  constructor(id: number) {
    this.#bytes = spare ?? Buffer.allocUnsafeSlow(16_384)
    spare = undefined
    answerHead(this.#bytes, frameType.answers, 0, id)
  }

  /** Whether there is room for an answer whose body is so long. */
  hasRoom(bodyBytes: number): boolean {
    return this.#end + answerItemBytes + bodyBytes <= answersBytesMax
  }

  /** Takes the answer to key `index`, a frame of its own. What does not fit is to be asked for by itself. */
  add(index: number, { bytes, end, tail }: Frame): void {
    if (tail !== undefined || !this.hasRoom(end - answerHeadBytes)) return this.putOff(index)
    const at = this.#item(index, end - answerHeadBytes)
    this.#bytes[at + 2] = bytes[0]!
    this.#bytes[at + 3] = bytes[1]!
    copyInto(this.#bytes, at + answerItemBytes, bytes, answerHeadBytes, end)
  }

  /** Key `index` is to be asked for by itself. */
  putOff(index: number): void {
    const at = this.#item(index, 0)
    this.#bytes[at + 2] = askAlone
    this.#bytes[at + 3] = 0
  }

  /** Where the next item begins; all but type, flags and body is written. */
  #item(index: number, bodyBytes: number): number {
    this.#makeRoom(answerItemBytes + bodyBytes)
    const at = this.#end
    writeU16(this.#bytes, at, index)
    writeU32(this.#bytes, at + 4, bodyBytes)
    this.#end = at + answerItemBytes + bodyBytes
    return at
  }

  #makeRoom(bytes: number): void {
    if (this.#end + bytes <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#bytes.length, this.#end + bytes))
    larger.set(this.#bytes.subarray(0, this.#end))
    this.#bytes = larger
  }

  /** The frame, to be sent at once: nothing can be added any more. */
  done(): Frame {
    spare = this.#bytes
    return ended(this.#bytes, this.#end)
  }
}

/** The answers in an `answers` frame, one after the other; itself the answer that was read last. */
export class AnswersReader extends Items implements AnswerFrame {
  index = 0
  type = 0
  flags = 0
  bodyStart = 0
  end = 0

  constructor({ bytes, bodyStart, end }: AnswerFrame) {
    super(bytes, bodyStart, end)
  }

  /** Reads the next one; false when there is none. */
  next(): boolean {
    const { bytes, at } = this
    if (!this.hasHead(answerItemBytes)) return false
    if (!this.pass(at + answerItemBytes + readU32(bytes, at + 4))) return false
    this.index = readU16(bytes, at)
    this.type = bytes[at + 2]!
    this.flags = bytes[at + 3]!
    this.bodyStart = at + answerItemBytes
    this.end = this.at
    return true
  }
}
