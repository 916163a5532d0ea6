/** Faults in changes of owners. */
import type { Mutant } from './mutant.ts'

export const transitionMutants: readonly Mutant[] = [
  {
    name: 'write-counted-in-the-union',
    hazard: 'F2',
    fault: 'while owners change, a write is counted in both sets of owners together',
    edits: [
      {
        file: 'coordinator/put.ts',
        find: 'const sides = this.#ring.sidesOf(this.#nodes[replica]!, this.#request.partition)',
        replace:
          'const sides = this.#ring.ownsPartition(this.#nodes[replica]!, this.#request.partition) ? 3 : 0',
      },
    ],
  },
  {
    name: 'read-of-the-owners-to-be-alone',
    hazard: 'F6',
    fault: 'while owners change, a read needs one of the owners before in place of R',
    edits: [
      {
        file: 'coordinator/get.ts',
        find: 'new ReadTally(tallyOptions(this.#ring, request))',
        replace: 'new ReadTally(oneBefore(tallyOptions(this.#ring, request)))',
      },
      {
        file: 'coordinator/get.ts',
        find: 'new ReadTally(tallyOptions(this.#ring, this.#request))',
        replace: 'new ReadTally(oneBefore(tallyOptions(this.#ring, this.#request)))',
      },
      {
        file: 'coordinator/get.ts',
        find: '/** One read under way',
        replace: `function oneBefore(options: ReturnType<typeof tallyOptions>): typeof options {
  return options.neededAfter === undefined ? options : { ...options, needed: 1 }
}

/** One read under way`,
      },
    ],
  },
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
    name: 'change-over-before-all-have-heard',
    hazard: 'F1',
    fault: 'owners change although members that answer work under the ring before',
    edits: [
      {
        file: 'upkeep/steward.ts',
        find: '(answer) => answer !== undefined && answer.epoch === epoch && !answer.isHandingOver,',
        replace: '(answer) => answer === undefined || !answer.isHandingOver,',
      },
      {
        file: 'upkeep/steward.ts',
        find: '!outvotes(ring, reachable)',
        replace: 'reachable.length === 0',
      },
      {
        file: 'replica/handlers.ts',
        find: 'if (theirs === this.#options.ring().epoch) return true',
        replace: 'if (theirs <= this.#options.ring().epoch) return true',
      },
    ],
  },
  {
    name: 'stray-dropped-unasked',
    hazard: 'F4',
    fault: 'what a node does not own any more is dropped without asking whether its owners have it',
    edits: [
      {
        file: 'upkeep/strays.ts',
        find: 'if (!have.every(Boolean)) return false',
        replace: 'if (have.length < 0) return false',
      },
      {
        file: 'upkeep/strays.ts',
        find: 'if (await hasRecord(channel, record, wait)) return true',
        replace: 'if (wait.epoch > 0) return true',
      },
    ],
  },
  {
    name: 'stray-dropped-with-its-hint',
    hazard: 'F5',
    fault: 'a record that this node keeps for somebody is dropped because it does not own it',
    edits: [
      {
        file: 'upkeep/strays.ts',
        find: "if (!(stored instanceof Uint8Array) || hints.isHinted(partition, key, '')) return false",
        replace: 'if (!(stored instanceof Uint8Array)) return false',
      },
      {
        file: 'upkeep/strays.ts',
        find: "this.#options.ring() === ring && !hints.isHinted(partition, key, '')",
        replace: 'this.#options.ring() === ring',
      },
      {
        file: 'upkeep/strays.ts',
        find: 'if (await hasRecord(channel, record, wait)) return true',
        replace: 'if (wait.epoch > 0) return true',
      },
    ],
  },
]
