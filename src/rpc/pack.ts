/**
 * Packed bodies of cold messages: msgpack arrays of plain values, checked for their shape by whoever unpacks them.
 * `msgpackr/pack` never loads a native add-on.
 */
import { Packr, Unpackr } from 'msgpackr/pack'

const options = {
  useRecords: false,
  variableMapSize: true,
  int64AsType: 'auto',
  moreTypes: false,
  copyBuffers: true,
} as const

const packr = new Packr(options)
const unpackr = new Unpackr({ ...options, mapsAsObjects: false })

/** The bytes of an array of plain values. */
export function pack(tuple: readonly unknown[]): Uint8Array {
  return packr.pack(tuple)
}

/** The array in `bytes[start, end)`, or undefined when there is none. Total. */
export function unpack(
  bytes: Uint8Array,
  start: number,
  end: number,
): readonly unknown[] | undefined {
  try {
    const value: unknown = unpackr.unpack(bytes.subarray(start, end))
    return Array.isArray(value) ? (value as readonly unknown[]) : undefined
  } catch {
    return undefined
  }
}
