/** Measurements that alternate, round after round. One that fails is told of in the end and ends nothing else. */
import { DisturbedError } from './disturbed.ts'

/** The figures of one measurement, or why there are none. */
export type Outcome<F> = { readonly figures: F } | { readonly failure: string }

/** Makes one measurement. Rejects when it was not right. */
type Measure<F> = () => Promise<F>

/** What is compared: in each round one after the other, so that all see the same noise. */
export type Row<F> = readonly Measure<F>[]

/** Of each measure of a row: its outcomes, one for each round. */
export type RowOutcomes<F> = readonly (readonly Outcome<F>[])[]

/** How often a measurement is made that the machine disturbs. */
const attemptsMax = 3

/** @param told after each round. */
export async function measureRounds<F>(
  rows: readonly Row<F>[],
  rounds: number,
  told: (round: number) => void,
): Promise<readonly RowOutcomes<F>[]> {
  const outcomes = rows.map((row) => row.map((): Outcome<F>[] => []))
  for (let round = 1; round <= rounds; round++) {
    for (const [i, row] of rows.entries()) {
      for (const [j, measure] of row.entries()) outcomes[i]![j]!.push(await outcomeOf(measure))
    }
    told(round)
  }
  return outcomes
}

async function outcomeOf<F>(measure: Measure<F>): Promise<Outcome<F>> {
  try {
    return { figures: await undisturbed(measure) }
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) }
  }
}

/** Measures again when the machine was too busy, a few times. */
async function undisturbed<F>(measure: Measure<F>): Promise<F> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await measure()
    } catch (error) {
      if (!(error instanceof DisturbedError) || attempt === attemptsMax) throw error
    }
  }
}

/** The figures of the rounds that have some. */
export function figuresOf<F>(outcomes: readonly Outcome<F>[]): F[] {
  return outcomes.flatMap((outcome) => ('figures' in outcome ? [outcome.figures] : []))
}

/** Why rounds have none, each reason once, with how often where that is more. */
export function failuresOf(outcomes: readonly Outcome<unknown>[]): string[] {
  const counts = new Map<string, number>()
  for (const outcome of outcomes) {
    if ('figures' in outcome) continue
    counts.set(outcome.failure, (counts.get(outcome.failure) ?? 0) + 1)
  }
  return [...counts].map(([reason, count]) => (count === 1 ? reason : `${reason} (${count} times)`))
}

/** Of each round in which both were measured: the throughput of the one ÷ that of the other. */
export function ratiosOf<F extends { readonly opsPerSecond: number }>(
  ours: readonly Outcome<F>[],
  theirs: readonly Outcome<F>[],
): number[] {
  return ours.flatMap((mine, i) => {
    const other = theirs[i]
    if (other === undefined || !('figures' in mine) || !('figures' in other)) return []
    return [mine.figures.opsPerSecond / other.figures.opsPerSecond]
  })
}
