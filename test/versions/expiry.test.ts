/** Values that end: found so once, they are ended for all, in whatever order replicas hear of it (HAZARDS B6). */
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { decodeStored, storedHeaderBytes, writtenLocally } from '../../src/replica/stored-record.ts'
import {
  canExpire,
  hasExpired,
  mayDifferInEnds,
  nothingLives,
  recordWithEnded,
  withEnded,
} from '../../src/versions/expiry.ts'
import { liveValues } from '../../src/versions/live-values.ts'
import { decodeRecord, encodeRecord } from '../../src/versions/record-codec.ts'
import { isRecord } from '../../src/versions/record-layout.ts'
import { sync, type Sibling, type SiblingSet } from '../../src/versions/sibling-set.ts'
import {
  contextOf,
  dotOf,
  dotsOf,
  endedAt,
  epochMs,
  receive,
  recordIn,
  someRecords,
  valuesOf,
  writeOf,
} from './kit.ts'

function sibling(dot: string, rest: Partial<Sibling> = {}): Sibling {
  const value = rest.tombstone === true ? new Uint8Array(0) : Buffer.from(dot)
  return { dot: dotOf(dot), tombstone: false, value, stamp: 0, expiresAtMs: 0, ...rest }
}

function setOf(context: string, ...siblings: Sibling[]): SiblingSet {
  return { kind: 'siblings', context: contextOf(context), siblings }
}

const lasting = sibling('a1')
const mortal = sibling('b1', { expiresAtMs: 10 })
const tombstone = sibling('c1', { tombstone: true })
const ended = sibling('b1', { expiresAtMs: 10, tombstone: true })

/** Bytes with something before and behind, as a record lies in a frame or in a slab. */
function lying(set: SiblingSet): { bytes: Uint8Array; start: number; end: number } {
  const record = encodeRecord(set)
  const bytes = Buffer.concat([Buffer.alloc(5, 0xff), record, Buffer.alloc(3, 0xff)])
  return { bytes, start: 5, end: 5 + record.length }
}

describe('a record at an instant', () => {
  it.each([
    {
      what: 'a value',
      siblings: [lasting],
      can: false,
      expired: [false, false],
      dead: [false, false],
    },
    {
      what: 'a tombstone',
      siblings: [tombstone],
      can: false,
      expired: [false, false],
      dead: [true, true],
    },
    {
      what: 'a mortal value',
      siblings: [mortal],
      can: true,
      expired: [false, true],
      dead: [false, true],
    },
    {
      what: 'an ended value',
      siblings: [ended],
      can: false,
      expired: [false, false],
      dead: [true, true],
    },
    {
      what: 'a mortal value beside a tombstone',
      siblings: [mortal, tombstone],
      can: true,
      expired: [false, true],
      dead: [false, true],
    },
    {
      what: 'a mortal value beside one that lasts',
      siblings: [lasting, mortal],
      can: true,
      expired: [false, true],
      dead: [false, false],
    },
  ])('with $what', ({ siblings, can, expired, dead }) => {
    const { bytes, start } = lying(setOf('a1 b1 c1', ...siblings))
    expect(canExpire(bytes, start)).toBe(can)
    // One instant before the value's own, and that one.
    expect([9.999, 10].map((atMs) => hasExpired(bytes, start, atMs))).toEqual(expired)
    expect([9.999, 10].map((atMs) => nothingLives(bytes, start, atMs))).toEqual(dead)
  })

  test('shows what no tombstone is and what has time left', () => {
    const { bytes, start } = lying(setOf('a1 b1 c1', lasting, mortal, tombstone))
    const decoder = { decode: (value: Uint8Array) => Buffer.from(value).toString() }
    expect(liveValues(bytes, start, 9.999, decoder)).toEqual(['a1', 'b1'])
    expect(liveValues(bytes, start, 10, decoder)).toEqual(['a1'])
  })
})

describe('a value that ends', () => {
  test('keeps its dot, stamp and instant, and loses its bytes', () => {
    const set = setOf('a1 b1', lasting, mortal)
    expect(withEnded(set, 9.999)).toBe(set)
    expect(withEnded(set, 10)).toEqual(setOf('a1 b1', lasting, ended))
    const stamped = { ...sibling('b1', { expiresAtMs: 10, stamp: 77 }) }
    const latest: SiblingSet = { kind: 'lww', context: contextOf('b1'), siblings: [stamped] }
    const [after] = withEnded(latest, 10).siblings
    expect(after).toEqual({ ...stamped, tombstone: true, value: new Uint8Array(0) })
  })

  test('leaves a well-formed record, the same from bytes as from the set', () => {
    const set = setOf('a1 b1 c1', lasting, mortal, tombstone)
    const { bytes, start, end } = lying(set)
    const record = recordWithEnded(bytes, start, end, 10)!
    expect(isRecord(record, 0, record.length)).toBe(true)
    expect(record).toEqual(encodeRecord(withEnded(set, 10)))
    expect(recordWithEnded(bytes, start, end, 9.999)).toBeUndefined()
  })

  it.each([
    ['both are the value', [mortal], [mortal], false],
    ['one has ended it', [mortal], [ended], true],
    ['both have', [ended], [ended], false],
    ['it lasts', [lasting], [lasting], false],
    ['the other has none that ends', [ended], [lasting], false],
    ['one has ended another one', [mortal, sibling('c1', { expiresAtMs: 3 })], [ended], true],
  ])('makes records differ although their contexts do not: %s', (_, left, right, differ) => {
    const one = lying(setOf('a1 b1 c1', ...left))
    const two = lying(setOf('a1 b1 c1', ...right))
    expect(mayDifferInEnds(one.bytes, one.start, two.bytes, two.start)).toBe(differ)
    expect(mayDifferInEnds(two.bytes, two.start, one.bytes, one.start)).toBe(differ)
  })

  it.each([
    ['the same record', setOf('b1', mortal), setOf('b1', ended), setOf('b1', ended)],
    [
      'a newer record that still has the value',
      setOf('a1 b1', lasting, mortal),
      setOf('b1', ended),
      setOf('a1 b1', lasting, ended),
    ],
    [
      'a record that has replaced it',
      setOf('a1 b1', lasting),
      setOf('b1', ended),
      setOf('a1 b1', lasting),
    ],
    [
      'one that never saw it',
      setOf('a1', lasting),
      setOf('b1', ended),
      setOf('a1 b1', lasting, ended),
    ],
  ])('is ended in %s', (_, one, other, both) => {
    expect(sync(one, other)).toEqual(both)
    expect(sync(other, one)).toEqual(both)
  })
})

/** What a replica holds after a put with a time to live of 10 ms. */
function putMortal(before: Uint8Array | undefined, value: string, node: string): Uint8Array {
  return writtenLocally(before, writeOf(value, { dots: dotsOf(node), expiresAtMs: 10 })).stored
}

describe('on replicas', () => {
  test('an ended value stays ended when the value comes again, and the other way round', () => {
    const alive = putMortal(undefined, 'v', 'n')
    const over = endedAt(alive, 10)
    expect(valuesOf(over)).toEqual(['†'])
    expect(receive(over, alive)).toBe(over)
    expect(recordIn(receive(alive, over))).toEqual(recordIn(over))
    expect(receive(undefined, over).length).toBeLessThan(alive.length)
  })

  test('a newer record with the value does not bring it back', () => {
    const alive = putMortal(undefined, 'v', 'n')
    const newer = writtenLocally(
      alive,
      writeOf('w', { dots: dotsOf('o'), replaces: { causal: contextOf(''), stamp: 0 } }),
    ).stored
    expect(valuesOf(newer)).toEqual(['v', 'w'])
    expect(valuesOf(receive(endedAt(alive, 10), newer))).toEqual(['w', '†'])
    expect(valuesOf(receive(newer, endedAt(alive, 10)))).toEqual(['w', '†'])
  })

  test('a write after the end replaces the tombstone', () => {
    const over = endedAt(putMortal(undefined, 'v', 'n'), 10)
    const after = putMortal(over, 'w', 'n')
    expect(valuesOf(after)).toEqual(['w'])
    expect(valuesOf(receive(over, after))).toEqual(['w'])
    expect(receive(after, over)).toBe(after)
  })

  test('the owner of a dot that hears of its end goes on with the same actor', () => {
    const dots = dotsOf('n')
    const write = (before: Uint8Array | undefined, value: string): Uint8Array =>
      writtenLocally(before, writeOf(value, { dots, expiresAtMs: 10 })).stored
    const alive = write(undefined, 'v')
    const heard = receive(alive, endedAt(alive, 10))
    expect(decodeStored(write(heard, 'w')).context.vector).toHaveLength(1)
  })
})

describe('laws, for the records that histories leave', () => {
  const instant = fc.nat(40).map((ms) => epochMs + ms)
  const setIn = (stored: Uint8Array): SiblingSet => decodeStored(stored)

  test('it makes no difference whether a value is ended before a merge or after it', () => {
    fc.assert(
      fc.property(someRecords(2), instant, ([one, other], atMs) => {
        const [a, b] = [setIn(one!), setIn(other!)]
        const after = withEnded(sync(a, b), atMs)
        expect(encodeRecord(sync(withEnded(a, atMs), withEnded(b, atMs)))).toEqual(
          encodeRecord(after),
        )
        // One replica's clock may be behind for ever: what the other finds is enough.
        const half = sync(withEnded(a, atMs), b)
        expect(encodeRecord(withEnded(half, atMs))).toEqual(encodeRecord(after))
      }),
    )
  })

  test('merging is commutative, associative and idempotent whatever each replica has ended', () => {
    fc.assert(
      fc.property(someRecords(3), fc.tuple(instant, instant, instant), (stored, instants) => {
        const [a, b, c] = stored.map((each, i) => withEnded(setIn(each), instants[i]!)) as [
          SiblingSet,
          SiblingSet,
          SiblingSet,
        ]
        const text = (set: SiblingSet): string => encodeRecord(set).toString('hex')
        expect(text(sync(a, b))).toBe(text(sync(b, a)))
        expect(text(sync(sync(a, b), c))).toBe(text(sync(a, sync(b, c))))
        expect(text(sync(a, a))).toBe(text(a))
        expect(text(sync(sync(a, b), b))).toBe(text(sync(a, b)))
      }),
    )
  })

  test('the short way of a replica and the algebra come to the same bytes', () => {
    fc.assert(
      fc.property(someRecords(2), instant, ([one, other], atMs) => {
        const over = endedAt(other!, atMs)
        for (const [target, source] of [
          [one!, over],
          [over, one!],
        ] as const) {
          const both = sync(setIn(target), setIn(source))
          expect(recordIn(receive(target, source))).toEqual(encodeRecord(both))
        }
      }),
    )
  })

  test('what has ended never lives again, and later instants end no less', () => {
    fc.assert(
      fc.property(someRecords(1), instant, fc.nat(20), ([stored], atMs, moreMs) => {
        const set = setIn(stored!)
        const record = encodeRecord(withEnded(set, atMs))
        expect(hasExpired(record, 0, atMs)).toBe(false)
        const [later] = [decodeRecord(record, 0, record.length)!]
        const both = withEnded(later, atMs + moreMs)
        expect(encodeRecord(both)).toEqual(encodeRecord(withEnded(set, atMs + moreMs)))
        const isDead = nothingLives(stored!, storedHeaderBytes, atMs)
        expect(isDead).toBe(withEnded(set, atMs).siblings.every((each) => each.tombstone))
      }),
    )
  })
})
