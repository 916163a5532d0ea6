/** Where a key belongs: its partition, and the storage key that it is kept under. On the way of every operation. */
import { toByteString, writeUtf8 } from '../base/bytes.ts'
import { InvalidArgumentError, LimitError } from '../base/errors.ts'
import { hashKey, partitionOf } from '../ring/key-hash.ts'

/** The place of a key. */
export interface KeyPlace {
  readonly partition: number
  /** Bucket and key as one byte string (`replica/places.ts`). */
  readonly storageKey: string
}

/** Where keys are encoded: one is done with before the next begins. Larger than the longest bucket and key. */
const scratch = Buffer.allocUnsafeSlow(16 * 1024)
/** What `scratch` begins with, by length. Each view is made once: it costs as much as the hash of a key. */
const heads: Uint8Array[] = []
/** The bucket's name that `scratch` begins with. */
let held: Buffer | undefined
/** Up to this length a loop encodes ASCII faster than a call out of JavaScript does. */
const loopLengthMax = 64

/** Checks and places the keys of one bucket. */
export class KeyPlaces {
  readonly #prefix: Buffer
  readonly #keyBytesMax: number

  constructor(bucket: string, keyBytesMax: number) {
    this.#prefix = Buffer.from(`${bucket}\0`, 'utf8')
    this.#keyBytesMax = keyBytesMax
  }

  /**
   * The place of a key in a ring of so many partitions.
   * @throws {InvalidArgumentError}
   * @throws {LimitError}
   */
  place(key: string, partitions: number): KeyPlace {
    this.#check(key)
    if (held !== this.#prefix) {
      scratch.set(this.#prefix, 0)
      held = this.#prefix
    }
    const end = writeKey(this.#prefix.length, key)
    if (end - this.#prefix.length > this.#keyBytesMax) throw tooLong(key, this.#keyBytesMax)
    const hash = hashKey((heads[end] ??= scratch.subarray(0, end)))
    return {
      partition: partitionOf(hash, partitions),
      storageKey: toByteString(scratch, 0, end),
    }
  }

  #check(key: string): void {
    if (typeof key !== 'string') {
      throw new InvalidArgumentError('key', `must be a string, not of type ${typeof key}`)
    }
    if (key === '') throw new InvalidArgumentError('key', 'must not be empty')
    if (key.length > this.#keyBytesMax) throw tooLong(key, this.#keyBytesMax)
  }
}

/** Encodes the key into `scratch` and returns where it ends. @throws {InvalidArgumentError} */
function writeKey(at: number, key: string): number {
  const { length } = key
  let i = 0
  if (length <= loopLengthMax) {
    for (; i < length; i++) {
      const code = key.charCodeAt(i)
      if (code > 0x7f) break
      scratch[at + i] = code
    }
  }
  if (i === length) return at + length
  if (!key.isWellFormed()) {
    throw new InvalidArgumentError('key', 'must be well-formed: it has a lone surrogate')
  }
  return writeUtf8(scratch, at, key)
}

function tooLong(key: string, allowed: number): LimitError {
  const what = `key "${key.slice(0, 20)}…"`
  return new LimitError('keyBytesMax', { allowed, actual: Buffer.byteLength(key), what })
}
