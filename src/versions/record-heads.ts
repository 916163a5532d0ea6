/**
 * The heads of a record: the record without its values, the same layout else. They tell which values a replica has, for
 * a dot names one value for ever, and which of them are deleted or expire: enough to compare replicas and to list keys,
 * at a fraction of the bytes.
 */
import { asBuffer, copyInto, readF64, readU32 } from '../base/bytes.ts'
import {
  flagExpiry,
  flagTombstone,
  headerBytes,
  kindOf,
  recordFormat,
  recordSiblings,
  siblingBytes,
  siblingHeadBytes,
  siblingsStart,
} from './record-layout.ts'

/** A well-formed record, or the heads of one, in `bytes[start, end)`. */
export interface RecordView {
  readonly form: 'record' | 'heads'
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

/** Where the sibling at `at` ends. */
function siblingEnd({ form, bytes }: Pick<RecordView, 'form' | 'bytes'>, at: number): number {
  const valueAt = at + siblingHeadBytes(bytes[at + 2]!)
  return form === 'heads' ? valueAt : valueAt + readU32(bytes, at + 8)
}

/** How many bytes the values of the record have together. */
export function valueBytesOf(view: RecordView): number {
  let sum = 0
  let at = siblingsStart(view.bytes, view.start)
  for (let i = recordSiblings(view.bytes, view.start); i > 0; i--) {
    sum += readU32(view.bytes, at + 8)
    at = siblingEnd(view, at)
  }
  return sum
}

/** Whether it has a value that is neither deleted nor ended. */
export function hasValue(view: RecordView): boolean {
  return someSibling(view, (flags) => (flags & flagTombstone) === 0)
}

/** Whether it has a value whose time has passed, and which nobody has ended (`expiry.ts`). */
export function hasOverdue(view: RecordView, atMs: number): boolean {
  return someSibling(view, (flags, headEnd) => {
    const isMortal = (flags & (flagExpiry | flagTombstone)) === flagExpiry
    return isMortal && readF64(view.bytes, headEnd - 8) <= atMs
  })
}

function someSibling(
  view: RecordView,
  isOne: (flags: number, headEnd: number) => boolean,
): boolean {
  let at = siblingsStart(view.bytes, view.start)
  for (let i = recordSiblings(view.bytes, view.start); i > 0; i--) {
    const flags = view.bytes[at + 2]!
    if (isOne(flags, at + siblingHeadBytes(flags))) return true
    at = siblingEnd(view, at)
  }
  return false
}

/** The heads of a record, copied. */
export function headsOf(view: RecordView): Buffer {
  const { form, bytes, start, end } = view
  const values = form === 'heads' ? 0 : valueBytesOf(view)
  const heads = Buffer.allocUnsafe(end - start - values)
  let at = siblingsStart(bytes, start)
  let to = copyInto(heads, 0, bytes, start, at)
  for (let i = recordSiblings(bytes, start); i > 0; i--) {
    to = copyInto(heads, to, bytes, at, at + siblingHeadBytes(bytes[at + 2]!))
    at = siblingEnd(view, at)
  }
  return heads
}

/** Whether the two have the same heads, and so are the same record. */
export function sameHeads(left: RecordView, right: RecordView): boolean {
  let l = siblingsStart(left.bytes, left.start)
  let r = siblingsStart(right.bytes, right.start)
  if (!sameBytes(left, left.start, l, right, right.start, r)) return false
  for (let i = recordSiblings(left.bytes, left.start); i > 0; i--) {
    const lHead = l + siblingHeadBytes(left.bytes[l + 2]!)
    const rHead = r + siblingHeadBytes(right.bytes[r + 2]!)
    if (!sameBytes(left, l, lHead, right, r, rHead)) return false
    l = siblingEnd(left, l)
    r = siblingEnd(right, r)
  }
  return true
}

function sameBytes(
  left: RecordView,
  leftStart: number,
  leftEnd: number,
  right: RecordView,
  rightStart: number,
  rightEnd: number,
): boolean {
  if (leftEnd - leftStart !== rightEnd - rightStart) return false
  return asBuffer(left.bytes).compare(right.bytes, rightStart, rightEnd, leftStart, leftEnd) === 0
}

/**
 * Whether `bytes[start, end)` can be read as heads. Total. It looks at the lengths, not at the order of the entries:
 * heads are compared and judged, never stored.
 */
export function isHeads(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < headerBytes || end > bytes.length) return false
  if (bytes[start] !== recordFormat || kindOf(bytes[start + 1]!) === undefined) return false
  let at = siblingsStart(bytes, start)
  const count = recordSiblings(bytes, start)
  for (let i = count; i > 0; i--) {
    if (at + siblingBytes > end) return false
    at += siblingHeadBytes(bytes[at + 2]!)
  }
  return count > 0 && at === end
}
