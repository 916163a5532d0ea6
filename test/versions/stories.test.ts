/**
 * Who replaces what, told with people, after the tests of DVV sets and the published losses of Riak
 * (HAZARDS A, B2).
 */
import { describe, it } from 'vitest'
import { Story } from './story.ts'

const causality: readonly [string, string][] = [
  [
    'a plain put replaces what its replica holds',
    `A puts v1
     A puts v2
     A shows v2`,
  ],
  [
    'a put with null keeps all beside it',
    `A adds v1
     A adds v2
     A adds v3
     A shows v1 v2 v3`,
  ],
  [
    'Mary and Peter write blindly, then Mary replaces her own value alone',
    `Mary puts v1 at A
     Peter puts v2 at A
     A shows v1 v2
     Mary puts v3 at A
     A shows v2 v3
     Peter puts v4 at A
     A shows v3 v4`,
  ],
  [
    'Peter reads both values and settles them',
    `Mary puts v1 at A
     Peter puts v2 at A
     Peter reads A
     Peter puts v3 at A
     A shows v3
     Mary puts v4 at A
     A shows v3 v4`,
  ],
  [
    'what Mary read is replaced on a replica that she did not read',
    `A puts v1
     A sends to B
     Mary reads A
     Mary puts v2 at B
     B shows v2
     all show v2`,
  ],
  [
    'values written through two replicas meanwhile stay beside each other',
    `A puts v1
     A sends to B
     A puts v2
     B puts v3
     all show v2 v3`,
  ],
  [
    'a write that was read before it came here is replaced when it comes (context ahead of the replica)',
    `A puts v1
     Mary reads A
     Mary puts v2 at B
     B shows v2
     A sends to B
     B shows v2
     all show v2`,
  ],
  [
    'the middle one of three values is replaced through another replica, the others stay',
    `A adds v1
     Mary puts v2 at A
     A adds v3
     Mary puts v4 at B
     B shows v4
     all show v1 v3 v4`,
  ],
  [
    'a delete replaces what was read; a value written meanwhile survives it',
    `A puts v1
     A sends to B
     Mary reads A
     B puts v2
     Mary deletes at A
     A shows †
     all show v2 †`,
  ],
  [
    'a read of two replicas settles what they hold together',
    `A puts v1
     B puts v2
     Mary reads A B
     Mary puts v3 at A
     all show v3`,
  ],
  [
    'siblings travel whole: both reach C through B (A11)',
    `A adds v1
     A adds v2
     A sends to B
     B sends to C
     C shows v1 v2`,
  ],
  [
    'an old record sent late changes nothing',
    `A puts v1
     A sends to B
     A puts v2
     A sends to C
     B sends to A
     B sends to C
     A shows v2
     C shows v2`,
  ],
]

const losses: readonly [string, string][] = [
  [
    'A2: the coordinator forgets its record between blind writes',
    `A adds v1
     A adds v2
     A sends to B
     A forgets
     A adds v3
     all show v1 v2 v3`,
  ],
  [
    'A2, kv679_dataloss: a forgotten record must not make the next put look old',
    `A puts v1
     A puts v2
     A puts v3
     A sends to B
     A sends to C
     A forgets
     A puts v4
     B sends to A
     all show v3 v4`,
  ],
  [
    'A2: twice forgotten',
    `A puts v1
     A sends to B
     A forgets
     A puts v2
     A sends to C
     A forgets
     A puts v3
     all show v1 v2 v3`,
  ],
  [
    'A3, kv679_dataloss_fb: an old state comes back from a fallback before the next put',
    `A puts v1
     A sends to F
     A puts v2
     A sends to B
     A forgets
     F sends to A
     A puts v3
     A sends to C
     A shows v3
     B sends to A
     all show v2 v3`,
  ],
  [
    'A3, kv679_dataloss_fb2: after the loss a fallback coordinates, and hands over',
    `A puts v1
     A sends to F
     A puts v2
     A puts v3
     A sends to B
     A forgets
     Mary reads F
     Mary puts v4 at F
     F sends to A
     A shows v4
     Peter reads A
     Peter puts v5 at A
     A shows v5
     A sends to G
     G sends to B
     all show v3 v5`,
  ],
  [
    'A3: a rollback that nobody noticed shows when a peer knows more',
    `A puts v1
     A saves
     A puts v2
     A sends to B
     A puts v3
     A sends to C
     A is restored unnoticed
     B sends to A
     A adds v4
     all show v3 v4`,
  ],
  [
    "A3: the same shows in a reader's context",
    `A puts v1
     A saves
     A puts v2
     Mary reads A
     A adds v3
     A sends to B
     A is restored unnoticed
     Mary puts v4 at A
     all show v3 v4`,
  ],
  [
    'A3: and in a receipt that names one later write alone',
    `A puts v1
     A saves
     A adds v2
     Mary puts v3 at A
     A sends to B
     A is restored unnoticed
     Mary puts v4 at A
     all show v1 v2 v4`,
  ],
  [
    'A4: yesterday is restored, then a blind write and one with an old context',
    `A puts v1
     Mary reads A
     A saves
     A adds v2
     A adds v3
     A sends to B
     A is restored
     A adds v4
     Mary puts v5 at A
     A shows v4 v5
     all show v2 v3 v4 v5`,
  ],
  [
    'A4: the last write was lost with the power after a peer had it',
    `A puts v1
     A saves
     A puts v2
     A sends to B
     A is restored
     A puts v3
     all show v2 v3`,
  ],
  [
    'B2, kv679_tombstone: a tombstone left on a fallback does not bury what is written anew',
    `A puts v1
     A puts v2
     Mary reads A
     Mary deletes at A
     A sends to B
     A sends to F
     A forgets
     B forgets
     A puts v3
     A sends to B
     F sends to A
     all show v3 †`,
  ],
  [
    'B2, kv679_tombstone2: nor does one on a primary that was down while the others reaped',
    `A puts v1
     A sends to C
     Mary reads A
     Mary deletes at A
     A sends to B
     A sends to C
     A forgets
     B forgets
     A shows nothing
     A puts v2
     A puts v3
     A sends to B
     C sends to B
     all show v3 †`,
  ],
  [
    'B2: a late replica write of the deleted value comes back as a value, and does not bury the new one',
    `A puts v1
     A sends to F
     Mary reads A
     Mary deletes at A
     A sends to B
     A forgets
     B forgets
     A puts v2
     F sends to A
     all show v1 v2`,
  ],
]

describe('people and replicas', () => {
  it.each(causality)('%s', (_, story) => Story.tell(story))
})

describe('no acknowledged value vanishes', () => {
  it.each(losses)('%s', (_, story) => Story.tell(story))
})
