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
  {
    name: 'takeover-in-a-place-of-its-own',
    hazard: 'E7',
    fault: 'who replaces a dead member has tokens of its own, and data of others moves too',
    edits: [
      {
        file: 'ring/tokens.ts',
        find: 'positionsOf(placeOf(member), ',
        replace: 'positionsOf(member.id, ',
      },
    ],
  },
  {
    name: 'replaced-member-comes-back',
    hazard: 'E8',
    fault: 'the storage of a member that was replaced has not departed: it is let in again',
    edits: [
      {
        file: 'ring/configuration-change.ts',
        find: 'members: [...others, heir], departed: [old.store]',
        replace: 'members: [...others, heir], departed: []',
      },
    ],
  },
]
