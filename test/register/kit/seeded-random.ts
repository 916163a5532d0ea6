/** Choices that a seed decides (the generator is mulberry32). */
export interface SeededRandom {
  /** Uniform in [0, 1). */
  float(): number
  /** An integer from 0 to `limit` − 1. */
  below(limit: number): number
  pick<T>(from: readonly T[]): T
}

export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0
  const float = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number): number => Math.floor(float() * limit)
  return { float, below, pick: (from) => from[below(from.length)]! }
}
