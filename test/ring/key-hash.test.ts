import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hashKey, partitionOf } from '../../src/ring/key-hash.ts'

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('the hash of keys', () => {
  test.each([
    ['', 0],
    ['hello', 0x248bfa47],
    ['hello, world', 0x149bbb7f],
    ['The quick brown fox jumps over the lazy dog', 0x2e4ff723],
  ])('is MurmurHash3 x86 32 of the bytes: %j', (text, hash) => {
    expect(hashKey(encode(text))).toBe(hash)
  })

  test('is an unsigned 32-bit number for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const hash = hashKey(bytes)
        expect(Number.isInteger(hash) && hash >= 0 && hash < 2 ** 32).toBe(true)
      }),
    )
  })
})

describe('the partition of a hash', () => {
  test.each([
    [0, 1, 0],
    [0xffffffff, 1, 0],
    [0x7fffffff, 2, 0],
    [0x80000000, 2, 1],
    [0xffffffff, 2, 1],
    [0x003fffff, 1024, 0],
    [0x00400000, 1024, 1],
    [0xffffffff, 1024, 1023],
    [0x0000ffff, 65_536, 0],
    [0x00010000, 65_536, 1],
    [0xffffffff, 65_536, 65_535],
  ])('of %i in %i partitions is %i', (hash, partitions, partition) => {
    expect(partitionOf(hash, partitions)).toBe(partition)
  })

  test('is the one whose range of the ring the hash lies in', () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), fc.nat(16), (hash, bits) => {
        const partitions = 2 ** bits
        expect(partitionOf(hash, partitions)).toBe(Math.floor(hash / (2 ** 32 / partitions)))
      }),
    )
  })
})
