/**
 * A write on its way to an owner that coordinates it, and the receipt on its way back. docs/PROTOCOL.md has the byte
 * pictures.
 */
import {
  readF64,
  readU32,
  toByteString,
  writeByteString,
  writeF64,
  writeU32,
} from '../base/bytes.ts'
import { answerHeadBytes, frameType, requestHeadBytes } from './frame.ts'
import {
  answerHead,
  copiedBytes,
  endFrame,
  endWithBody,
  idsBytesMax,
  keyLength,
  readIds,
  requestHead,
  room,
  writeIds,
  writeKey,
  type Frame,
  type RequestHead,
} from './frame-buffer.ts'

/** Flags of `forward`; 2 would say that no client waits. */
const flagSloppy = 1
const flagTombstone = 4
const flagContext = 8
/** On `receipt`: the context comes as text. */
const flagText = 1

/** Bytes of a `forward` body before the write id. */
const fixedBytes = 14
const maskBytes = 12
const stampBytes = 8

/** A write for an owner to coordinate, but for its value. */
export interface ForwardedWrite {
  readonly partition: number
  /** As a record has it. */
  readonly kind: number
  /** W. */
  readonly needed: number
  readonly sloppy: boolean
  readonly tombstone: boolean
  readonly expiresAtMs: number
  /** A byte string of at most 255. */
  readonly writeId: string
  /** Storage key, a byte string. */
  readonly key: string
  /** Text of the context that the write covers; undefined: it replaces whatever the coordinator holds. */
  readonly context: string | undefined
}

/**
 * Asks an owner to coordinate a write.
 *     body = partition u32 │ kind u8 │ W u8 │ expiry f64 │ id length u8 │ id │ key length u16 │ key │
 *            [context length u32 │ context] │ value
 */
export function forwardFrame(head: RequestHead, write: ForwardedWrite, value: Uint8Array): Frame {
  const { writeId, key, context } = write
  const contextBytes = context === undefined ? 0 : 4 + context.length
  const fixed = requestHeadBytes + fixedBytes + 1 + writeId.length + 2 + key.length + contextBytes
  const bytes = room(fixed + copiedBytes(value.length))
  requestHead(bytes, frameType.forward, head)
  bytes[1] =
    (write.sloppy ? flagSloppy : 0) |
    (write.tombstone ? flagTombstone : 0) |
    (context === undefined ? 0 : flagContext)
  writeU32(bytes, requestHeadBytes, write.partition)
  bytes[requestHeadBytes + 4] = write.kind
  bytes[requestHeadBytes + 5] = write.needed
  writeF64(bytes, requestHeadBytes + 6, write.expiresAtMs)
  let at = requestHeadBytes + fixedBytes
  bytes[at] = writeId.length
  at = writeKey(bytes, writeByteString(bytes, at + 1, writeId), key)
  if (context !== undefined) {
    writeU32(bytes, at, context.length)
    at = writeByteString(bytes, at + 4, context)
  }
  return endWithBody(at, value, 0, value.length)
}

/** What a `forward` request asks for; the value lies from `valueStart` to the end of the frame. */
export interface ForwardRequest extends ForwardedWrite {
  readonly valueStart: number
}

/** Total: undefined for a body that is not one. */
export function readForward(
  bytes: Uint8Array,
  start: number,
  end: number,
): ForwardRequest | undefined {
  const at = start + requestHeadBytes
  const idStart = at + fixedBytes + 1
  if (idStart > end) return undefined
  const idEnd = idStart + bytes[idStart - 1]!
  if (idEnd + 2 > end) return undefined
  const keyEnd = idEnd + 2 + keyLength(bytes, idEnd)
  if (keyEnd > end) return undefined
  const flags = bytes[start + 1]!
  const context = (flags & flagContext) === 0 ? noText(keyEnd) : readText(bytes, keyEnd, end)
  return (
    context && {
      partition: readU32(bytes, at),
      kind: bytes[at + 4]!,
      needed: bytes[at + 5]!,
      sloppy: (flags & flagSloppy) !== 0,
      tombstone: (flags & flagTombstone) !== 0,
      expiresAtMs: readF64(bytes, at + 6),
      writeId: toByteString(bytes, idStart, idEnd),
      key: toByteString(bytes, idEnd + 2, keyEnd),
      context: context.text,
      valueStart: context.end,
    }
  )
}

/** A text that may be there, and where it ends. */
interface Text {
  readonly text: string | undefined
  readonly end: number
}

const noText = (end: number): Text => ({ text: undefined, end })

function readText(bytes: Uint8Array, at: number, end: number): Text | undefined {
  if (at + 4 > end) return undefined
  const textEnd = at + 4 + readU32(bytes, at)
  return textEnd > end ? undefined : { text: toByteString(bytes, at + 4, textEnd), end: textEnd }
}

/** Who has a write, and its context: as text, or as what a record has before its values, which is cheaper. */
export interface ToldReceipt {
  /** Undefined: the replicas of the partition under the epoch of the request. Replica i is the i-th. */
  readonly nodes: readonly string[] | undefined
  readonly storedMask: number
  readonly fallbackMask: number
  readonly durableMask: number
  readonly hinted: readonly string[]
  readonly context: string | { readonly head: string; readonly stamp: number }
}

const nobody: readonly string[] = Object.freeze([])

/**
 * Answers a forwarded write.
 *     body = stored u32 │ fallbacks u32 │ durable u32 │ nodes u8 × (length u8 │ id) │ hinted u8 × (length u8 │ id) │
 *            text of the context, or: stamp f64 │ head of a record
 */
export function receiptFrame(id: number, receipt: ToldReceipt): Frame {
  const { nodes = nobody, hinted, context } = receipt
  const isText = typeof context === 'string'
  const contextBytes = isText ? context.length : stampBytes + context.head.length
  const idsBytes = idsBytesMax(nodes) + idsBytesMax(hinted)
  const bytes = room(answerHeadBytes + maskBytes + idsBytes + contextBytes)
  answerHead(bytes, frameType.receipt, isText ? flagText : 0, id)
  writeU32(bytes, answerHeadBytes, receipt.storedMask)
  writeU32(bytes, answerHeadBytes + 4, receipt.fallbackMask)
  writeU32(bytes, answerHeadBytes + 8, receipt.durableMask)
  const at = writeIds(bytes, writeIds(bytes, answerHeadBytes + maskBytes, nodes), hinted)
  if (isText) return endFrame(writeByteString(bytes, at, context))
  writeF64(bytes, at, context.stamp)
  return endFrame(writeByteString(bytes, at + stampBytes, context.head))
}

/** Total: undefined for a body that is not one. The head of a record is not judged. */
export function readReceipt(
  flags: number,
  bytes: Uint8Array,
  bodyStart: number,
  end: number,
): ToldReceipt | undefined {
  const nodes = readIds(bytes, bodyStart + maskBytes, end)
  const hinted = nodes && readIds(bytes, nodes.end, end)
  if (hinted === undefined) return undefined
  const at = hinted.end
  const isText = (flags & flagText) !== 0
  if (!isText && at + stampBytes > end) return undefined
  return {
    nodes: nodes!.ids.length === 0 ? undefined : nodes!.ids,
    storedMask: readU32(bytes, bodyStart),
    fallbackMask: readU32(bytes, bodyStart + 4),
    durableMask: readU32(bytes, bodyStart + 8),
    hinted: hinted.ids,
    context: isText
      ? toByteString(bytes, at, end)
      : { stamp: readF64(bytes, at), head: toByteString(bytes, at + stampBytes, end) },
  }
}
