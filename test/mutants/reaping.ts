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
  {
    name: 'reaped-on-a-timer',
    hazard: 'B1',
    fault: 'tombstones go after the grace period, whatever the other members have',
    edits: [
      {
        file: 'upkeep/reaper.ts',
        find: 'if (own?.some(Boolean) !== true) return own',
        replace: 'if (own?.length !== 0) return own',
      },
    ],
  },
  {
    name: 'reaped-while-a-member-is-away',
    hazard: 'B1',
    fault: 'a member that does not answer is taken to have nothing older',
    edits: [
      {
        file: 'upkeep/reaper.ts',
        find: 'isFailure(outcome) ? [] : outcome',
        replace: 'isFailure(outcome) ? [new Uint8Array(lot.tombstones.length).fill(1)] : outcome',
      },
    ],
  },
  {
    name: 'reaped-beside-a-stray',
    hazard: 'B1',
    fault: 'a former owner vouches for a tombstone although it has something older',
    edits: [
      {
        file: 'upkeep/reap-answers.ts',
        find: "return bytes === undefined && !hints.isHinted(partition, key, '')",
        replace: "return bytes === null || !hints.isHinted(partition, key, '')",
      },
    ],
  },
]
