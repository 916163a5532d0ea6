/** What a read gives back. */
import { ConflictError } from '../base/errors.ts'
import type { ConflictPolicy } from '../ports/conflict-policy.ts'
import type { ValueCodec } from '../ports/value-codec.ts'
import { emptyContext } from '../versions/causal-context.ts'
import { Context, headOf, type ContextBinding, type ContextSource } from '../versions/context.ts'
import { liveValues } from '../versions/live-values.ts'
import { readStamp } from '../versions/record-codec.ts'
import type { ReadRecord } from './divergence.ts'

const nothing: readonly never[] = Object.freeze([])
const nothingSeen: ContextSource = Object.freeze({ causal: emptyContext, stamp: 0 })

/** The values of a key as a read found them, and the context that covers them all. */
export interface Entry<V> {
  readonly key: string
  /** False when there is no live value; the context still covers what was deleted or has expired. */
  readonly found: boolean
  /** None, one, or the concurrent ones. */
  readonly siblings: readonly V[]
  /** Covers everything that was read: a write with it replaces exactly that. */
  readonly context: Context
  /**
   * The one value, or the concurrent ones merged by the bucket's policy; undefined when there is none. A value may be
   * undefined too: `found` tells.
   * @throws {ConflictError} on several values in a bucket that has no policy to settle them. Nothing changed.
   */
  value(): V | undefined
}

/** What the entries of a bucket have in common. */
export interface EntryReader<V> {
  readonly codec: ValueCodec<V>
  readonly policy: ConflictPolicy<V>
  /** What the contexts of a key are bound to. */
  binding(key: string): ContextBinding
}

/**
 * Keeps nothing of the record, whose memory may be used again. The context is made when it is asked for: most readers
 * want the value alone.
 */
class FoundEntry<V> implements Entry<V> {
  readonly key: string
  readonly siblings: readonly V[]
  readonly #reader: EntryReader<V>
  /** What the context is made of, but for a key of which nothing was found. */
  readonly #head: string | undefined
  readonly #stamp: number
  #context: Context | undefined

  constructor(key: string, record: ReadRecord | undefined, reader: EntryReader<V>, atMs: number) {
    this.key = key
    this.#reader = reader
    if (record === undefined) {
      this.#head = undefined
      this.#stamp = 0
      this.siblings = nothing
    } else {
      const { bytes, start } = record
      this.#head = headOf(bytes, start)
      this.#stamp = readStamp(bytes, start)
      this.siblings = liveValues(bytes, start, atMs, reader.codec)
    }
  }

  get context(): Context {
    return (this.#context ??= this.#makeContext())
  }

  #makeContext(): Context {
    const head = this.#head
    const source = head === undefined ? nothingSeen : { head, stamp: this.#stamp }
    return new Context(this.#reader.binding(this.key), source)
  }

  /** What `JSON.stringify` shows. */
  toJSON(): object {
    const { key, found, siblings, context } = this
    return { key, found, siblings, context }
  }

  /** What `console.log` shows. */
  [Symbol.for('nodejs.util.inspect.custom')](): object {
    return { ...this.toJSON(), context: this.context.toString() }
  }

  get found(): boolean {
    return this.siblings.length > 0
  }

  value(): V | undefined {
    const { siblings } = this
    if (siblings.length < 2) return siblings[0]
    const { policy } = this.#reader
    if (policy.kind === 'merge') return siblings.reduce((a, b) => policy.fn(a, b))
    throw new ConflictError(
      `${JSON.stringify(this.key)} has ${siblings.length} concurrent values: ` +
        "choose or merge them, and put the result with this entry's context",
      { entry: this },
    )
  }
}

/**
 * The entry of what a read found.
 * @param atMs values whose time has passed at this instant of the wall clock read as absent; 0 when a read has ended
 * them already.
 * @throws {CodecError} when a value cannot be decoded.
 */
export function createEntry<V>(
  key: string,
  record: ReadRecord | undefined,
  reader: EntryReader<V>,
  atMs: number,
): Entry<V> {
  return new FoundEntry(key, record, reader, atMs)
}
