/** What a read gives back. */
import { ConflictError } from '../base/errors.ts'
import type { ConflictPolicy } from '../ports/conflict-policy.ts'
import type { ValueCodec } from '../ports/value-codec.ts'
import { emptyContext } from '../versions/causal-context.ts'
import { Context, type ContextBinding } from '../versions/context.ts'
import { eachLiveValue } from '../versions/live-values.ts'
import type { ReadRecord } from './divergence.ts'

/** The values of a key as a read found them, and the context that covers them all. */
export interface Entry<V> {
  readonly key: string
  /** False when there is no live value; the context still covers what was deleted. */
  readonly found: boolean
  /** None, one, or the concurrent ones. */
  readonly siblings: readonly V[]
  /** Covers everything that was read: a write with it replaces exactly that. */
  readonly context: Context
  /**
   * The one value, or the concurrent ones merged by the bucket's policy; undefined when there is none.
   * @throws {ConflictError} on several values in a bucket that has no policy to settle them. Nothing changed.
   */
  value(): V | undefined
}

class FoundEntry<V> implements Entry<V> {
  readonly key: string
  readonly siblings: readonly V[]
  readonly context: Context
  readonly #policy: ConflictPolicy<V>

  constructor(
    key: string,
    found: { siblings: readonly V[]; context: Context },
    policy: ConflictPolicy<V>,
  ) {
    this.key = key
    this.siblings = found.siblings
    this.context = found.context
    this.#policy = policy
  }

  get found(): boolean {
    return this.siblings.length > 0
  }

  value(): V | undefined {
    const { siblings } = this
    if (siblings.length < 2) return siblings[0]
    const policy = this.#policy
    if (policy.kind === 'merge') return siblings.reduce((a, b) => policy.fn(a, b))
    throw new ConflictError(
      `${JSON.stringify(this.key)} has ${siblings.length} concurrent values: ` +
        "choose or merge them, and put the result with this entry's context",
      { entry: this },
    )
  }
}

/** How a bucket's values are read. */
export interface EntryReader<V> {
  readonly codec: ValueCodec<V>
  readonly policy: ConflictPolicy<V>
}

/**
 * The entry of what a read found.
 * @throws {CodecError} when a value cannot be decoded.
 */
export function createEntry<V>(
  binding: ContextBinding,
  record: ReadRecord | undefined,
  { codec, policy, nowMs }: EntryReader<V> & { nowMs: number },
): Entry<V> {
  if (record === undefined) {
    const context = new Context(binding, { causal: emptyContext, stamp: 0 })
    return new FoundEntry<V>(binding.key, { siblings: [], context }, policy)
  }
  const { bytes, start } = record
  const siblings: V[] = []
  eachLiveValue(bytes, start, nowMs, (from, to) => {
    siblings.push(codec.decode(bytes.subarray(from, to)))
  })
  const context = new Context(binding, { record: bytes, start })
  return new FoundEntry<V>(binding.key, { siblings, context }, policy)
}
