/** Faults in the comparison of replicas. */
import type { Mutant } from './mutant.ts'

export const comparingMutants: readonly Mutant[] = [
  {
    name: 'tree-not-updated',
    hazard: 'G1',
    fault: 'a write does not tell that the hash tree of its partition is old',
    edits: [
      {
        file: 'replica/revisions.ts',
        find: 'this.#counts[partition]! += 1',
        replace: 'this.#counts[partition]! += 0',
      },
    ],
  },
  {
    name: 'difference-seen-and-left',
    hazard: 'P9',
    fault: 'a record that the other owner lacks is not brought to it',
    edits: [
      {
        file: 'upkeep/comparison.ts',
        find: "const isLacking = told.what === 'lacking' &&",
        replace: "const isLacking = told.what === 'same' &&",
      },
      {
        file: 'upkeep/comparison-answers.ts',
        find: 'const isBrought = await bringRecord(',
        replace: 'const isBrought = theirs !== null && await bringRecord(',
      },
    ],
  },
  {
    name: 'damage-left-in-comparisons',
    hazard: 'H3',
    fault: 'a damaged record is passed over by comparisons, as if no owner could have it',
    edits: [
      {
        file: 'upkeep/comparison.ts',
        find: 'if (built.damaged.length === 0) return built',
        replace: 'if (built.damaged.length >= 0) return built',
      },
      {
        file: 'upkeep/comparison.ts',
        find: "if (before === 'damaged') return void (await this.#mend(ring, partition, key))",
        replace: "if (before === 'damaged') return",
      },
      {
        file: 'upkeep/comparison-answers.ts',
        find: "if (!(stored instanceof Uint8Array)) return answerOf('lacking')",
        replace:
          "if (!(stored instanceof Uint8Array)) return answerOf(stored === 'damaged' ? 'moving' : 'lacking')",
      },
    ],
  },
]
