/** Bytes of the operating system, handed out of a pool. */

import { expect, test } from 'vitest'
import { systemRandom } from '../../src/adapters/system-random.ts'

test('returns as many bytes as asked, on both sides of the pool', () => {
  const random = systemRandom()
  for (const count of [0, 1, 16, 255, 256, 257, 4096, 10_000]) {
    expect(random.bytes(count)).toHaveLength(count)
  }
})

test('returns no identity of 16 bytes twice (HAZARDS A5)', () => {
  const random = systemRandom()
  const seen = new Set<string>()
  for (let count = 0; count < 100_000; count++) {
    seen.add(Buffer.from(random.bytes(16)).toString('latin1'))
  }
  expect(seen.size).toBe(100_000)
})

test('hands out bytes that it does not share', () => {
  const random = systemRandom()
  const first = random.bytes(16)
  const copy = Uint8Array.from(first)
  const second = random.bytes(16)
  second.fill(0)
  random.bytes(4096)
  expect(first).toEqual(copy)
  expect(first.buffer.byteLength).toBe(16)
})

test('draws floats in [0, 1)', () => {
  const random = systemRandom()
  for (let count = 0; count < 1000; count++) {
    const drawn = random.float()
    expect(drawn >= 0 && drawn < 1).toBe(true)
  }
})
