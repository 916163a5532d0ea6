/**
 * The text of a scan's position: URL-safe, and bound to its cluster, bucket and prefix by a checksum, so that a cursor
 * of another scan is refused and skips nothing. It is no signature.
 *
 *     text = base64url of:  1 │ checksum u32 │ partition u32 │ key, or nothing at the beginning of a partition
 *
 * Pure.
 */
import { readU32, writeU32 } from '../base/bytes.ts'
import { checksum } from '../base/checksum.ts'
import type { ScanPosition } from './scan-merge.ts'

const format = 1
const headBytes = 9
/** Longer texts are refused before they are decoded: a key has at most 1024 bytes. */
const charsMax = Math.ceil(((headBytes + 1024) * 4) / 3)

/** What a cursor is bound to. */
export interface CursorBinding {
  /** Identity of the cluster. */
  readonly cluster: string
  readonly bucket: string
  /** Of the keys. */
  readonly prefix: string
}

/** Storage keys of the bucket begin with it; a byte string. */
function keyHead({ bucket }: CursorBinding): string {
  return Buffer.from(`${bucket}\0`).toString('latin1')
}

/** The text of a position. */
export function encodeCursor(binding: CursorBinding, { partition, after }: ScanPosition): string {
  const key = after === undefined ? '' : after.slice(keyHead(binding).length)
  const bytes = Buffer.alloc(headBytes + key.length)
  bytes[0] = format
  writeU32(bytes, 5, partition)
  bytes.write(key, headBytes, 'latin1')
  writeU32(bytes, 1, seal(binding, bytes))
  return bytes.toString('base64url')
}

/** The position; undefined when the text is damaged, or of another scan. Total. */
export function decodeCursor(binding: CursorBinding, text: string): ScanPosition | undefined {
  if (text.length > charsMax) return undefined
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.length < headBytes || bytes.toString('base64url') !== text) return undefined
  if (bytes[0] !== format || readU32(bytes, 1) !== seal(binding, bytes)) return undefined
  const key = bytes.toString('latin1', headBytes)
  return { partition: readU32(bytes, 5), after: key === '' ? undefined : keyHead(binding) + key }
}

function seal({ cluster, bucket, prefix }: CursorBinding, bytes: Buffer): number {
  return checksum(bytes.subarray(5), checksum(`${cluster}\0${bucket}\0${prefix}`))
}
