/** Order statistics. */

/** The middle of the values; the upper one of the two middle ones of an even number. */
export function median(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  )
}

/** The value that this share of all values is below of; 0 when there are none. */
export function quantile(ascending: ArrayLike<number>, share: number): number {
  return ascending[Math.floor(ascending.length * share)] ?? 0
}
