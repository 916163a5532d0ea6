/** The codecs for bytes and for JSON. */

import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesCodec } from '../../src/adapters/bytes-codec.ts'
import { jsonCodec } from '../../src/adapters/json-codec.ts'
import { CodecError } from '../../src/base/errors.ts'
import { anyValue } from './kit.ts'

describe('bytesCodec', () => {
  const codec = bytesCodec()

  // The copy on the way in is the bucket's: see test/node/values-and-policies.test.ts.
  test('gives the bytes back, as a copy on the way out', () => {
    const stored = Uint8Array.from(codec.encode(new Uint8Array([1, 2, 3])))
    const back = codec.decode(stored)
    stored.fill(9)
    expect(back).toEqual(new Uint8Array([1, 2, 3]))
  })

  test('takes a Buffer and gives a plain Uint8Array', () => {
    const back = codec.decode(Buffer.from(codec.encode(Buffer.from('abc'))))
    expect(Object.getPrototypeOf(back)).toBe(Uint8Array.prototype)
    expect(back).toEqual(new Uint8Array([97, 98, 99]))
  })

  test.each([['text'], [[1, 2]], [new Uint16Array(1)], [undefined]])('refuses %s', (value) => {
    expect(() => codec.encode(value as unknown as Uint8Array)).toThrow(CodecError)
  })
})

describe('jsonCodec', () => {
  const codec = jsonCodec<unknown>()

  test('writes JSON text', () => {
    expect(Buffer.from(codec.encode({ a: [1, 'é', null] })).toString()).toBe('{"a":[1,"é",null]}')
  })

  const refused: [string, unknown, RegExp][] = [
    ['undefined', undefined, /^value is undefined/],
    ['undefined in an object', { a: undefined }, /^value\.a is undefined/],
    ['NaN', [NaN], /^value\[0\] is NaN/],
    ['infinity', Infinity, /^value is Infinity/],
    ['minus zero', { a: -0 }, /^value\.a is -0/],
    ['a bigint', 1n, /^value is the bigint 1/],
    ['a date', { when: new Date(0) }, /^value\.when is an instance of Date.*msgpackCodec/],
    ['a map', new Map(), /^value is an instance of Map/],
    ['bytes', [new Uint8Array(1)], /^value\[0\] is an instance of Uint8Array/],
    ['a null prototype', Object.create(null), /^value is an instance of/],
    ['a toJSON method', { a: { toJSON: () => 1 } }, /^value\.a\.toJSON is a function/],
    [
      'a getter',
      {
        get a() {
          return 1
        },
      },
      /^value\.a is a getter/,
    ],
    ['an array with holes', Object.assign([1], { length: 2 }), /^value is an array with holes/],
  ]
  test.each(refused)('refuses %s', (_, value, message) => {
    expect(() => codec.encode(value)).toThrow(CodecError)
    expect(() => codec.encode(value)).toThrow(message)
  })

  test('every value comes back equal or is refused', () => {
    const law = fc.property(fc.oneof(anyValue(), fc.jsonValue()), (value) => {
      let bytes: Uint8Array
      try {
        bytes = codec.encode(value)
      } catch (error) {
        expect(error).toBeInstanceOf(CodecError)
        return
      }
      expect(isDeepStrictEqual(codec.decode(bytes), value)).toBe(true)
    })
    fc.assert(law, { numRuns: 3000 })
  })

  test.each([
    ['no JSON', Buffer.from('{')],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['nothing', Buffer.alloc(0)],
  ])('refuses bytes that are %s', (_, bytes) => {
    expect(() => codec.decode(bytes)).toThrow(CodecError)
  })

  test('bytes nested very deep give a value or a CodecError', () => {
    const deep = Buffer.from('['.repeat(200_000))
    expect(() => codec.decode(deep)).toThrow(CodecError)
  })
})
