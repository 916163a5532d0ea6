/** Rounds of measurements of which some fail, and what becomes of the others. */
import { describe, expect, test } from 'vitest'
import { DisturbedError, errorOf, toldOf } from '../../bench/disturbed.ts'
import { preload } from '../../bench/preload.ts'
import { failuresOf, figuresOf, measureRounds, ratiosOf } from '../../bench/rounds.ts'

const rate = (opsPerSecond: number): { figures: { opsPerSecond: number } } => ({
  figures: { opsPerSecond },
})

/** A measure that gives these in turn, or fails with them. */
function giving(...given: readonly (number | Error)[]): () => Promise<number> {
  const left = [...given]
  return () => {
    const next = left.shift()
    if (next === undefined) throw new Error('measured too often')
    return typeof next === 'number' ? Promise.resolve(next) : Promise.reject(next)
  }
}

describe('rounds', () => {
  test('go on after a measurement that failed', async () => {
    const rounds: number[] = []
    const row = [giving(1, new Error('gone'), 3), giving(4, 5, 6)]
    const outcomes = await measureRounds([row, [giving(7, 8, 9)]], 3, (round) => rounds.push(round))
    expect(outcomes).toEqual([
      [
        [{ figures: 1 }, { failure: 'gone' }, { figures: 3 }],
        [{ figures: 4 }, { figures: 5 }, { figures: 6 }],
      ],
      [[{ figures: 7 }, { figures: 8 }, { figures: 9 }]],
    ])
    expect(rounds).toEqual([1, 2, 3])
  })

  test('measure again what the machine disturbed, three times in all, and nothing else', async () => {
    const busy = new DisturbedError('busy')
    const row = [giving(busy, busy, 1), giving(busy, busy, busy), giving(new Error('wrong'), 2)]
    expect(await measureRounds([row], 1, () => undefined)).toEqual([
      [[{ figures: 1 }], [{ failure: 'busy' }], [{ failure: 'wrong' }]],
    ])
  })

  test('take each from the one before, so that both see the same noise', async () => {
    const order: string[] = []
    const named = (name: string) => (): Promise<number> => Promise.resolve(order.push(name))
    const rows = [[named('a'), named('b')], [named('c')]]
    await measureRounds(rows, 2, () => undefined)
    expect(order.join('')).toBe('abcabc')
  })

  test('tell figures and reasons apart, each reason once', () => {
    const outcomes = [rate(1), { failure: 'x' }, { failure: 'y' }, { failure: 'x' }]
    expect(figuresOf(outcomes)).toEqual([{ opsPerSecond: 1 }])
    expect(failuresOf(outcomes)).toEqual(['x (2 times)', 'y'])
  })

  test('have a ratio where both were measured', () => {
    const failed = { failure: 'x' }
    expect(
      ratiosOf([rate(2), failed, rate(6), rate(8)], [rate(1), rate(1), failed, rate(2)]),
    ).toEqual([2, 4])
    expect(ratiosOf([rate(2)], [])).toEqual([])
  })
})

test('an error keeps on its way between processes whether it may be tried again', () => {
  for (const error of [new DisturbedError('busy'), new Error('wrong')]) {
    const there = errorOf(structuredClone(toldOf(error)))
    expect(there).toEqual(error)
    expect(there instanceof DisturbedError).toBe(error instanceof DisturbedError)
  }
})

test.each([
  { valueBytes: 100, keyCount: 1200, atOnce: 500 },
  { valueBytes: 16_384, keyCount: 200, atOnce: 64 },
  { valueBytes: 2 ** 21, keyCount: 3, atOnce: 1 },
])('$keyCount keys of $valueBytes B are written once, $atOnce at a time', async (given) => {
  const keys = Array.from({ length: given.keyCount }, (_, i) => `k${i}`)
  const written: string[] = []
  let open = 0
  let most = 0
  await preload({ keys, value: new Uint8Array(given.valueBytes) }, async (key) => {
    written.push(key)
    most = Math.max(most, ++open)
    await Promise.resolve()
    open -= 1
  })
  expect(written).toEqual(keys)
  expect(most).toBe(given.atOnce)
})
