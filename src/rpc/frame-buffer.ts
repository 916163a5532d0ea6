/**
 * Writes frames into one buffer that is used again for each frame: the transport copies what it is sent, so nothing
 * is allocated for a frame. Not re-entrant: a frame is written and sent in one go. A long body is not copied: it stays
 * where it is, and travels from there in pieces (`pieces.ts`); whoever gives one for a frame never changes it again.
 */
import {
  asBuffer,
  copyInto,
  readU32,
  toByteString,
  writeByteString,
  writeU16,
  writeU32,
} from '../base/bytes.ts'
import { versionEnd } from '../versions/record-layout.ts'
import {
  answerHeadBytes,
  flagBackground,
  flagHinted,
  frameType,
  requestHeadBytes,
  wholeBodyBytesMax,
} from './frame.ts'

let scratch = Buffer.allocUnsafeSlow(64 * 1024)
/** What `scratch` begins with, by length, for short frames: a view that is made anew costs as much as the copying. */
let heads: Buffer[] = []
const headBytesMax = 1024
/** A longer version is not told: the frame has a cap, and the clock of such a record is no small part of it. */
export const versionBytesMax = 2048

/** What a long frame ends with: `bytes[start, end)`, which nobody changes any more. */
export interface FrameTail {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

/** A frame ready to be sent: `bytes[0, end)` of the shared buffer, often all of `bytes`, and what follows them. */
export interface Frame {
  bytes: Buffer
  end: number
  /** Undefined where all of the frame is in the buffer. */
  tail: FrameTail | undefined
}

const frame: Frame = { bytes: scratch, end: 0, tail: undefined }

/** The length of all of a frame. */
export function frameBytes({ end, tail }: Frame): number {
  return tail === undefined ? end : end + tail.end - tail.start
}

/** The shared buffer with room for `bytesNeeded`: no more than a head and a body that is not long. */
export function room(bytesNeeded: number): Buffer {
  if (scratch.length < bytesNeeded) {
    scratch = Buffer.allocUnsafeSlow(bytesNeeded)
    heads = []
  }
  return scratch
}

/** The frame that ends there in the shared buffer. */
export function endFrame(end: number): Frame {
  frame.bytes = end > headBytesMax ? scratch : (heads[end] ??= scratch.subarray(0, end))
  frame.end = end
  frame.tail = undefined
  return frame
}

/** The same, with a body from there on, which is copied unless it is long. */
export function endWithBody(at: number, body: Uint8Array, start: number, end: number): Frame {
  if (end - start <= wholeBodyBytesMax) return endFrame(copyInto(scratch, at, body, start, end))
  const long = endFrame(at)
  long.tail = { bytes: body, start, end }
  return long
}

/** How much of a body is copied into the shared buffer. */
export function copiedBytes(bodyBytes: number): number {
  return bodyBytes <= wholeBodyBytesMax ? bodyBytes : 0
}

/** Gives an unsent frame its request id. */
export function setRequestId(bytes: Uint8Array, id: number): void {
  writeU32(bytes, 2, id)
}

/** Request id of a request or an answer. */
export function requestId(bytes: Uint8Array, start: number): number {
  return readU32(bytes, start + 2)
}

/** Epoch of the ring configuration under which a request was made. */
export function requestEpoch(bytes: Uint8Array, start: number): number {
  return readU32(bytes, start + 6)
}

/** Tells the receiver of a `put`, `get`, `puts` or `gets` that no client waits for it. */
export function inBackground(request: Frame): Frame {
  request.bytes[1]! |= flagBackground
  return request
}

/** Whether a client waits for what a `put`, `get`, `puts` or `gets` asks for. */
export function isForClient(bytes: Uint8Array, start: number): boolean {
  return (bytes[start + 1]! & flagBackground) === 0
}

/** Milliseconds that the sender still waits for the answer. */
export function requestTimeLeftMs(bytes: Uint8Array, start: number): number {
  return readU32(bytes, start + 10)
}

/** Writes the head of a request, but for its id. */
export function requestHead(bytes: Buffer, type: number, head: RequestHead): void {
  bytes[0] = type
  bytes[1] = 0
  writeU32(bytes, 6, head.epoch)
  writeU32(bytes, 10, Math.max(0, Math.min(head.timeLeftMs, 0xffff_ffff)))
}

/** Writes the head of an answer, a cast or a greeting. */
export function answerHead(bytes: Buffer, type: number, flags: number, id: number): void {
  bytes[0] = type
  bytes[1] = flags
  writeU32(bytes, 2, id)
}

/** What the head of a request says beside its type and id. */
export interface RequestHead {
  readonly epoch: number
  readonly timeLeftMs: number
}

/** What a `put` frame carries beside the record. */
export interface PutBody {
  readonly partition: number
  /** Storage key, a byte string. */
  readonly key: string
  /** Owners for whom the receiver shall keep a hint. */
  readonly hintFor: readonly string[]
}

/**
 * A finished record for a replica.
 *     body = partition u32 │ key length u16 │ key │ [owners u8, each length u8 │ id] │ record
 */
export function putFrame(
  head: RequestHead,
  body: PutBody,
  record: Uint8Array,
  recordStart: number,
  recordEnd: number = record.length,
): Frame {
  const { key, hintFor } = body
  const isHinted = hintFor.length > 0
  const size = requestHeadBytes + 6 + key.length + copiedBytes(recordEnd - recordStart)
  const bytes = room(isHinted ? size + idsBytesMax(hintFor) : size)
  requestHead(bytes, frameType.put, head)
  writeU32(bytes, requestHeadBytes, body.partition)
  let at = writeKey(bytes, requestHeadBytes + 4, key)
  if (isHinted) {
    bytes[1] = flagHinted
    at = writeIds(bytes, at, hintFor)
  }
  return endWithBody(at, record, recordStart, recordEnd)
}

/** Writes a key with its length and returns where it ends. */
export function writeKey(bytes: Buffer, at: number, key: string): number {
  writeU16(bytes, at, key.length)
  return writeByteString(bytes, at + 2, key)
}

/** As many bytes as `writeIds` may need. */
export function idsBytesMax(ids: readonly string[]): number {
  return ids.reduce((sum, id) => sum + 1 + 3 * id.length, 1)
}

/** Writes ids with their number, and returns where they end. */
export function writeIds(bytes: Buffer, at: number, ids: readonly string[]): number {
  bytes[at++] = ids.length
  for (const id of ids) {
    const length = bytes.write(id, at + 1, 'utf8')
    bytes[at] = length
    at += 1 + length
  }
  return at
}

/**
 * Asks a replica for its record, or to say that it is the same as one whose version is told.
 *     body = partition u32 │ kind u8 │ key length u16 │ key │ version or nothing
 */
export function getFrame(
  head: RequestHead,
  body: { partition: number; kind: number; key: string },
  known?: { readonly bytes: Uint8Array; readonly start: number },
): Frame {
  const versionBytes = known === undefined ? 0 : versionEnd(known.bytes, known.start) - known.start
  const bytes = room(requestHeadBytes + 7 + body.key.length + versionBytes)
  requestHead(bytes, frameType.get, head)
  writeU32(bytes, requestHeadBytes, body.partition)
  bytes[requestHeadBytes + 4] = body.kind
  const end = writeKey(bytes, requestHeadBytes + 5, body.key)
  if (known === undefined || versionBytes > versionBytesMax) return endFrame(end)
  return endFrame(copyInto(bytes, end, known.bytes, known.start, known.start + versionBytes))
}

/** A request with a packed body: everything that is not on the hot path. */
export function callFrame(head: RequestHead, body: Uint8Array): Frame {
  const bytes = room(requestHeadBytes + copiedBytes(body.length))
  requestHead(bytes, frameType.call, head)
  return endWithBody(requestHeadBytes, body, 0, body.length)
}

/** An answer, a cast or a greeting. */
export function plainFrame(
  head: { type: number; flags: number; id: number },
  body?: Uint8Array,
  bodyStart = 0,
  bodyEnd: number = body?.length ?? 0,
): Frame {
  const bytes = room(answerHeadBytes + copiedBytes(bodyEnd - bodyStart))
  answerHead(bytes, head.type, head.flags, head.id)
  if (body === undefined) return endFrame(answerHeadBytes)
  return endWithBody(answerHeadBytes, body, bodyStart, bodyEnd)
}

/** What a `put` request says; read in place, the record starts at `recordStart`. */
export interface PutRequest {
  readonly partition: number
  readonly key: string
  readonly hintFor: readonly string[]
  readonly recordStart: number
}

const nobody: readonly string[] = Object.freeze([])

/** Total: undefined for a body that is not one. */
export function readPut(bytes: Uint8Array, start: number, end: number): PutRequest | undefined {
  const at = start + requestHeadBytes
  if (at + 6 > end) return undefined
  const partition = readU32(bytes, at)
  const keyEnd = at + 6 + keyLength(bytes, at + 4)
  if (keyEnd > end) return undefined
  const key = toByteString(bytes, at + 6, keyEnd)
  if ((bytes[start + 1]! & flagHinted) === 0) {
    return { partition, key, hintFor: nobody, recordStart: keyEnd }
  }
  const ids = readIds(bytes, keyEnd, end)
  return ids && { partition, key, hintFor: ids.ids, recordStart: ids.end }
}

/** Of a key that begins after it. */
export function keyLength(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8)
}

/** The ids that begin there, and where they end; undefined when they do not end in time. */
export function readIds(
  bytes: Uint8Array,
  at: number,
  end: number,
): { ids: string[]; end: number } | undefined {
  if (at >= end) return undefined
  const ids: string[] = []
  let next = at + 1
  for (let left = bytes[at]!; left > 0; left--) {
    if (next >= end) return undefined
    const idEnd = next + 1 + bytes[next]!
    if (idEnd > end) return undefined
    ids.push(asBuffer(bytes).toString('utf8', next + 1, idEnd))
    next = idEnd
  }
  return { ids, end: next }
}

/** What a `get` request asks for. */
export interface GetRequest {
  readonly partition: number
  readonly kind: number
  readonly key: string
  /** Where the version of the record that the coordinator knows begins: at the end of the frame when it knows none. */
  readonly versionStart: number
}

/** Total: undefined for a body that is not one. */
export function readGet(bytes: Uint8Array, start: number, end: number): GetRequest | undefined {
  const at = start + requestHeadBytes
  if (at + 7 > end) return undefined
  const keyStart = at + 7
  const keyEnd = keyStart + keyLength(bytes, at + 5)
  if (keyEnd > end) return undefined
  return {
    partition: readU32(bytes, at),
    kind: bytes[at + 4]!,
    key: toByteString(bytes, keyStart, keyEnd),
    versionStart: keyEnd,
  }
}
