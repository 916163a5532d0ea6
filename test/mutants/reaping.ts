/** Faults in what becomes of tombstones. */
import type { Mutant } from './mutant.ts'

export const reapingMutants: readonly Mutant[] = [
  {
    name: 'tombstone-reaped-on-a-timer',
    hazard: 'B1',
    fault: 'a tombstone goes when its time is over, whoever has confirmed it',
    edits: [
      {
        file: 'upkeep/reaper.ts',
        find: 'return this.#isInForce(ring) ? allOf([own, ...said]) : undefined',
        replace: 'return said.length < 0 ? own : lot.tombstones.map(() => true)',
      },
      {
        file: 'upkeep/reaper.ts',
        find: '    if (own?.some(Boolean) !== true) return own\n',
        replace: '',
      },
      {
        file: 'upkeep/reap-answers.ts',
        find: "isRemoved = this.#mayTell(question) && !hints.isHinted(partition, key, '')",
        replace: 'isRemoved = this.#mayTell(question) && hints !== undefined',
      },
    ],
  },
  {
    name: 'tombstone-reaped-while-a-member-is-away',
    hazard: 'B1',
    fault:
      'a member that cannot tell counts as one that has nothing older, and a hint holds nothing up',
    edits: [
      {
        file: 'upkeep/reap-calls.ts',
        find: '  if (told.length < said.length) return undefined\n',
        replace: '',
      },
      {
        file: 'upkeep/reap-answers.ts',
        find: "return isRecordOf(stored, record) && !hints.isHinted(partition, key, '')",
        replace: 'return isRecordOf(stored, record) && hints !== undefined',
      },
      {
        file: 'upkeep/reap-answers.ts',
        find: "isRemoved = this.#mayTell(question) && !hints.isHinted(partition, key, '')",
        replace: 'isRemoved = this.#mayTell(question) && hints !== undefined',
      },
    ],
  },
  {
    name: 'reaped-without-another-look',
    hazard: 'B2',
    fault: 'an owner removes whatever it has of the key, also what was written since',
    edits: [
      {
        file: 'upkeep/reap-answers.ts',
        find: '    if (!isRecordOf(expected, record)) return false\n    let isRemoved',
        replace:
          "    if (expected === 'damaged' || record.length === 0) return false\n    let isRemoved",
      },
      {
        file: 'upkeep/reap-answers.ts',
        find: 'return isRecordOf(stored, record) && ',
        replace: 'return stored instanceof Uint8Array && ',
      },
    ],
  },
  {
    name: 'expired-value-ended-for-nobody',
    hazard: 'B6',
    fault: 'a value that one read has ended lives on where another replica has it still',
    edits: [
      {
        file: 'versions/sibling-set.ts',
        find: 'return theirs.tombstone ? theirs : sibling',
        replace: 'return theirs.tombstone ? sibling : theirs',
      },
    ],
  },
]
