/** All measurements of a case together. */
import { median, type Case, type Figures } from './cases.ts'

/** All measurements of one case, in their order; `ceiling[i]` was measured right after `ours[i]`. */
export interface Measurements {
  readonly what: Case
  readonly ours: readonly Figures[]
  /** Empty where there is nothing to compare with. */
  readonly ceiling: readonly Figures[]
}

/** Of each pair our throughput ÷ the ceiling's. */
export function ratiosOf({ ours, ceiling }: Measurements): number[] {
  return ceiling.map((theirs, i) => ours[i]!.opsPerSecond / theirs.opsPerSecond)
}

/** The median over the pairs. */
export function ratioOf(measurements: Measurements): number | undefined {
  const ratios = ratiosOf(measurements)
  return ratios.length === 0 ? undefined : median(ratios)
}
