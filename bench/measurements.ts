/** All measurements of a case together. */
import { median, type Case, type Figures } from './cases.ts'
import { failuresOf, figuresOf, ratiosOf, type Outcome } from './rounds.ts'
import { yardstickOf, type Yardstick } from './yardstick.ts'

/** All measurements of one case that succeeded, in their order. */
export interface Measurements {
  readonly what: Case
  readonly ours: readonly Figures[]
  /** What it is compared with. */
  readonly yardstick: Yardstick | undefined
  /** The yardstick's; empty where there is nothing to compare with. */
  readonly ceiling: readonly Figures[]
  /** Our throughput ÷ the yardstick's, of each pair: each round in which both were measured. */
  readonly ratios: readonly number[]
  /** Why others did not succeed. */
  readonly failures: readonly string[]
}

/** @param outcomes ours, and the yardstick's where there is something to compare with. */
export function measurementsOf(
  what: Case,
  [ours = [], ceiling = []]: readonly (readonly Outcome<Figures>[])[],
): Measurements {
  const yardstick = yardstickOf(what)
  return {
    what,
    ours: figuresOf(ours),
    yardstick,
    ceiling: figuresOf(ceiling),
    ratios: ratiosOf(ours, ceiling),
    failures: [
      ...failuresOf(ours),
      ...failuresOf(ceiling).map((reason) => `${yardstick}: ${reason}`),
    ],
  }
}

/** The median over the pairs. */
export function ratioOf({ ratios }: Measurements): number | undefined {
  return ratios.length === 0 ? undefined : median(ratios)
}
