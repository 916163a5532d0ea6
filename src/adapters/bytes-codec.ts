/** The codec for buckets of bytes: what is put in is what is stored. */

import { CodecError } from '../base/errors.ts'
import type { ValueCodec } from '../ports/value-codec.ts'

/**
 * Stores bytes as they are, copied on both ways, so that neither side sees the other change its
 * array. A value may be any `Uint8Array`, also a `Buffer`; it comes back as a plain `Uint8Array`.
 */
export function bytesCodec(): ValueCodec<Uint8Array> {
  return {
    name: 'bytes',
    encode(value) {
      if (value instanceof Uint8Array) return new Uint8Array(value)
      throw new CodecError(
        'value is no Uint8Array, and the codec of this bucket stores bytes alone',
      )
    },
    decode: (bytes) => new Uint8Array(bytes),
  }
}
