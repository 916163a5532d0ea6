/**
 * Causal contexts: sets of dots, kept small as a version vector plus the isolated dots that lie beyond it.
 *
 * A **dot** (actor, counter) names one write. A version vector entry (actor, c) stands for the dots 1 to c of that
 * actor. A plain vector cannot say "the third write of A but not the second", which is what a receipt must say when
 * the second is a sibling that the write did not replace; such dots are kept one by one (dotted version vectors,
 * Preguiça et al. 2010; causal contexts of delta CRDTs, Almeida et al. 2018). They melt into the vector as soon as
 * the gap below them is filled.
 *
 * Nothing is ever pruned by age or size: a pruned vector makes a descendant look concurrent (HAZARDS A6).
 */

/** 16 bytes as a byte string: 12 of a storage incarnation, 4 of an epoch. See `dot-source.ts`. */
export type Actor = string

/** The name of one write. */
export interface Dot {
  readonly actor: Actor
  /** 1 to 2³² − 1. */
  readonly counter: number
}

/**
 * A set of dots.
 * Invariant: `vector` ascends by actor, one entry for each; `isolated` ascends by actor, then counter.
 * Invariant: no isolated dot is covered by the vector or is the next one of its entry.
 */
export interface CausalContext {
  readonly vector: readonly Dot[]
  readonly isolated: readonly Dot[]
}

/** How the left set of dots relates to the right one. */
export type CausalOrder = 'equal' | 'before' | 'after' | 'concurrent'

/** The context of nothing. */
export const emptyContext: CausalContext = Object.freeze({ vector: [], isolated: [] })

/** The counter of the vector's entry, 0 when there is none. */
export function vectorCounter(context: CausalContext, actor: Actor): number {
  for (const entry of context.vector) if (entry.actor === actor) return entry.counter
  return 0
}

/** Whether the context contains the dot. */
export function coversDot(context: CausalContext, dot: Dot): boolean {
  if (dot.counter <= vectorCounter(context, dot.actor)) return true
  return context.isolated.some((each) => each.actor === dot.actor && each.counter === dot.counter)
}

/** Whether the context contains each dot of the other. */
export function coversContext(context: CausalContext, other: CausalContext): boolean {
  return (
    other.vector.every((entry) => entry.counter <= vectorCounter(context, entry.actor)) &&
    other.isolated.every((dot) => coversDot(context, dot))
  )
}

/** How two contexts relate. */
export function compareContexts(left: CausalContext, right: CausalContext): CausalOrder {
  const leftCovers = coversContext(left, right)
  const rightCovers = coversContext(right, left)
  if (leftCovers) return rightCovers ? 'equal' : 'after'
  return rightCovers ? 'before' : 'concurrent'
}

/** The union. */
export function joinContexts(left: CausalContext, right: CausalContext): CausalContext {
  return normalise(joinVectors(left.vector, right.vector), [...left.isolated, ...right.isolated])
}

/** The context and one dot more. */
export function withDot(context: CausalContext, dot: Dot): CausalContext {
  const { vector, isolated } = context
  if (isolated.length === 0 && dot.counter === vectorCounter(context, dot.actor) + 1) {
    return { vector: joinVectors(vector, [dot]), isolated }
  }
  return normalise(vector, [...isolated, dot])
}

/** Merges two ascending lists of entries; of one actor the higher counter. */
function joinVectors(left: readonly Dot[], right: readonly Dot[]): readonly Dot[] {
  const joined: Dot[] = []
  let l = 0
  let r = 0
  while (l < left.length && r < right.length) {
    const one = left[l]!
    const other = right[r]!
    if (one.actor === other.actor) {
      joined.push(one.counter >= other.counter ? one : other)
      l++
      r++
    } else if (one.actor < other.actor) {
      joined.push(one)
      l++
    } else {
      joined.push(other)
      r++
    }
  }
  while (l < left.length) joined.push(left[l++]!)
  while (r < right.length) joined.push(right[r++]!)
  return joined
}

/** Sorts the dots, and melts them into the vector where they continue it. */
function normalise(entries: readonly Dot[], dots: readonly Dot[]): CausalContext {
  if (dots.length === 0) return { vector: entries, isolated: dots }
  const vector = new Map(entries.map(({ actor, counter }) => [actor, counter]))
  const isolated: Dot[] = []
  let previous: Dot | undefined
  for (const dot of dots.toSorted(compareDots)) {
    const known = vector.get(dot.actor) ?? 0
    if (dot.counter <= known) continue
    if (dot.counter === known + 1) vector.set(dot.actor, dot.counter)
    else if (previous === undefined || compareDots(previous, dot) !== 0) isolated.push(dot)
    previous = dot
  }
  const melted = [...vector].map(([actor, counter]) => ({ actor, counter }))
  return { vector: melted.sort(compareDots), isolated }
}

/** By actor, then by counter: the canonical order of everything that is encoded. */
export function compareDots(left: Dot, right: Dot): number {
  if (left.actor !== right.actor) return left.actor < right.actor ? -1 : 1
  return left.counter - right.counter
}
