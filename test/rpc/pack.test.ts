/** Packed messages: what we pack comes back, and nothing else is decoded. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pack, unpack } from '../../src/rpc/pack.ts'
import { isPlainTuple } from '../../src/rpc/plain-tuple.ts'

function roundTrip(tuple: readonly unknown[]): readonly unknown[] | undefined {
  const bytes = pack(tuple)
  const around = Buffer.concat([Buffer.alloc(3, 0x93), bytes, Buffer.alloc(3, 0x93)])
  return unpack(around, 3, 3 + bytes.length)
}

const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, true, false, 0, NaN, Infinity, 2 ** 31, -(2 ** 31), 2 ** 53 - 1),
    fc.integer(),
    // A cold message never tells 0 and −0 apart.
    fc.double().filter((number) => !Object.is(number, -0)),
    fc.string({ unit: 'grapheme', maxLength: 300 }),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc.array(tie('value'), { maxLength: 20 }),
  ),
})).value

test('arrays of plain values come back equal', () => {
  fc.assert(
    fc.property(fc.array(plain, { maxLength: 40 }), (tuple) => {
      expect(roundTrip(tuple)).toEqual(tuple)
    }),
    { numRuns: 500 },
  )
})

test('lengths at the borders of their encodings come back equal', () => {
  for (const length of [0, 15, 16, 31, 32, 255, 256, 65_535, 65_536]) {
    expect(roundTrip(['x'.repeat(length)])).toEqual(['x'.repeat(length)])
    expect(roundTrip([Buffer.alloc(length, 7)])).toEqual([Buffer.alloc(length, 7)])
    expect(roundTrip(Array.from({ length }, () => 1))).toHaveLength(length)
  }
})

test('bytes that come back are a copy', () => {
  const bytes = pack([Buffer.from([1, 2, 3])])
  const [copy] = unpack(bytes, 0, bytes.length) as [Uint8Array]
  bytes.fill(0)
  expect([...copy]).toEqual([1, 2, 3])
})

describe('nothing else is decoded', () => {
  const nested = (depth: number): Buffer =>
    Buffer.concat([Buffer.alloc(depth, 0x91), Buffer.from([0xc0])])
  const rows: [string, Uint8Array][] = [
    ['nothing', Buffer.alloc(0)],
    ['a number', Buffer.from([7])],
    ['a text', Buffer.from([0xa1, 0x61])],
    ['a map', Buffer.from([0x80])],
    ['a map within', Buffer.from([0x91, 0x81, 0xa1, 0x61, 1])],
    ['two arrays', Buffer.from([0x90, 0x90])],
    ['an array cut short', Buffer.from([0x92, 1])],
    ['a text cut short', Buffer.from([0x91, 0xa5, 0x61])],
    ['bytes cut short', Buffer.from([0x91, 0xc4, 5, 1])],
    ['a length cut short', Buffer.from([0x91, 0xdb, 0, 0])],
    ['a number cut short', Buffer.from([0x91, 0xcb, 0, 0])],
    ['4 294 967 295 items that are not there', Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff, 1])],
    ['33 554 431 items, again and again', bombs(1_000)],
    ['4 294 967 295 bytes that are not there', Buffer.from([0x91, 0xc6, 0xff, 0xff, 0xff, 0xff])],
    ['4 294 967 295 characters', Buffer.from([0x91, 0xdb, 0xff, 0xff, 0xff, 0xff, 0x61])],
    ['33 levels', nested(33)],
    ['a million levels', nested(1_000_000)],
    ['the byte that is never used', Buffer.from([0x91, 0xc1])],
    ['a date', Buffer.from([0x91, 0xd6, 0xff, 0, 0, 0, 0])],
    ['a regular expression', Buffer.from([0x91, 0xc7, 3, 0x78, 0x92, 0xa0, 0xa0])],
    ['the definition of a record', Buffer.from([0x91, 0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 1])],
    ['an error', Buffer.from([0x91, 0xc7, 1, 0x65, 0x90])],
    ['a big integer', Buffer.from([0x91, 0xc7, 2, 0x42, 1, 1])],
  ]

  test.each(rows)('%s', (_, bytes) => {
    expect(unpack(bytes, 0, bytes.length)).toBe(undefined)
  })

  test('32 levels are still read', () => {
    const bytes = nested(32)
    expect(unpack(bytes, 0, bytes.length)).toHaveLength(1)
  })

  test('a range that ends before it starts is none', () => {
    expect(isPlainTuple(Buffer.from([0x90]), 1, 0)).toBe(false)
  })

  test('random bytes, and packed ones that were changed, are read or refused, never thrown at', () => {
    const sound = fc.array(plain, { maxLength: 8 }).map((tuple) => Buffer.from(pack(tuple)))
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(sound, changes, fc.nat(), (bytes, list, cut) => {
        for (const [at, value] of list) bytes[at % bytes.length] = value
        const result = unpack(bytes, 0, bytes.length - (cut % 3 === 0 ? cut % bytes.length : 0))
        return result === undefined || Array.isArray(result)
      }),
      { numRuns: 5_000 },
    )
  })

  test('the bytes behind the end of a message are not read', () => {
    const bytes = pack(['abc', 'def'])
    for (let end = 0; end < bytes.length; end++) expect(unpack(bytes, 0, end)).toBe(undefined)
  })
})

/** Arrays within arrays, each of which claims 33 554 431 items: a decoder that believes them takes 256 MiB for each. */
function bombs(levels: number): Buffer {
  return Buffer.concat(
    Array.from({ length: levels }, () => Buffer.from([0xdd, 1, 0xff, 0xff, 0xff])),
  )
}
