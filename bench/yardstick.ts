/** What a case is compared with. */
import { keyCountOf, usualKeyCount, type Case } from './cases.ts'
import { layouts } from './layouts.ts'

/** `bare ceiling`: `bench/ceiling`, or the program that is given in its place. `raw lmdb`: see `raw-lmdb.ts`. */
export type Yardstick = 'bare ceiling' | 'raw lmdb'

/** None for open loops, and for what neither of the yardsticks can do. */
export function yardstickOf(what: Case): Yardstick | undefined {
  if (what.ratePerSecond !== undefined) return undefined
  if (layouts[what.layout].durability !== undefined) return 'raw lmdb'
  return isOfCeiling(what) ? 'bare ceiling' : undefined
}

/** Three processes with so many uniform keys in memory, without TLS. */
function isOfCeiling(what: Case): boolean {
  const { layout, dist } = what
  return layout === 'tcp-n3' && dist === 'uniform' && keyCountOf(what) === usualKeyCount
}
