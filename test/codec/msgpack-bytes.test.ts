/** The bytes of the default codec: fixed examples, and damage of every kind. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { msgpackCodec } from '../../src/adapters/msgpack-codec.ts'
import { CodecError } from '../../src/base/errors.ts'
import { anyValue } from './kit.ts'

const codec = msgpackCodec<unknown>()
const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex')

test.each<[unknown, string]>([
  [{ a: 1, b: 'x' }, '82 a161 01 a162 a178'],
  [undefined, 'd4 00 00'],
  [-0, 'cb 8000000000000000'],
  [-1, 'ff'],
  [200, 'cc c8'],
  [-200, 'd1 ff38'],
  [1n, 'd3 0000000000000001'],
  [2n ** 64n, 'c9 0000000a 42 00 010000000000000000'],
  [new Uint8Array([1, 2]), 'c4 02 0102'],
  [Buffer.from([1, 2]), 'c9 00000002 62 0102'],
  [new Map([[1, 2]]), 'c9 00000003 6d 81 01 02'],
  [new Set([1]), 'c9 00000002 73 91 01'],
  [Object.create(null), 'c9 00000001 6f 80'],
  [new Date(1500), 'c7 0c ff 1dcd6500 0000000000000001'],
  [new Date(NaN), 'd4 ff ff'],
])('%s has the bytes %s for ever', (value, bytes) => {
  expect(Buffer.from(codec.encode(value)).toString('hex')).toBe(bytes.replaceAll(' ', ''))
  expect(codec.decode(hex(bytes))).toEqual(value)
})

describe('damaged bytes', () => {
  test.each([
    ['nothing', ''],
    ['a byte that starts no value', 'c1'],
    ['a second value', '01 02'],
    ['text cut short', 'a3 6161'],
    ['text that is no UTF-8', 'a2 c328'],
    ['long text that is no UTF-8', `d9 40 ${'ff'.repeat(64)}`],
    ['an encoded surrogate', 'a3 eda080'],
    ['a number cut short', 'cb 0000'],
    ['an array of 2^32 - 1 items', 'dd ffffffff'],
    ['a map of 2^32 - 1 entries', 'df ffffffff'],
    ['bytes of 4 GiB', 'c6 ffffffff'],
    ['a key that is a number', '81 01 02'],
    ['a key that is an array', '81 90 02'],
    ['an unknown extension', 'c7 01 05 00'],
    ['an unknown short extension', 'd4 05 00'],
    ['a record of msgpackr', 'd4 72 40 91 a161 01'],
    ['a pointer of msgpackr', 'd6 70 00000001'],
    ['an extension longer than the rest', 'c7 05 62 00'],
    ['an extension longer than its value', 'c7 03 73 91 01 00'],
    ['an extension shorter than its value', '92 c7 02 73 92 01 01'],
    ['a set that is no array', 'c7 01 73 80'],
    ['a map that is no map', 'c7 01 6d 90'],
    ['a bigint without digits', 'c7 01 42 00'],
    ['a bigint with a strange sign', 'c7 02 42 02 01'],
    ['a date of the wrong length', 'c7 04 ff 00000000'],
    ['nesting past the limit', `${'91'.repeat(101)}01`],
  ])('refuses %s', (_, bytes) => {
    expect(() => codec.decode(hex(bytes))).toThrow(CodecError)
  })

  test('reads of a message inside a larger array are confined to it', () => {
    const outer = hex('91 a161 ff')
    expect(codec.decode(outer.subarray(0, 3))).toEqual(['a'])
    expect(codec.decode(new Uint8Array(outer.buffer, outer.byteOffset, 3))).toEqual(['a'])
  })

  test('a declared count allocates nothing', () => {
    // Each of 99 nested arrays declares 65 535 items: 52 MB if they were made before they are read.
    const heads = Array.from({ length: 99 }, () => hex('dc ffff'))
    const bytes = Buffer.concat([...heads, Buffer.alloc(65_535, 0xc1)])
    const before = process.memoryUsage().heapUsed
    expect(() => codec.decode(bytes)).toThrow(CodecError)
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(8e6)
  })
})

describe('what is decoded does not hang on the bytes', () => {
  test('values survive when the input is overwritten', () => {
    const bytes = Buffer.from(
      codec.encode([new Uint8Array([1]), Buffer.from([2]), 'some longer text']),
    )
    const before = Buffer.from(bytes)
    const value = codec.decode(bytes)
    expect(bytes).toEqual(before)
    expect(Object.keys(bytes)).toEqual(Object.keys(before))
    bytes.fill(0)
    expect(value).toEqual([new Uint8Array([1]), Buffer.from([2]), 'some longer text'])
  })

  test('the key __proto__ in bytes is an own key', () => {
    const value = codec.decode(hex('81 a9 5f5f70726f746f5f5f 81 a161 01')) as object
    expect(Object.keys(value)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect('a' in {}).toBe(false)
  })
})

describe('any bytes give a value or a CodecError', () => {
  test('random ones', () => {
    const many = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 50, maxLength: 50 })
    fc.assert(
      fc.property(many, (inputs) => inputs.forEach(decodeOrRefuse)),
      { numRuns: 1000 },
    )
  })

  test('real ones with a few bytes changed, cut or repeated', () => {
    const change = fc.record({
      at: fc.nat(),
      byte: fc.nat(255),
      kind: fc.constantFrom('set', 'cut', 'twice'),
    })
    const changes = fc.array(change, { minLength: 50, maxLength: 50 })
    const law = fc.property(anyValue(), changes, (value, list) => {
      const bytes = encoded(value)
      for (const one of list) decodeOrRefuse(damage(bytes, one))
    })
    fc.assert(law, { numRuns: 1500 })
  })
})

function decodeOrRefuse(bytes: Uint8Array): void {
  try {
    codec.decode(bytes)
  } catch (error) {
    if (!(error instanceof CodecError)) throw error
  }
}

/** The encoded value, or some other bytes for a value that is refused. */
function encoded(value: unknown): Uint8Array {
  try {
    return codec.encode(value)
  } catch {
    return codec.encode(new Map([[{ a: [1n, -0] }, new Set(['text', new Date(0)])]]))
  }
}

function damage(bytes: Uint8Array, change: { at: number; byte: number; kind: string }): Uint8Array {
  const at = change.at % (bytes.length + 1)
  if (change.kind === 'cut') return bytes.subarray(0, at)
  if (change.kind === 'twice')
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at >> 1)])
  const copy = new Uint8Array(bytes)
  if (at < copy.length) copy[at] = change.byte
  return copy
}
