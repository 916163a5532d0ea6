/**
 * The bytes of `msgpackCodec`: MessagePack
 * (https://github.com/msgpack/msgpack/blob/master/spec.md), with extensions for the JavaScript
 * values that it has no form for. The payload of the container extensions is MessagePack again.
 *
 *     number        int 8 to 32 bits where it fits exactly, else float 64 (so −0 and NaN stay)
 *     bigint        int 64 or uint 64, else extension 'B': sign byte, magnitude (big-endian)
 *     string        str, well-formed UTF-8
 *     Uint8Array    bin                             Buffer             extension 'b': the bytes
 *     array         array                           plain object       map with string keys
 *     Map           extension 'm': a map            null prototype     extension 'o': as plain
 *     Set           extension 's': an array         undefined          extension 0, one zero byte
 *     Date          extension −1, timestamp 96      invalid Date       extension −1, one byte 0xff
 */

/** First bytes of the forms of MessagePack. */
export const token = {
  fixMap: 0x80,
  fixArray: 0x90,
  fixString: 0xa0,
  nil: 0xc0,
  false: 0xc2,
  true: 0xc3,
  bin8: 0xc4,
  bin16: 0xc5,
  bin32: 0xc6,
  ext8: 0xc7,
  ext32: 0xc9,
  float64: 0xcb,
  uint8: 0xcc,
  uint16: 0xcd,
  uint32: 0xce,
  uint64: 0xcf,
  int8: 0xd0,
  int16: 0xd1,
  int32: 0xd2,
  int64: 0xd3,
  fixExt1: 0xd4,
  string8: 0xd9,
  string16: 0xda,
  string32: 0xdb,
  array16: 0xdc,
  array32: 0xdd,
  map16: 0xde,
  map32: 0xdf,
  negativeFixInt: 0xe0,
} as const

/** Types of the extensions. */
export const extension = {
  undefined: 0,
  bigint: 0x42,
  buffer: 0x62,
  map: 0x6d,
  nullPrototype: 0x6f,
  set: 0x73,
  date: 0xff,
} as const

/** The one payload byte of an invalid date. */
export const invalidDate = 0xff

/**
 * The longest encoded value, in bytes. Far above any sensible value: below it, every text and every
 * bigint that the bytes can declare is one that the engine can make.
 */
export const encodedBytesMax: number = 2 ** 27
