/** Finds few elements that still show a fault. */

/** Elements that a check may look at in total, all its runs together, before shrinking ends. */
const effortMax = 2_000_000

/**
 * A smaller list that still fails: leaves out halves, quarters, … and at last single elements, as
 * long as the rest fails (delta debugging, Zeller and Hildebrandt 2002).
 * @param fails true for `items`, and for every list that contains one for which it is true.
 */
export function shrink<T>(items: readonly T[], fails: (rest: readonly T[]) => boolean): T[] {
  let kept = [...items]
  let effort = 0
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : size >> 1) {
    for (let at = 0; at < kept.length && effort < effortMax;) {
      const rest = kept.toSpliced(at, size)
      effort += items.length
      if (fails(rest)) kept = rest
      else at += size
    }
  }
  return kept
}
