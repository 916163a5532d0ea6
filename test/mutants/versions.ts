/** Faults in how writes are named, ordered and merged. */
import type { Mutant } from './mutant.ts'

export const versionMutants: readonly Mutant[] = [
  {
    name: 'dot-reused-after-forgetting',
    hazard: 'A2',
    fault: 'a key without a record starts with an actor that was used before',
    edits: [
      {
        file: 'versions/dot-source.ts',
        find: 'const epoch = this.#nextEpoch++',
        replace: 'const epoch = this.#nextEpoch',
      },
    ],
  },
  {
    name: 'dot-reused-after-rollback',
    hazard: 'A4',
    fault: 'a storage that was not closed in good order goes on in its old incarnation',
    edits: [
      {
        file: 'replica/books.ts',
        find: `const dots = clean
    ? new DotSource(incarnation, nextEpoch)
    : new DotSource(randomIncarnation(random))`,
        replace: 'const dots = new DotSource(incarnation, nextEpoch + (clean ? 0 : 0))',
      },
      {
        file: 'replica/books.ts',
        find: 'this.dots.renew(randomIncarnation(this.#random))',
        replace: 'void this.#random',
      },
    ],
  },
  {
    name: 'epoch-reused-after-restart',
    hazard: 'A3',
    fault: 'the epochs minted before a clean shutdown are minted again after it',
    edits: [
      {
        file: 'replica/books.ts',
        find: 'new DotSource(incarnation, nextEpoch)',
        replace: 'new DotSource(incarnation, nextEpoch * 0 + 1)',
      },
    ],
  },
  {
    name: 'forgotten-record-continued',
    hazard: 'A3',
    fault: 'a record that was forgotten and comes back from a peer is counted on from there',
    edits: [
      {
        file: 'replica/stored-record.ts',
        find: `  const index = ownIndex(bytes, start)
  if (index < 0) return -1
  const recordAt = start + storedHeaderBytes
  if (!dots.isCurrentAt(bytes, recordAt + headerBytes + entryBytes * index)) return -1
`,
        replace: `  const index = newestOwn(bytes, start, dots)
  if (index < 0) return -1
  const recordAt = start + storedHeaderBytes
`,
      },
      {
        file: 'replica/stored-record.ts',
        find: 'write.dots.nextDot(local === undefined ? undefined : ownDot(local), known)',
        replace: 'write.dots.nextDot(local && newestOwnDot(local, write.dots), known)',
      },
      {
        file: 'replica/stored-record.ts',
        find: 'function replacedSome(',
        replace: `function newestOwn(bytes: Uint8Array, start: number, dots: DotSource): number {
  const recordAt = start + storedHeaderBytes
  let index = recordEntries(bytes, recordAt) - 1
  while (index >= 0 && !dots.isCurrentAt(bytes, recordAt + headerBytes + entryBytes * index)) index--
  return index
}

function newestOwnDot(local: Uint8Array, dots: DotSource): Dot | undefined {
  const index = newestOwn(local, 0, dots)
  if (index < 0) return undefined
  return readDots(local, storedHeaderBytes + headerBytes + entryBytes * index, 1)[0]
}

function replacedSome(`,
      },
    ],
  },
  {
    name: 'newest-value-alone',
    hazard: 'A11',
    fault: 'of concurrent siblings only the last is kept, under the whole clock',
    edits: [
      {
        file: 'versions/sibling-set.ts',
        find: "if (kind !== 'lww' || siblings.length < 2) return siblings",
        replace: "if (kind !== 'lww') return siblings.slice(-1)",
      },
    ],
  },
  {
    name: 'clock-pruned',
    hazard: 'A6',
    fault: 'a merged clock keeps its last two entries',
    edits: [
      {
        file: 'versions/sibling-set.ts',
        find: `    context: joinContexts(left.context, right.context),
    siblings: settle(left.kind, [...kept, ...added]),`,
        replace: `    context: pruned(joinContexts(left.context, right.context), [...kept, ...added]),
    siblings: settle(left.kind, [...kept, ...added]),`,
      },
      {
        file: 'versions/sibling-set.ts',
        find: 'function siblingOf(',
        replace: `function pruned(context: CausalContext, siblings: readonly Sibling[]): CausalContext {
  const named = context.vector.filter(({ actor }) => siblings.some(({ dot }) => dot.actor === actor))
  const vector = [...new Set([...named, ...context.vector.slice(-2)])].sort(compareDots)
  return { vector, isolated: context.isolated }
}

function siblingOf(`,
      },
    ],
  },
  {
    name: 'concurrent-record-overwritten',
    hazard: 'P3',
    fault: 'a record that comes in replaces a concurrent one instead of being merged with it',
    edits: [
      {
        file: 'replica/stored-record.ts',
        find: "return next === 'unclear' ? synced(local, incoming, start, end) : next",
        replace: `if (start < 0) return synced(local, incoming, start, end)
  return next === 'unclear' ? adopted(incoming, start, end, -1) : next`,
      },
    ],
  },
  {
    name: 'context-ignored',
    hazard: 'P2',
    fault: 'a write with a context replaces all that its coordinator holds',
    edits: [
      {
        file: 'node/bucket-requests.ts',
        find: "if (context === undefined) return 'all'",
        replace: "if (context !== null) return 'all'",
      },
    ],
  },
  {
    name: 'context-replaces-nothing',
    hazard: 'P2',
    fault: 'a write with a context leaves beside it what the context covers',
    edits: [
      {
        file: 'node/bucket-requests.ts',
        find: 'if (context === null) return { causal: emptyContext, stamp: 0 }',
        replace: 'if (context !== undefined) return { causal: emptyContext, stamp: 0 }',
      },
    ],
  },
  {
    name: 'receipt-covers-too-much',
    hazard: 'P2',
    fault: 'the context of a receipt covers siblings that the write did not replace',
    edits: [
      {
        file: 'coordinator/end-write.ts',
        find: 'caller, replaced ?? recordHead(stored,',
        replace: 'caller, recordHead(stored,',
      },
    ],
  },
  {
    name: 'tombstone-forgets-its-clock',
    hazard: 'B2',
    fault: 'a deletion removes the record with its clock',
    edits: [
      {
        file: 'replica/near-records.ts',
        find: "'store' in storage && durability === 'memory'",
        replace: "'store' in storage && durability === 'os'",
      },
      {
        file: 'replica/replica-store.ts',
        find: 'const own = value === undefined ? nothing : [{ partition, key, value }]',
        replace: `const isMark = value !== undefined && recordSiblings(value, storedHeaderBytes) === 1
      && (value[siblingsStart(value, storedHeaderBytes) + 2]! & 1) === 1
    const kept = isMark ? undefined : value
    const own = value === undefined ? nothing : [{ partition, key, value: kept }]`,
      },
      {
        file: 'replica/replica-store.ts',
        find: "import { kindOf } from '../versions/record-layout.ts'",
        replace:
          "import { kindOf, recordSiblings, siblingsStart } from '../versions/record-layout.ts'",
      },
    ],
  },
  {
    name: 'damage-not-noticed',
    hazard: 'H2',
    fault: 'the checksum of a stored record is not looked at',
    edits: [
      {
        file: 'replica/stored-record.ts',
        find: 'if (readU32(bytes, 4) !== storedChecksum(bytes, key)) return',
        replace: 'if (readU32(bytes, 4) !== storedChecksum(bytes, key) && key.length < 0) return',
      },
    ],
  },
]
