/** Faults in what becomes of tombstones. */
import type { Mutant } from './mutant.ts'

export const reapingMutants: readonly Mutant[] = [
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
