/** Values for the laws of the codecs. */

import fc from 'fast-check'

/**
 * Anything that JavaScript programs put into objects, most of it storable, some of it not. No
 * invalid dates: they are equal to nothing, not even to themselves.
 */
export function anyValue(): fc.Arbitrary<unknown> {
  return fc.anything({
    maxDepth: 4,
    key: oddKeys(),
    values: [
      fc.boolean(),
      fc.constantFrom(null, undefined, 0, -0, NaN, Infinity, -Infinity, 2 ** 53, -(2 ** 53) - 2),
      fc.integer(),
      fc.double(),
      fc.maxSafeInteger(),
      fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }),
      fc.string({ unit: 'binary' }),
      longText(),
      fc.date({ noInvalidDate: true }),
      fc.uint8Array(),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    ],
    withBoxedValues: true,
    withMap: true,
    withSet: true,
    withNullPrototype: true,
    withObjectString: true,
    withSparseArray: true,
    withTypedArray: true,
  })
}

/** Values of the kind that every MessagePack library takes. */
export function commonValue(): fc.Arbitrary<unknown> {
  const text = fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }))
  const number = fc.double().map((value) => (Object.is(value, -0) ? 0 : value))
  return fc.anything({
    maxDepth: 4,
    key: text.filter((key) => key !== '__proto__'),
    values: [fc.boolean(), fc.constant(null), fc.integer(), number, text, fc.uint8Array()],
  })
}

function oddKeys(): fc.Arbitrary<string> {
  const names = [
    '',
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    '10',
    '9',
    'é',
    '\ufeff',
  ]
  return fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...names))
}

/** Lengths around the borders of the headers, with and without characters beyond ASCII. */
function longText(): fc.Arbitrary<string> {
  const length = fc.constantFrom(7, 8, 9, 31, 32, 33, 64, 255, 256, 300)
  const filler = fc.constantFrom('x', 'é', '€', '😀', '\ufffd')
  const start = fc.constantFrom('', '\ufeff', '\u0000')
  return fc.tuple(start, filler, length).map(([first, rest, count]) => first + rest.repeat(count))
}
