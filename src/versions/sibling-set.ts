/**
 * The record of a key as a dotted version vector set: one causal context for the whole record and one dot for each
 * value (Almeida, Baquero, Gonçalves, Preguiça, Fonte: *Scalable and accurate causality tracking for eventually
 * consistent stores*, 2014). A write drops exactly the siblings that its context covers, no matter what else the
 * record knows; that is what keeps interleaved clients from growing siblings without bound (HAZARDS A1).
 *
 * This file is the algebra on decoded records. The hot path works on encoded ones (`record-order.ts`,
 * `successor.ts`) and must agree with it; test/versions holds the two together.
 */
import { assert } from '../base/assert.ts'
import {
  compareDots,
  coversDot,
  joinContexts,
  withDot,
  type CausalContext,
  type Dot,
} from './causal-context.ts'

/** The kind of the bucket's conflict policy, as records carry it. */
export type RecordKind = 'siblings' | 'merge' | 'lww'

/** One of the concurrent values of a key, or the mark that it was deleted or has expired. */
export interface Sibling {
  readonly dot: Dot
  readonly tombstone: boolean
  /** Empty for a tombstone. */
  readonly value: Uint8Array
  /** Time-stamp of the hybrid logical clock; 0 in records of other kinds than `lww`. */
  readonly stamp: number
  /** Wall-clock milliseconds from which on the value reads as absent; 0 for never. See `expiry.ts`. */
  readonly expiresAtMs: number
}

/**
 * Invariant: every sibling's dot is covered by the context's vector.
 * Invariant: siblings ascend by dot; a record has at least one.
 */
export interface SiblingSet {
  readonly kind: RecordKind
  readonly context: CausalContext
  readonly siblings: readonly Sibling[]
}

/**
 * Merges what two replicas hold: a sibling stays when both have it, or when the other has never seen it. A value that
 * one of them has ended is ended. Commutative, associative and idempotent. Of an `lww` record only the latest of the
 * remaining siblings stays.
 */
export function sync(left: SiblingSet, right: SiblingSet): SiblingSet {
  assert(left.kind === right.kind, 'records of different kinds are never merged')
  const kept = left.siblings.flatMap((sibling) => {
    const theirs = siblingOf(right, sibling.dot)
    if (theirs !== undefined) return theirs.tombstone ? theirs : sibling
    return coversDot(right.context, sibling.dot) ? [] : sibling
  })
  const added = right.siblings.filter((sibling) => !coversDot(left.context, sibling.dot))
  return {
    kind: left.kind,
    context: joinContexts(left.context, right.context),
    siblings: settle(left.kind, [...kept, ...added]),
  }
}

/**
 * What the record becomes by one write: the siblings that `replaces` covers go, the new one comes.
 * @param dot must be new: covered by nothing that any replica holds (`dot-source.ts` sees to it).
 */
export function written(
  before: SiblingSet | undefined,
  write: { kind: RecordKind; replaces: CausalContext; sibling: Sibling },
): SiblingSet {
  const base = before?.context ?? { vector: [], isolated: [] }
  const known = joinContexts(base, write.replaces)
  assert(!coversDot(known, write.sibling.dot), 'a dot names one write only')
  const kept = (before?.siblings ?? []).filter(({ dot }) => !coversDot(write.replaces, dot))
  return {
    kind: write.kind,
    context: withDot(known, write.sibling.dot),
    siblings: settle(write.kind, [...kept, write.sibling]),
  }
}

/** In canonical order; for `lww` the latest alone. */
function settle(kind: RecordKind, siblings: Sibling[]): readonly Sibling[] {
  siblings.sort((a, b) => compareDots(a.dot, b.dot))
  if (kind !== 'lww' || siblings.length < 2) return siblings
  return [siblings.reduce((best, each) => (each.stamp >= best.stamp ? each : best))]
}

function siblingOf(set: SiblingSet, dot: Dot): Sibling | undefined {
  return set.siblings.find((each) => compareDots(each.dot, dot) === 0)
}
