/**
 * The caller's causal context: what a read has seen, or what a write replaced and wrote. To the caller it is opaque;
 * as text it is URL-safe, and bound to its cluster, bucket and key by a checksum, so that a token of another key never
 * dominates values that nobody read (HAZARDS A12). It is no signature: it keeps mistakes out, not intent.
 *
 *     text = base64url of:  1 │ flags │ checksum u32 │ entries u16 │ isolated u16 │ [stamp f64] │ dots × 20
 */
import {
  readF64,
  readU16,
  readU32,
  toByteString,
  writeF64,
  writeU16,
  writeU32,
} from '../base/bytes.ts'
import { checksum } from '../base/checksum.ts'
import { InvalidContextError } from '../base/errors.ts'
import { compareDots, type CausalContext, type Dot } from './causal-context.ts'
import { readContext, readDots, readStamp, writeDots } from './record-codec.ts'
import { entryBytes, isRecordHead, siblingsStart } from './record-layout.ts'

const tokenFormat = 1
const headBytes = 10
const flagStamp = 1
/** More dots than any key gathers: what names more is a forgery that would bloat the record for ever. */
const dotsMax = 8192
/** Longer text is refused before it is decoded. */
const tokenCharsMax = Math.ceil(((headBytes + 8 + entryBytes * dotsMax) * 4) / 3)
const damaged = 'the context is damaged: pass it unchanged, or read the key again'

/** What a context is bound to. */
export interface ContextBinding {
  /** Identity of the cluster. */
  readonly cluster: string
  readonly bucket: string
  readonly key: string
}

/** The dots and, in `lww` buckets, the latest time-stamp among the values they name (0 elsewhere). */
export interface ContextContent {
  readonly causal: CausalContext
  readonly stamp: number
}

/**
 * What a context takes of a record, which is not kept because of it and may be overwritten. The content is read from
 * this when it is needed; until then it is one text, which is cheap to make, and to throw away.
 */
export interface RecordHead {
  /** The record up to its values, as a byte string. */
  readonly head: string
  readonly stamp: number
}

/** That of a sound record. */
export function recordHead(bytes: Uint8Array, start: number): RecordHead {
  return { head: headOf(bytes, start), stamp: readStamp(bytes, start) }
}

/** The text of it alone. */
export function headOf(bytes: Uint8Array, start: number): string {
  return toByteString(bytes, start, siblingsStart(bytes, start))
}

/** Whether what a peer told is the head of a record. */
export function isHead({ head, stamp }: RecordHead): boolean {
  const isStamp = Number.isSafeInteger(stamp) && stamp >= 0
  return isStamp && isRecordHead(Buffer.from(head, 'latin1'), 0, head.length)
}

/** Where a context's content comes from. */
export type ContextSource = ContextContent | RecordHead

/**
 * What a read has seen, or what a write replaced and wrote. Pass it to the next `put` or `delete` of the same key;
 * keep it across requests as text (`toString()`).
 */
export class Context {
  readonly #binding: ContextBinding
  #source: ContextSource

  /** Not for callers: contexts come from entries and receipts, or from their text. */
  constructor(binding: ContextBinding, source: ContextSource) {
    this.#binding = binding
    this.#source = source
  }

  /** URL-safe text that stands for this context wherever one is taken. */
  toString(): string {
    return encodeToken(this.#binding, contentOf(this, this.#binding))
  }

  toJSON(): string {
    return this.toString()
  }

  /** @throws {InvalidContextError} when the context belongs to another cluster, bucket or key. */
  static content(context: Context, binding: ContextBinding): ContextContent {
    // Callers without types pass anything, also a context of another copy of this package.
    if (!(#binding in Object(context))) throw new InvalidContextError(damaged)
    const own = context.#binding
    if (own.key !== binding.key || own.bucket !== binding.bucket) {
      throw new InvalidContextError(
        'the context belongs to another key: pass the one read from this key',
      )
    }
    if (own.cluster !== binding.cluster) {
      throw new InvalidContextError('the context belongs to another cluster: read the key again')
    }
    if ('head' in context.#source) context.#source = readContent(context.#source)
    return context.#source
  }
}

/** The content of a context, or of its text, for one key. @throws {InvalidContextError} */
export function contentOf(context: Context | string, binding: ContextBinding): ContextContent {
  return typeof context === 'string'
    ? decodeToken(context, binding)
    : Context.content(context, binding)
}

function readContent({ head, stamp }: RecordHead): ContextContent {
  return { causal: readContext(Buffer.from(head, 'latin1'), 0), stamp }
}

function encodeToken(binding: ContextBinding, content: ContextContent): string {
  const { vector, isolated } = content.causal
  const stamped = content.stamp !== 0
  const dotsAt = headBytes + (stamped ? 8 : 0)
  const bytes = Buffer.alloc(dotsAt + entryBytes * (vector.length + isolated.length))
  bytes[0] = tokenFormat
  bytes[1] = stamped ? flagStamp : 0
  writeU16(bytes, 6, vector.length)
  writeU16(bytes, 8, isolated.length)
  if (stamped) writeF64(bytes, headBytes, content.stamp)
  writeDots(bytes, writeDots(bytes, dotsAt, vector), isolated)
  writeU32(bytes, 2, seal(bytes, binding))
  return bytes.toString('base64url')
}

/** Checksum over the binding and all but the checksum itself. */
function seal(bytes: Buffer, { cluster, bucket, key }: ContextBinding): number {
  const bound = checksum(`${cluster}\0${bucket}\0${key}`)
  return checksum(bytes.subarray(6), checksum(bytes.subarray(0, 2), bound))
}

function decodeToken(token: string, binding: ContextBinding): ContextContent {
  const bytes = Buffer.from(token.length > tokenCharsMax ? '' : token, 'base64url')
  if (bytes.length < headBytes || bytes.toString('base64url') !== token) {
    throw new InvalidContextError(damaged)
  }
  if (bytes[0] !== tokenFormat || readU32(bytes, 2) !== seal(bytes, binding)) {
    throw new InvalidContextError(
      'the context is damaged, or belongs to another key or cluster: pass the one read from this key',
    )
  }
  const entries = readU16(bytes, 6)
  const isolated = readU16(bytes, 8)
  const stamped = (bytes[1]! & flagStamp) !== 0
  const dotsAt = headBytes + (stamped ? 8 : 0)
  const unknownFlags = (bytes[1]! & ~flagStamp) !== 0
  if (unknownFlags || bytes.length !== dotsAt + entryBytes * (entries + isolated)) {
    throw new InvalidContextError(damaged)
  }
  if (entries + isolated > dotsMax) throw new InvalidContextError(damaged)
  const causal = {
    vector: readDots(bytes, dotsAt, entries),
    isolated: readDots(bytes, dotsAt + entryBytes * entries, isolated),
  }
  const stamp = stamped ? readF64(bytes, headBytes) : 0
  const isStamp = Number.isSafeInteger(stamp) && stamp > 0 === stamped
  if (!isStamp || !isContext(causal)) throw new InvalidContextError(damaged)
  return { causal, stamp }
}

/** Whether decoded dots obey the invariants of `CausalContext`. */
function isContext({ vector, isolated }: CausalContext): boolean {
  const counters = new Map(vector.map(({ actor, counter }) => [actor, counter]))
  return (
    counters.size === vector.length &&
    ascends(vector) &&
    ascends(isolated) &&
    vector.every(({ counter }) => counter > 0) &&
    isolated.every(({ actor, counter }) => counter > (counters.get(actor) ?? 0) + 1)
  )
}

function ascends(dots: readonly Dot[]): boolean {
  return dots.every((dot, i) => i === 0 || compareDots(dots[i - 1]!, dot) < 0)
}
