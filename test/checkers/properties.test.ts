import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { check, type CheckOptions, type Model } from '../../src/sim/checkers/check.ts'
import { createHistory, type History } from '../../src/sim/history/history.ts'
import type { Operation } from '../../src/sim/history/operation.ts'
import { drawHistory, type Fault, type Plan } from './model-store.ts'

const seeds = fc.integer({ min: 0, max: 2 ** 31 })

const always: readonly Model[] = ['causal', 'no-lost-write']
const all: readonly Model[] = [...always, 'read-your-writes', 'monotonic', 'register']

const kinds: readonly [name: string, plan: Omit<Plan, 'seed'>, models: readonly Model[]][] = [
  ['strict, any writes', { quorums: 'strict', writers: 'all', style: 'any' }, all],
  ['strict, contexts', { quorums: 'strict', writers: 'all', style: 'contexts' }, all],
  ['strict, one writer', { quorums: 'strict', writers: 'one', style: 'any' }, all],
  ['strict, one writer, contexts', { quorums: 'strict', writers: 'one', style: 'contexts' }, all],
  ['strict, one writer, chain', { quorums: 'strict', writers: 'one', style: 'chain' }, all],
  ['weak, any writes', { quorums: 'weak', writers: 'all', style: 'any' }, always],
  ['weak, contexts', { quorums: 'weak', writers: 'all', style: 'contexts' }, always],
]

describe('there are no false alarms', () => {
  test.each(kinds)('a correct store is accepted: %s', (_, plan, models) => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const history = drawHistory({ ...plan, seed })
        for (const model of models) expect(messages(history, model)).toEqual([])
        if (!models.includes('monotonic')) return
        expect(messages(history, 'monotonic', { across: 'sessions' })).toEqual([])
      }),
      { numRuns: 200 },
    )
  })

  test('keys with one writer are really checked as registers', () => {
    const plan: Plan = { quorums: 'strict', writers: 'one', style: 'any', seed: 1 }
    const skipped = range(100).filter(
      (seed) => check(drawHistory({ ...plan, seed }), 'register').skipped,
    )
    expect(skipped).toEqual([])
  })
})

/** How often of 100 histories a fault is seen at the least. */
const faults: readonly [fault: Fault, model: Model, least: number, plan?: Partial<Plan>][] = [
  ['ignores contexts', 'causal', 95],
  ['ignores contexts', 'register', 95, { writers: 'one', style: 'chain' }],
  ['replaces more than the context', 'no-lost-write', 90],
  ['forgets everything at times', 'no-lost-write', 40],
  ['forgets everything at times', 'read-your-writes', 80],
  ['reads do not repair', 'monotonic', 15],
  ['reads ask one replica', 'read-your-writes', 60],
  ['reads ask one replica', 'register', 45, { writers: 'one', style: 'chain' }],
  ['fails after an effect', 'causal', 70],
]

describe('faults are seen', () => {
  test.each(faults)('a store that %s is refused by %s', (fault, model, least, more = {}) => {
    const plan = { quorums: 'strict', writers: 'all', style: 'contexts', fault, ...more } as const
    const options: CheckOptions = model === 'monotonic' ? { across: 'sessions' } : {}
    const seen = range(100).filter((seed) => {
      return !check(drawHistory({ ...plan, seed }), model, options).ok
    })
    expect(seen.length).toBeGreaterThanOrEqual(least)
  })

  test('a value taken away from a final read is missed', () => {
    const plan = { quorums: 'strict', writers: 'all', style: 'contexts' } as const
    const seen = range(200).filter((seed) => {
      const history = drawHistory({ ...plan, seed })
      const certain = acknowledgedValues(history)
      return refusedWhen(history, 'no-lost-write', ({ siblings = [] }) => {
        const taken = siblings.find((value) => certain.has(value))
        return taken === undefined ? undefined : siblings.filter((value) => value !== taken)
      })
    })
    expect(seen.length).toBeGreaterThanOrEqual(190)
  })

  test('a replaced value added to a final read is noticed', () => {
    const plan = { quorums: 'strict', writers: 'all', style: 'contexts' } as const
    for (const model of always) {
      const seen = range(200).filter((seed) => {
        const history = drawHistory({ ...plan, seed })
        const values = [...acknowledgedValues(history)]
        return refusedWhen(history, model, ({ key, siblings = [] }) => {
          const replaced = values.find((value) => {
            return keyOf(history, value) === key && !siblings.includes(value)
          })
          return replaced === undefined ? undefined : [...siblings, replaced]
        })
      })
      expect(seen.length).toBeGreaterThanOrEqual(190)
    }
  })

  test('every witness names the operations that it speaks of, in the order of their starts', () => {
    for (const [fault, model, , more = {}] of faults) {
      const plan = { quorums: 'strict', writers: 'all', style: 'contexts', fault, ...more } as const
      for (const seed of range(10)) {
        for (const { operations } of check(drawHistory({ ...plan, seed }), model).violations) {
          const starts = operations.map(({ start }) => start)
          expect(starts).toEqual(starts.toSorted((a, b) => a - b))
          expect(operations.some(({ kind }) => kind === 'get')).toBe(true)
          expect(operations.length).toBeLessThan(25)
        }
      }
    }
  })
})

function messages(history: History, model: Model, options: CheckOptions = {}): string[] {
  return check(history, model, options).violations.map(({ message }) => `${model}: ${message}`)
}

/** Whether the history is refused when one final read returns something else; the first that can. */
function refusedWhen(
  history: History,
  model: Model,
  change: (read: Operation) => readonly string[] | undefined,
): boolean {
  const changed = createHistory()
  let isChanged = false
  for (const operation of history.operations) {
    const siblings = operation.final && !isChanged ? change(operation) : undefined
    if (siblings !== undefined) isChanged = true
    changed.add(siblings === undefined ? operation : { ...operation, siblings })
  }
  return !isChanged || !check(changed, model).ok
}

function acknowledgedValues({ operations }: History): Set<string> {
  const puts = operations.filter(({ kind, outcome }) => kind === 'put' && outcome === 'ok')
  return new Set(puts.map(({ value = '' }) => value))
}

function keyOf({ operations }: History, value: string): string | undefined {
  return operations.find((operation) => operation.value === value)?.key
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}
