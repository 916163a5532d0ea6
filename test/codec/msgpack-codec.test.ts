/** The default codec: what goes in comes out, or is refused by name. */

import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { Packr } from 'msgpackr'
import { describe, expect, test } from 'vitest'
import { msgpackCodec } from '../../src/adapters/msgpack-codec.ts'
import { CodecError } from '../../src/base/errors.ts'
import { anyValue, commonValue } from './kit.ts'

const codec = msgpackCodec<unknown>()
const roundTrip = (value: unknown): unknown => codec.decode(codec.encode(value))

/** An object with the own key `__proto__`, which a literal cannot have. */
const parsed = (text: string): object => JSON.parse(text) as object

describe('values that come back equal', () => {
  const when = new Date(1_700_000_000_123)
  test.each<[string, unknown]>([
    ['null', null],
    ['undefined', undefined],
    ['undefined in an object', { a: undefined }],
    ['undefined in an array', [undefined, 1, undefined]],
    ['true and false', [true, false]],
    ['zero and minus zero', [0, -0, { a: -0 }]],
    ['NaN and the infinities', [NaN, Infinity, -Infinity]],
    ['borders of the integers', borders()],
    ['integers beyond 2^53', [2 ** 53, 2 ** 53 + 2, -(2 ** 63), 2 ** 64, Number.MAX_VALUE]],
    ['fractions', [0.1, 1.5, -2.25, Number.MIN_VALUE]],
    ['bigints of 64 bits', [0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 63n, 2n ** 64n - 1n]],
    ['larger bigints', [2n ** 64n, -(2n ** 63n) - 1n, 2n ** 1000n, -(2n ** 1000n) + 7n]],
    ['text with a byte order mark', ['\ufeff', `\ufeff${'x'.repeat(100)}`]],
    ['text with a replacement character', ['\ufffd', '\ufffd'.repeat(100)]],
    ['composed and decomposed text', ['\u00e9', 'e\u0301']],
    ['odd keys', { '': 1, constructor: 2, toString: 3, hasOwnProperty: 4, valueOf: 5 }],
    ['the key __proto__', parsed('{"a":1,"__proto__":{"polluted":true}}')],
    [
      'the key __proto__ without a prototype',
      Object.assign(Object.create(null), parsed('{"__proto__":1}')),
    ],
    ['a null-prototype object', Object.assign(Object.create(null), { a: { b: 1 } })],
    ['keys like integers', { 10: 'a', 9: 'b', '-1': 'c' }],
    ['a data property toJSON', { toJSON: 'text' }],
    ['an empty map and set', [new Map(), new Set(), {}, []]],
    [
      'a map with keys of any type',
      new Map<unknown, unknown>([
        [1, 'a'],
        ['1', 'b'],
        [{ k: 1 }, new Map()],
        [null, 0],
      ]),
    ],
    ['a set of mixed types', new Set<unknown>([1, '1', 1n, [1], new Set([1])])],
    ['dates', [when, new Date(0), new Date(-1), new Date(8.64e15), new Date(-8.64e15)]],
    ['bytes', [new Uint8Array([1, 2, 3]), new Uint8Array(300), new Uint8Array(70_000)]],
    ['buffers', [Buffer.from('abc'), Buffer.alloc(300)]],
    [
      'long arrays',
      [
        Array.from({ length: 15 }),
        Array.from({ length: 16 }, Number),
        Array.from({ length: 70_000 }, () => 1),
      ],
    ],
    [
      'a large object',
      Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`key ${i}`, i])),
    ],
    ['frozen data', Object.freeze({ a: Object.freeze([1]) })],
    ['nesting at the limit', nested(100)],
  ])('keeps %s', (_, value) => {
    const back = roundTrip(value)
    expect(isDeepStrictEqual(back, value)).toBe(true)
  })

  test('keeps an invalid date', () => {
    const back = roundTrip([new Date(NaN)]) as [Date]
    expect(back[0]).toBeInstanceOf(Date)
    expect(back[0].getTime()).toBeNaN()
  })

  test('gives bytes back as the type that was put in', () => {
    const [bytes, buffer] = roundTrip([new Uint8Array(3), Buffer.alloc(3)]) as [object, object]
    expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype)
    expect(Object.getPrototypeOf(buffer)).toBe(Buffer.prototype)
  })

  test('keeps the order of keys', () => {
    expect(Object.keys(roundTrip({ z: 1, a: 2, m: 3 }) as object)).toEqual(['z', 'a', 'm'])
  })

  test('never touches a prototype', () => {
    const back = roundTrip(parsed('{"__proto__":{"polluted":true}}')) as object
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype)
    expect('polluted' in {}).toBe(false)
  })
})

describe('values that are refused by name', () => {
  const sparse: unknown[] = [1]
  sparse[2] = 3
  const cycle: { self?: unknown } = {}
  cycle.self = cycle
  class Cart {
    items = []
  }
  const refused: [string, unknown, RegExp][] = [
    [
      'a function',
      { cart: { total: () => 1 } },
      /^value\.cart\.total is a function, .*store plain data/,
    ],
    ['a symbol', [Symbol('s')], /^value\[0\] is a symbol/],
    [
      'a symbol as a key',
      { a: { [Symbol('s')]: 1 } },
      /^value\.a has a symbol as a key.*string key/,
    ],
    [
      'a class instance',
      { cart: new Cart() },
      /^value\.cart is an instance of Cart.*its own codec/,
    ],
    [
      'an anonymous class',
      {
        a: new (class {
          a = 1
        })(),
      },
      /^value\.a is an instance of an unnamed class/,
    ],
    ['an error', new Error('x'), /^value is an instance of Error/],
    ['a regular expression', [/x/], /^value\[0\] is an instance of RegExp/],
    ['another typed array', { a: new Uint16Array(2) }, /^value\.a is an instance of Uint16Array/],
    ['an ArrayBuffer', new ArrayBuffer(2), /^value is an instance of ArrayBuffer/],
    ['a promise', Promise.resolve(1), /^value is an instance of Promise/],
    ['a boxed number', Object(1), /^value is an instance of Number/],
    [
      'a subclass of an array',
      new (class List extends Array {})(),
      /^value is an instance of List/,
    ],
    ['a subclass of a map', new (class Index extends Map {})(), /^value is an instance of Index/],
    ['a false date', Object.create(Date.prototype), /^value is an instance of Date/],
    [
      'a map with a property',
      Object.assign(new Map(), { extra: 1 }),
      /^value is an instance of Map/,
    ],
    [
      'a getter',
      {
        a: {
          get b() {
            return 1
          },
        },
      },
      /^value\.a\.b is a getter/,
    ],
    ['a hidden property', Object.defineProperty({}, 'a', { value: 1 }), /^value has a hidden/],
    ['a toJSON method', { when: { toJSON: () => 1 } }, /^value\.when\.toJSON is a function/],
    [
      'an array with holes',
      { items: sparse },
      /^value\.items is an array with holes.*undefined or null/,
    ],
    [
      'an array with a property',
      { m: /b/.exec('abc') },
      /^value\.m is an array with the property "index"/,
    ],
    [
      'a hole made up for by a property',
      Object.assign([1], { length: 2, x: 1 }),
      /^value is an array with the property "x"/,
    ],
    [
      'a lone surrogate',
      { a: ['ok', 'x\ud800'] },
      /^value\.a\[1\] has a lone surrogate.*toWellFormed/,
    ],
    ['a lone surrogate in a key', { 'x\udc00': 1 }, /^value\["x\\udc00"\] has a lone surrogate/],
    [
      'a fault in a map',
      {
        m: new Map([
          ['a', 1],
          ['b', () => 1],
        ] as [string, unknown][]),
      },
      /^value\.m\[1\] is a function/,
    ],
    ['a fault in a set', new Set([[Symbol('s')]]), /^value\[0\]\[0\] is a symbol/],
    ['a fault below an odd key', { 'a b': { 0: () => 1 } }, /^value\["a b"\]\["0"\] is a function/],
    ['a cycle', cycle, /nested more than 100 levels deep or contains itself/],
    ['nesting past the limit', nested(101), /^value(\[0\]){100} is nested more than 100/],
  ]
  test.each(refused)('refuses %s', (_, value, message) => {
    expect(() => codec.encode(value)).toThrow(CodecError)
    expect(() => codec.encode(value)).toThrow(message)
  })

  test('never calls a getter or toJSON', () => {
    const called: string[] = []
    const value = {
      get a() {
        return called.push('getter')
      },
    }
    expect(() => codec.encode(value)).toThrow(CodecError)
    expect(() => codec.encode({ toJSON: () => called.push('toJSON') })).toThrow(CodecError)
    expect(called).toEqual([])
  })

  test('goes on after a refusal as if it had not been', () => {
    expect(() => codec.encode(['text before', Symbol('s')])).toThrow(CodecError)
    expect(roundTrip({ a: 1 })).toEqual({ a: 1 })
  })

  test('encodes a value while another one is being encoded', () => {
    const inner: unknown[] = []
    const nosy = new Proxy([1, 2], {
      get(target, key, self) {
        inner.push(roundTrip({ seen: String(key) }))
        return Reflect.get(target, key, self) as unknown
      },
    })
    expect(roundTrip(['before', nosy, 'after'])).toEqual(['before', [1, 2], 'after'])
    expect(inner).toContainEqual({ seen: '1' })
  })
})

describe('laws', () => {
  test('every value comes back equal or is refused', () => {
    let kept = 0
    const law = fc.property(anyValue(), (value) => {
      const bytes = encodeOrRefuse(value)
      if (bytes === undefined) return
      kept++
      expect(isDeepStrictEqual(codec.decode(bytes), value)).toBe(true)
    })
    fc.assert(law, { numRuns: 10_000 })
    expect(kept).toBeGreaterThan(2000)
  })

  test('other MessagePack libraries read what it writes, and it reads what they write', () => {
    const other = new Packr({ useRecords: false, variableMapSize: true })
    const law = fc.property(commonValue(), (value) => {
      expect(plainBytes(other.unpack(codec.encode(value)))).toEqual(plainBytes(value))
      expect(plainBytes(codec.decode(other.pack(value)))).toEqual(plainBytes(value))
    })
    fc.assert(law, { numRuns: 2000 })
  })

  test('equal values in the same order have equal bytes', () => {
    const law = fc.property(anyValue(), (value) => {
      const bytes = encodeOrRefuse(value)
      if (bytes === undefined) return
      expect(codec.encode(codec.decode(bytes))).toEqual(bytes)
    })
    fc.assert(law, { numRuns: 2000 })
  })
})

test('results do not change when the next value is encoded', () => {
  const first = codec.encode({ a: 'first' })
  codec.encode({ a: 'other' })
  codec.encode('x'.repeat(100_000))
  expect(codec.decode(first)).toEqual({ a: 'first' })
})

function encodeOrRefuse(value: unknown): Uint8Array | undefined {
  try {
    return codec.encode(value)
  } catch (error) {
    expect(error).toBeInstanceOf(CodecError)
    return undefined
  }
}

/** The other library gives views of its own kind: compare bytes as arrays of numbers. */
function plainBytes(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value]
  if (Array.isArray(value)) return value.map(plainBytes)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plainBytes(member)]))
}

function borders(): number[] {
  const powers = [5, 7, 8, 15, 16, 31, 32, 53].map((power) => 2 ** power)
  return powers.flatMap((power) => [power - 1, power, power + 1, -power - 1, -power, -power + 1])
}

function nested(levels: number): unknown {
  let value: unknown = []
  for (let i = 1; i < levels; i++) value = [value]
  return value
}
