/**
 * How evenly a load lies on the members. The load rate of a member is L = T ÷ average T, where T is its load for each
 * unit of its weight, and the average is all load over all weight; the balance coefficient is B = average T ÷ greatest
 * T, which is 1 ÷ the greatest L.
 */

/** The load of one member. */
export interface MemberLoad {
  readonly id: string
  /** Share of the load that it should have, relative to others, > 0. */
  readonly weight: number
  /** ≥ 0. */
  readonly load: number
}

/** A load, compared among the members. */
export interface LoadRates {
  /** L by id: 1 for a member that bears what its weight says, 2 for one that bears twice as much. */
  readonly rates: { readonly [id: string]: number }
  /** B: 1 when all bear what their weights say. Also 1 when there is no load at all, or nobody to bear it. */
  readonly balance: number
}

/** Compares the loads. */
export function loadRates(loads: readonly MemberLoad[]): LoadRates {
  const weight = loads.reduce((sum, each) => sum + each.weight, 0)
  const load = loads.reduce((sum, each) => sum + each.load, 0)
  if (load === 0) return { rates: Object.fromEntries(loads.map(({ id }) => [id, 1])), balance: 1 }
  const average = load / weight
  const rates = loads.map((each) => [each.id, each.load / each.weight / average] as const)
  return {
    rates: Object.fromEntries(rates),
    balance: 1 / Math.max(...rates.map(([, rate]) => rate)),
  }
}
