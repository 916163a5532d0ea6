/**
 * Packed bodies of cold messages: msgpack arrays of plain values, checked for their shape by whoever unpacks them.
 * `msgpackr/pack` never loads a native add-on.
 */
import { Packr, Unpackr } from 'msgpackr/pack'
import { isPlainTuple } from './plain-tuple.ts'

const options = {
  useRecords: false,
  variableMapSize: true,
  int64AsType: 'auto',
  moreTypes: false,
  copyBuffers: true,
} as const

/** What is used of the library; its own types are not to be had by this path. */
interface Packer {
  pack(value: unknown): Uint8Array
}
interface Unpacker {
  unpack(bytes: Uint8Array): unknown
}

const packr = new (Packr as unknown as new (options: object) => Packer)(options)
const unpackr = new (Unpackr as unknown as new (options: object) => Unpacker)({
  ...options,
  mapsAsObjects: false,
})

/** The bytes of an array of plain values. */
export function pack(tuple: readonly unknown[]): Uint8Array {
  return packr.pack(tuple)
}

/** The array in `bytes[start, end)`; undefined when they are not exactly one array of plain values. Total. */
export function unpack(
  bytes: Uint8Array,
  start: number,
  end: number,
): readonly unknown[] | undefined {
  if (!isPlainTuple(bytes, start, end)) return undefined
  try {
    const value = unpackr.unpack(bytes.subarray(start, end))
    return Array.isArray(value) ? (value as readonly unknown[]) : undefined
  } catch {
    return undefined
  }
}
