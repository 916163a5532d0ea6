/** All planted faults. */
import { coordinationMutants } from './coordination.ts'
import type { Mutant } from './mutant.ts'
import { reapingMutants } from './reaping.ts'
import { transitionMutants } from './transitions.ts'
import { upkeepMutants } from './upkeep.ts'
import { versionMutants } from './versions.ts'

export const mutants: readonly Mutant[] = [
  ...versionMutants,
  ...coordinationMutants,
  ...upkeepMutants,
  ...transitionMutants,
  ...reapingMutants,
]
