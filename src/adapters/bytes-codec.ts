/** The codec for buckets of bytes: what is put in is what is stored. */

import { CodecError } from '../base/errors.ts'
import type { ValueCodec } from '../ports/value-codec.ts'

/**
 * Stores bytes as they are, copied on both ways, so that neither side sees the other change its
 * array. A value may be any `Uint8Array`, also a `Buffer`; it comes back as a plain `Uint8Array`.
 * As with Node's own buffers, short values share the memory of one `ArrayBuffer`.
 */
export function bytesCodec(): ValueCodec<Uint8Array> {
  return {
    name: 'bytes',
    encode(value) {
      if (value instanceof Uint8Array) return Buffer.from(value)
      throw new CodecError(
        'value is no Uint8Array, and the codec of this bucket stores bytes alone',
      )
    },
    decode(bytes) {
      // From Buffer's pool: memory of its own for each short value would cost six times as much.
      const { buffer, byteOffset, length } = Buffer.from(bytes)
      return new Uint8Array(buffer, byteOffset, length)
    },
  }
}
