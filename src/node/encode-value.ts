/** Values on their way in: encoded once, by the node whose client writes them. */
import { CodecError, LimitError } from '../base/errors.ts'
import type { ValueCodec } from '../ports/value-codec.ts'
import { describe } from './option-checks.ts'

/** The bytes of a value. @throws {CodecError} @throws {LimitError} when there are more than are allowed. */
export function encodeValue<V>(
  codec: ValueCodec<V>,
  value: V,
  { key, allowed }: { readonly key: string; readonly allowed: number },
): Uint8Array {
  const bytes = codec.encode(value) as unknown
  if (!(bytes instanceof Uint8Array)) {
    throw new CodecError(`the codec "${codec.name}" made no Uint8Array: ${describe(bytes)}`)
  }
  if (bytes.length <= allowed) return bytes
  const what = `value of ${JSON.stringify(key)}`
  throw new LimitError('valueBytesMax', { allowed, actual: bytes.length, what })
}
