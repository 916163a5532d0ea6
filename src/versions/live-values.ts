/** What of an encoded record a reader sees: values that are neither deleted nor expired. */
import { readF64, readU32 } from '../base/bytes.ts'
import {
  flagExpiry,
  flagTombstone,
  recordSiblings,
  siblingHeadBytes,
  siblingsStart,
} from './record-layout.ts'

/** Makes a value of its bytes. */
export interface ValueDecoder<V> {
  decode(bytes: Uint8Array): V
}

/**
 * The live values of a well-formed record, decoded, in the order of their dots.
 * @param atMs values whose time has passed at this instant of the wall clock read as absent.
 */
export function liveValues<V>(
  bytes: Uint8Array,
  start: number,
  atMs: number,
  decoder: ValueDecoder<V>,
): V[] {
  const values: V[] = []
  let at = siblingsStart(bytes, start)
  for (let i = recordSiblings(bytes, start); i > 0; i--) {
    const flags = bytes[at + 2]!
    const from = at + siblingHeadBytes(flags)
    const to = from + readU32(bytes, at + 8)
    const expired = (flags & flagExpiry) !== 0 && readF64(bytes, from - 8) <= atMs
    if ((flags & flagTombstone) === 0 && !expired) {
      values.push(decoder.decode(bytes.subarray(from, to)))
    }
    at = to
  }
  return values
}
