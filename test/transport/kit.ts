/** What the tests of the transports share. */
import { expect } from 'vitest'

/** A small seeded generator for loops in which fast-check would be too slow; fast-check draws its seed. */
export function mulberry(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Like `toEqual`, which takes seconds for megabytes. */
export function expectFrames(actual: readonly Uint8Array[], expected: readonly Uint8Array[]): void {
  expect(actual.map((frame) => frame.length)).toEqual(expected.map((frame) => frame.length))
  const changed = actual.flatMap((frame, at) =>
    Buffer.compare(frame, expected[at]!) === 0 ? [] : [at],
  )
  expect(changed).toEqual([])
}
