/** Encoded records: canonical bytes, order without decoding, and no byte string that breaks them. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { writeF64 } from '../../src/base/bytes.ts'
import { decodeStored } from '../../src/replica/stored-record.ts'
import { compareContexts } from '../../src/versions/causal-context.ts'
import {
  decodeRecord,
  encodeRecord,
  readContext,
  readStamp,
} from '../../src/versions/record-codec.ts'
import {
  hasVersion,
  isRecord,
  sameRecord,
  siblingsStart,
  versionEnd,
} from '../../src/versions/record-layout.ts'
import { compareRecords, entryCounter, findEntry } from '../../src/versions/record-order.ts'
import { sync, type Sibling, type SiblingSet } from '../../src/versions/sibling-set.ts'
import { actorOf, contextOf, dotOf, pasts, recordIn, seeded, someRecords } from './kit.ts'

function sibling(dot: string, rest: Partial<Sibling> = {}): Sibling {
  const value = Buffer.from(dot)
  return { dot: dotOf(dot), tombstone: false, value, stamp: 0, expiresAtMs: 0, ...rest }
}

const plain: SiblingSet = {
  kind: 'siblings',
  context: contextOf('a3 b1 + a5 c7'),
  siblings: [
    sibling('a2', { expiresAtMs: 1234.5 }),
    sibling('b1', { tombstone: true, value: Buffer.alloc(0) }),
  ],
}

const latest: SiblingSet = {
  kind: 'lww',
  context: contextOf('a3'),
  siblings: [sibling('a3', { stamp: 99, expiresAtMs: 5 })],
}

describe('an encoded record', () => {
  it.each([
    ['with isolated dots, expiry and tombstone', plain],
    ['of a last-write-wins bucket', latest],
    ['with the last counter (K5)', { ...plain, context: contextOf('a4294967295 b1') }],
    [
      'with an empty value',
      { ...latest, siblings: [sibling('a1', { value: Buffer.alloc(0), stamp: 1 })] },
    ],
  ] as [string, SiblingSet][])('%s decodes to what it was', (_, set) => {
    const bytes = encodeRecord(set, 3)
    expect(decodeRecord(bytes, 3, bytes.length)).toEqual(set)
    expect(readContext(bytes, 3)).toEqual(set.context)
    expect(readStamp(bytes, 3)).toBe(set.siblings[0]!.stamp)
  })

  it('owns its values: they do not change with the bytes they came in', () => {
    const bytes = encodeRecord(latest)
    const set = decodeRecord(bytes, 0, bytes.length)!
    bytes.fill(0)
    expect(set).toEqual(latest)
  })

  it('is canonical: equal sets have equal bytes, whatever was merged first', () => {
    fc.assert(
      fc.property(someRecords(3), (records) => {
        const [a, b, c] = records.map(decodeStored) as [SiblingSet, SiblingSet, SiblingSet]
        const one = encodeRecord(sync(sync(a, b), c))
        const other = encodeRecord(sync(c, sync(b, a)))
        expect(one.equals(other)).toBe(true)
        expect(sameRecord(one, 0, one.length, other, 0, other.length)).toBe(true)
      }),
    )
  })

  it('of each history is sound and encodes again to the same bytes', () => {
    fc.assert(
      fc.property(pasts(), ({ records }) => {
        for (const record of records.map(recordIn)) {
          expect(isRecord(record, 0, record.length)).toBe(true)
          expect(encodeRecord(decodeRecord(record, 0, record.length)!)).toEqual(Buffer.from(record))
        }
      }),
    )
  })
})

describe('the version of a record', () => {
  it('is all before the value of the one sibling, and nothing when there are more or isolated dots', () => {
    const bytes = encodeRecord(latest, 3)
    expect(versionEnd(bytes, 3)).toBe(bytes.length - 2)
    expect(versionEnd(encodeRecord(plain, 3), 3)).toBe(3)
    const isolated = encodeRecord({ ...latest, context: contextOf('a3 + a5') })
    expect(versionEnd(isolated, 0)).toBe(0)
  })

  it('is shared by two records of a history exactly when they are the same', () => {
    fc.assert(
      fc.property(pasts(), ({ records }) => {
        const all = records.map(recordIn)
        for (const one of all) {
          const end = versionEnd(one, 0)
          if (end === 0) continue
          for (const other of all) {
            const same = sameRecord(one, 0, one.length, other, 0, other.length)
            expect(hasVersion(other, 0, one, 0, end)).toBe(same)
          }
        }
      }),
    )
  })
})

/** The sound bytes with a change that no encoder makes. */
function spoilt(set: SiblingSet, spoil: (bytes: Buffer, siblingsAt: number) => void): Buffer {
  const bytes = encodeRecord(set)
  spoil(bytes, siblingsStart(bytes, 0))
  return bytes
}

const first = (rest: Partial<Sibling>): SiblingSet => ({
  ...latest,
  siblings: [sibling('a3', rest)],
})

describe('a record that no encoder writes is damaged', () => {
  it.each([
    ['another format', spoilt(plain, (bytes) => (bytes[0] = 2))],
    ['kind 0', spoilt(plain, (bytes) => (bytes[1] = 0))],
    ['kind 4', spoilt(plain, (bytes) => (bytes[1] = 4))],
    ['no sibling', encodeRecord({ ...plain, siblings: [] })],
    ['entries out of order', encodeRecord({ ...latest, context: contextOf('b1 a3') })],
    ['an entry twice', encodeRecord({ ...latest, context: contextOf('a3 a3') })],
    ['an entry with counter 0', encodeRecord({ ...latest, context: contextOf('a3 b0') })],
    ['isolated dots out of order', encodeRecord({ ...latest, context: contextOf('a3 + c7 a5') })],
    ['an isolated dot twice', encodeRecord({ ...latest, context: contextOf('a3 + a5 a5') })],
    [
      'an isolated dot that the vector covers',
      encodeRecord({ ...latest, context: contextOf('a3 + a2') }),
    ],
    [
      'an isolated dot that continues its entry',
      encodeRecord({ ...latest, context: contextOf('a3 + a4') }),
    ],
    ['an isolated first dot', encodeRecord({ ...latest, context: contextOf('a3 + b1') })],
    ['siblings out of order', encodeRecord({ ...plain, siblings: plain.siblings.toReversed() })],
    ['a sibling twice', encodeRecord({ ...plain, siblings: [sibling('a2'), sibling('a2')] })],
    ['a sibling beyond its entry', encodeRecord({ ...plain, siblings: [sibling('a4')] })],
    ['a sibling with counter 0', encodeRecord({ ...plain, siblings: [sibling('a0')] })],
    ['a sibling of an entry that is not there', spoilt(plain, (bytes, at) => (bytes[at] = 2))],
    ['an unknown flag', spoilt(plain, (bytes, at) => (bytes[at + 2]! |= 8))],
    ['a filled gap byte', spoilt(plain, (bytes, at) => (bytes[at + 3] = 1))],
    ['a tombstone with a value', encodeRecord(first({ tombstone: true }))],
    ['two values of a last-write-wins bucket', encodeRecord({ ...plain, kind: 'lww' })],
    ['a stamp in another bucket', encodeRecord({ ...first({ stamp: 5 }), kind: 'merge' })],
    ['stamp 0', spoilt(first({ stamp: 5 }), (bytes, at) => writeF64(bytes, at + 12, 0))],
    ['a stamp below 0', encodeRecord(first({ stamp: -5 }))],
    ['a stamp that is no number', encodeRecord(first({ stamp: NaN }))],
    ['a stamp with a fraction', encodeRecord(first({ stamp: 1.5 }))],
    ['expiry 0', spoilt(first({ expiresAtMs: 5 }), (bytes, at) => writeF64(bytes, at + 12, 0))],
    ['expiry without end', encodeRecord(first({ expiresAtMs: Infinity }))],
    ['a byte too many', Buffer.concat([encodeRecord(plain), Buffer.alloc(1)])],
    ['a length beyond the end', spoilt(latest, (bytes, at) => bytes.fill(255, at + 8, at + 12))],
  ])('%s', (_, bytes) => {
    expect(isRecord(bytes, 0, bytes.length)).toBe(false)
    expect(decodeRecord(bytes, 0, bytes.length)).toBeUndefined()
  })

  it('cut off at any byte', () => {
    const bytes = encodeRecord(plain)
    for (let end = 0; end < bytes.length; end++) expect(isRecord(bytes, 0, end)).toBe(false)
    expect(isRecord(bytes, 0, bytes.length + 1)).toBe(false)
  })
})

describe('any bytes', () => {
  it('are a record or none: 200 000 random and mutated ones, and what decodes is canonical', () => {
    const float = seeded(20)
    const below = (limit: number): number => Math.floor(float() * limit)
    const real = fc.sample(pasts(), { seed: 1, numRuns: 30 }).map(({ records }) => records.at(-1)!)
    const sound = [plain, latest, ...real.map(decodeStored)].map((set) => encodeRecord(set))
    let decoded = 0
    for (let i = 0; i < 200_000; i++) {
      const model = sound[below(sound.length)]!
      const bytes = i % 4 === 0 ? Buffer.alloc(below(120), 1) : Buffer.from(model)
      for (let k = below(3) + 1; k > 0; k--) bytes[below(bytes.length)] = below(256)
      const end = i % 7 === 0 ? below(bytes.length + 1) : bytes.length
      const set = decodeRecord(bytes, 0, end)
      if ((set !== undefined) !== isRecord(bytes, 0, end)) throw new Error(bytes.toString('hex'))
      if (set === undefined) continue
      decoded++
      if (!encodeRecord(set).equals(bytes.subarray(0, end))) throw new Error(bytes.toString('hex'))
    }
    expect(decoded).toBeGreaterThan(10_000)
  })
})

describe('encoded records compare', () => {
  it('as their contexts do, wherever they stand in their bytes', () => {
    fc.assert(
      fc.property(someRecords(2), fc.nat(9), ([left, right], shift) => {
        const a = recordIn(left!)
        const b = Buffer.concat([Buffer.alloc(shift, 255), recordIn(right!)])
        const contexts = [decodeStored(left!).context, decodeStored(right!).context] as const
        const order = compareRecords(a, 0, b, shift)
        const isClear = contexts.every(({ isolated }) => isolated.length === 0)
        expect(order).toBe(isClear ? compareContexts(...contexts) : 'unclear')
      }),
      { numRuns: 2000 },
    )
  })

  it('entries are found by actor', () => {
    const bytes = encodeRecord({ ...plain, context: contextOf('a3 b4294967295') })
    const actors = Buffer.from(`${actorOf('b')}${actorOf('c')}`, 'latin1')
    expect(findEntry(bytes, 0, actors, 0)).toBe(1)
    expect(findEntry(bytes, 0, actors, 16)).toBe(-1)
    expect(entryCounter(bytes, 0, 1)).toBe(4_294_967_295)
  })
})
