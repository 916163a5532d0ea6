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
  {
    name: 'write-counted-in-the-union',
    hazard: 'F2',
    fault: 'while owners change, W is counted over the owners before and those to be together',
    edits: [
      {
        file: 'coordinator/put.ts',
        find: 'this.#tally.asked(replica, role, sides)',
        replace: 'this.#tally.asked(replica, role, sides === 0 ? sides : 3)',
      },
      {
        file: 'coordinator/quick-put.ts',
        find: 'return Math.min(replicaCount(storedMask & beforeMask), replicaCount(storedMask & afterMask))',
        replace: 'return replicaCount(storedMask & (beforeMask | afterMask))',
      },
    ],
  },
  {
    name: 'stray-dropped-unasked',
    hazard: 'F4',
    fault: 'a former owner drops what it has sent, whether or not it has arrived',
    edits: [
      {
        file: 'upkeep/partition-transfer.ts',
        find: 'const isSent = await node.sender.send(ring, recipients, missing)',
        replace: 'const isSent = Boolean(node.sender.send(ring, recipients, missing))',
      },
      {
        file: 'upkeep/strays.ts',
        find: '    if (!owners.every((id) => this.#options.isReachable(id))) return false\n',
        replace: '',
      },
      {
        file: 'upkeep/strays.ts',
        find: `    const have = await Promise.all(
      owners.map((id) => this.#bring(ring, id, { partition, key, stored })),
    )
    if (!have.every(Boolean)) return false
`,
        replace: '',
      },
      {
        file: 'upkeep/strays.ts',
        find: '    if (hints.isMarked(partition)) return false\n',
        replace: '',
      },
    ],
  },
  {
    name: 'damaged-record-skipped-in-a-transfer',
    hazard: 'H3',
    fault: 'what is damaged is handed over to nobody, and forgotten, though other owners have it',
    edits: [
      {
        file: 'upkeep/handoff.ts',
        find: "if (stored === 'damaged') return this.#deliverDamaged(ring, hint)",
        replace: `if (stored === 'damaged') {
      await this.#options.storage.write(hints.remove(hint))
      return 'delivered'
    }`,
      },
      {
        file: 'upkeep/partition-transfer.ts',
        find: 'const outcome = await node.mend(ring, { ...mark, key })',
        replace: "const outcome = key === '' ? await node.mend(ring, { ...mark, key }) : 'lost'",
      },
    ],
  },
]
