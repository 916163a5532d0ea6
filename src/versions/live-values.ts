/** What of an encoded record a reader sees: values that are neither deleted nor expired. */
import { readF64, readU32 } from '../base/bytes.ts'
import {
  flagExpiry,
  flagTombstone,
  recordSiblings,
  siblingHeadBytes,
  siblingsStart,
} from './record-layout.ts'

/**
 * Calls `use` with each live value `bytes[from, to)` of a well-formed record, in the order of their dots.
 * @param nowMs the wall clock: values whose time has passed read as absent.
 */
export function eachLiveValue(
  bytes: Uint8Array,
  start: number,
  nowMs: number,
  use: (from: number, to: number) => void,
): void {
  let at = siblingsStart(bytes, start)
  for (let i = recordSiblings(bytes, start); i > 0; i--) {
    const flags = bytes[at + 2]!
    const from = at + siblingHeadBytes(flags)
    const to = from + readU32(bytes, at + 8)
    const expired = (flags & flagExpiry) !== 0 && readF64(bytes, from - 8) <= nowMs
    if ((flags & flagTombstone) === 0 && !expired) use(from, to)
    at = to
  }
}
