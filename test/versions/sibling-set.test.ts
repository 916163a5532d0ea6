/** Sibling sets form a join-semilattice under sync, and writes replace exactly what they have seen. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeStored } from '../../src/replica/stored-record.ts'
import { compareContexts, coversDot } from '../../src/versions/causal-context.ts'
import { mayDifferInEnds } from '../../src/versions/expiry.ts'
import { encodeRecord } from '../../src/versions/record-codec.ts'
import {
  sync,
  written,
  type RecordKind,
  type Sibling,
  type SiblingSet,
} from '../../src/versions/sibling-set.ts'
import { contextOf, dotOf, pasts, someRecords } from './kit.ts'

function sibling(dot: string, rest: Partial<Sibling> = {}): Sibling {
  const value = Buffer.from(dot)
  return { dot: dotOf(dot), tombstone: false, value, stamp: 0, expiresAtMs: 0, ...rest }
}

/** `[a2 b1 | a2 b1]`: the context, and the siblings in it. */
function setOf(text: string, kind: RecordKind = 'siblings'): SiblingSet {
  const [context, siblings] = text.split('|') as [string, string]
  const dots = siblings.split(' ').filter(Boolean)
  return { kind, context: contextOf(context), siblings: dots.map((dot) => sibling(dot)) }
}

describe('two sets sync', () => {
  it.each([
    ['the same', 'a1 | a1', 'a1 | a1', 'a1 | a1'],
    ['one has replaced what the other holds', 'a1 | a1', 'a2 | a2', 'a2 | a2'],
    ['neither has seen the other', 'a1 | a1', 'b1 | b1', 'a1 b1 | a1 b1'],
    ['one has an extra sibling', 'a1 | a1', 'a2 | a1 a2', 'a2 | a1 a2'],
    ['each has replaced one of two', 'a2 b1 | a1 b1', 'a3 | a2 a3', 'a3 b1 | a3 b1'],
    ['one has seen a value only by a context', 'b1 + a2 | b1', 'a2 | a1 a2', 'a2 b1 | a1 b1'],
    ['the gap is filled by the other', 'b1 + a2 | b1', 'a1 | a1', 'a2 b1 | a1 b1'],
  ])('%s', (_, left, right, both) => {
    expect(sync(setOf(left), setOf(right))).toEqual(setOf(both))
    expect(sync(setOf(right), setOf(left))).toEqual(setOf(both))
  })

  it('of different kinds never', () => {
    expect(() => sync(setOf('a1 | a1'), setOf('a1 | a1', 'merge'))).toThrow('different kinds')
  })
})

describe('a last-write-wins set', () => {
  const lww = (each: Sibling): SiblingSet => ({
    kind: 'lww',
    context: { vector: [each.dot], isolated: [] },
    siblings: [each],
  })

  it.each([
    ['the later stamp wins', 5, 7, 'b1'],
    ['whichever side it is on', 7, 5, 'a1'],
    ['the greater dot at the same stamp', 7, 7, 'b1'],
  ])('%s', (_, one, other, winner) => {
    const left = lww(sibling('a1', { stamp: one }))
    const right = lww(sibling('b1', { stamp: other }))
    expect(sync(left, right).siblings.map(({ dot }) => dot)).toEqual([dotOf(winner)])
    expect(sync(right, left)).toEqual(sync(left, right))
  })
})

describe('a write', () => {
  it.each([
    ['replaces what its context covers', 'a2 | a1 a2', 'a1', 'b1', 'a2 b1 | a2 b1'],
    ['with an empty context replaces nothing', 'a1 | a1', '', 'a2', 'a2 | a1 a2'],
    ['with an isolated dot replaces that one', 'a3 | a1 a2 a3', '+ a2', 'b1', 'a3 b1 | a1 a3 b1'],
    ['takes over what only its context knows', 'a1 | a1', 'c4', 'b1', 'a1 b1 c4 | a1 b1'],
  ])('%s', (_, before, replaces, dot, after) => {
    const write = {
      kind: 'siblings',
      replaces: contextOf(replaces),
      sibling: sibling(dot),
    } as const
    expect(written(setOf(before), write)).toEqual(setOf(after))
  })

  it('may not use a name twice', () => {
    const write = { kind: 'siblings', replaces: contextOf(''), sibling: sibling('a1') } as const
    expect(() => written(setOf('a1 | a1'), write)).toThrow('a dot names one write only')
    const known = { ...write, replaces: contextOf('+ b5'), sibling: sibling('b5') }
    expect(() => written(undefined, known)).toThrow('a dot names one write only')
  })
})

describe.each(['siblings', 'merge', 'lww'] as const)(
  'sets of kind %s that histories leave',
  (kind) => {
    const sets = (count: number): fc.Arbitrary<SiblingSet[]> =>
      someRecords(count, kind).map((records) => records.map(decodeStored))

    it('sync in any order and grouping, and with themselves, to the same', () => {
      fc.assert(
        fc.property(sets(3), (some) => {
          const [a, b, c] = some as [SiblingSet, SiblingSet, SiblingSet]
          expect(sync(a, a)).toEqual(a)
          expect(sync(a, b)).toEqual(sync(b, a))
          expect(sync(sync(a, b), c)).toEqual(sync(a, sync(b, c)))
          expect(sync(sync(a, b), b)).toEqual(sync(a, b))
        }),
        { numRuns: 400 },
      )
    })

    it('are the same when they have seen the same, and the later is the sync of both, but for ends', () => {
      fc.assert(
        fc.property(sets(2), (some) => {
          const [a, b] = some as [SiblingSet, SiblingSet]
          if (mayDifferInEnds(encodeRecord(a), 0, encodeRecord(b), 0)) return
          const order = compareContexts(a.context, b.context)
          if (order === 'equal') expect(a).toEqual(b)
          if (order === 'before') expect(sync(a, b)).toEqual(b)
          if (order === 'after') expect(sync(a, b)).toEqual(a)
        }),
        { numRuns: 400 },
      )
    })

    it('hold their siblings in order, each covered by the vector', () => {
      fc.assert(
        fc.property(pasts(kind), ({ records }) => {
          for (const { context, siblings } of records.map(decodeStored)) {
            expect(siblings.length).toBeGreaterThan(0)
            if (kind === 'lww') expect(siblings).toHaveLength(1)
            for (const { dot } of siblings) {
              expect(coversDot({ vector: context.vector, isolated: [] }, dot)).toBe(true)
            }
          }
        }),
      )
    })
  },
)

describe('a last-write-wins history', () => {
  it('ends with the greatest stamp of all writes that anyone still holds, whatever was merged first', () => {
    fc.assert(
      fc.property(pasts('lww'), fc.func(fc.nat()), ({ records }, rank) => {
        const sets = records.map(decodeStored)
        const shuffled = sets
          .map((set, i) => ({ set, at: rank(i) }))
          .toSorted((a, b) => a.at - b.at)
        const end = shuffled.map(({ set }) => set).reduce(sync)
        const latest = Math.max(...sets.flatMap(({ siblings }) => siblings.map((s) => s.stamp)))
        expect(end.siblings[0]!.stamp).toBe(latest)
        expect(end).toEqual(sets.reduce(sync))
      }),
      { numRuns: 300 },
    )
  })

  it('stamps each write above all that it replaces', () => {
    fc.assert(
      fc.property(pasts('lww'), ({ writes }) => {
        for (const { before, write, after } of writes) {
          const { stamp } = decodeStored(after).siblings[0]!
          const replaced = before === undefined ? 0 : decodeStored(before).siblings[0]!.stamp
          const read = write.replaces === 'all' ? 0 : write.replaces.stamp
          expect(stamp).toBeGreaterThan(Math.max(replaced, read))
        }
      }),
    )
  })
})
