/** The codec for buckets of bytes: what is put in is what is stored. */

import { CodecError } from '../base/errors.ts'
import type { ValueCodec } from '../ports/value-codec.ts'

/** Short values share memory, as those of Node's `Buffer.from` do: an allocation each would cost six times as much. */
const sharedBytes = 16 * 1024
const shortBytesMax = sharedBytes / 8
let shared = new ArrayBuffer(sharedBytes)
let sharedUsed = 0

/** A plain array with room for so many bytes. */
function allocate(bytes: number): Uint8Array {
  if (bytes > shortBytesMax) return new Uint8Array(bytes)
  if (sharedUsed + bytes > sharedBytes) {
    shared = new ArrayBuffer(sharedBytes)
    sharedUsed = 0
  }
  const start = sharedUsed
  sharedUsed += (bytes + 7) & ~7
  return new Uint8Array(shared, start, bytes)
}

/**
 * Stores bytes as they are, copied on both ways, on the way in by the bucket, so that neither side sees the other
 * change its array. A value may be any `Uint8Array`, also a `Buffer`; it comes back as a plain `Uint8Array`.
 * As with Node's own buffers, short values share the memory of one `ArrayBuffer`.
 */
export function bytesCodec(): ValueCodec<Uint8Array> {
  return {
    name: 'bytes',
    encode(value) {
      if (value instanceof Uint8Array) return value
      throw new CodecError(
        'value is no Uint8Array, and the codec of this bucket stores bytes alone',
      )
    },
    decode(bytes) {
      const value = allocate(bytes.length)
      value.set(bytes)
      return value
    },
  }
}
