import { describe, expect, test } from 'vitest'
import { check, type Model } from '../../src/sim/checkers/check.ts'
import { createHistory, type History } from '../../src/sim/history/history.ts'
import { drawHistory } from './model-store.ts'

/** A history of many keys: one drawn history for each, with its operations at their own times. */
function large(operations: number, keys: number): History {
  const history = createHistory()
  const each = operations / keys
  for (let seed = 0; seed < keys / 2; seed++) {
    const plan = { quorums: 'strict', writers: 'one', style: 'any', seed } as const
    for (const operation of drawHistory({ ...plan, operations: each * 2 - 6 }).operations) {
      const { context } = operation
      const isLinked = typeof context === 'object' && context !== null
      history.add({
        ...operation,
        id: `${seed}:${operation.id}`,
        key: `${seed}:${operation.key}`,
        ...(isLinked && { context: { of: `${seed}:${context.of}` } }),
      })
    }
  }
  return history
}

const models: readonly Model[] = [
  'no-lost-write',
  'causal',
  'read-your-writes',
  'monotonic',
  'register',
]

describe('checks are quick', () => {
  const history = large(20_000, 50)

  // Some 20 to 120 ms on a free machine; the best of three, and a bound with room for a busy one.
  test.each(models)('%s looks at 20 000 operations of 50 keys in half a second', (model) => {
    expect(history.operations.length).toBeGreaterThan(19_500)
    const tookMs = [1, 2, 3].map(() => {
      const started = performance.now()
      expect(check(history, model, { across: 'sessions' }).violations).toEqual([])
      return performance.now() - started
    })
    expect(Math.min(...tookMs)).toBeLessThan(500)
  })
})
