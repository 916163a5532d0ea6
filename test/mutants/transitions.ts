/** Faults in changes of owners. */
import type { Mutant } from './mutant.ts'

export const transitionMutants: readonly Mutant[] = [
  {
    name: 'change-over-before-the-data-is-there',
    hazard: 'F3',
    fault:
      'owners change as soon as all have heard of it, and new owners say nothing of what they lack',
    edits: [
      {
        file: 'upkeep/steward.ts',
        find: '(answer) => answer !== undefined && answer.epoch === epoch && !answer.isHandingOver,',
        replace: '(answer) => answer !== undefined && answer.epoch === epoch,',
      },
      {
        file: 'upkeep/filling.ts',
        find: "    if (!this.#isKnown) return 'recovering'\n",
        replace: '    if (this.#options.ring() !== undefined) return undefined\n',
      },
    ],
  },
]
