import { describe, expect, test } from 'vitest'
import { InvalidArgumentError } from '../../src/base/errors.ts'
import { check, type Model } from '../../src/sim/checkers/check.ts'
import { createHistory } from '../../src/sim/history/history.ts'
import type { NewOperation } from '../../src/sim/history/operation.ts'
import { historyOf, Teller, type Story } from './kit.ts'

const put: NewOperation = {
  session: 1,
  bucket: 'b',
  key: 'k',
  kind: 'put',
  value: 'a',
  start: 1,
  end: 2,
  outcome: 'ok',
}

const wrongAlone: readonly [what: string, wrong: Partial<Record<keyof NewOperation, unknown>>][] = [
  ['an end before its start', { end: 0 }],
  ['ok, but without an end', { end: undefined }],
  ['a start that is no number', { start: Number.NaN }],
  ['a put without a value', { value: undefined }],
  ['a delete with a value', { kind: 'delete' }],
  ['an unknown kind', { kind: 'patch' }],
  ['an unknown outcome', { outcome: 'maybe' }],
  ['a put with siblings', { siblings: ['a'] }],
  ['a context that is none', { context: 'abc' }],
  ['no key', { key: undefined }],
]

const wrongTogether: Readonly<Record<string, readonly [Story, RegExp]>> = {
  'a context from another key': [
    (tell) => {
      const other = tell.put('ann', 'a', { key: 'other' })
      tell.put('bob', 'b', { given: other })
    },
    /with the context of another key: session ann put a \(1 to 2\) in "other"/,
  ],
  'a context of an operation that gave none': [
    (tell) => {
      const uncertain = tell.put('ann', 'a', { outcome: 'unknown' })
      tell.put('bob', 'b', { given: uncertain })
    },
    /an operation that gave none: session ann put a \(1 to 2, outcome unknown\)/,
  ],
  'a context of an operation that had not ended': [
    (tell) => {
      const late = tell.put('ann', 'a', { from: 1, until: 9 })
      tell.put('bob', 'b', { given: late, from: 5, until: 6 })
    },
    /an operation that had not ended/,
  ],
  'a context of an operation that is not there': [
    (tell) => {
      const elsewhere = new Teller().put('ann', 'z')
      tell.put('bob', 'b', { given: { ...elsewhere, id: 77 } })
    },
    /an operation that is not in the history/,
  ],
}

describe('malformed histories are refused', () => {
  test.each(wrongAlone)('when it is added: an operation with %s', (_, wrong) => {
    const operation = { ...put, ...wrong } as NewOperation
    expect(() => createHistory().add(operation)).toThrow(InvalidArgumentError)
  })

  test.each(Object.entries(wrongTogether))('when it is checked: %s', (_, [story, message]) => {
    const history = historyOf(story)
    for (const model of ['no-lost-write', 'register'] as const) {
      expect(() => check(history, model)).toThrow(message)
      expect(() => check(history, model)).toThrow(InvalidArgumentError)
    }
  })

  test('an id that is taken is refused, and free numbers are found', () => {
    const history = createHistory()
    history.add({ ...put, id: 1 })
    expect(history.add({ ...put, value: 'b' }).id).toBe(2)
    expect(() => history.add({ ...put, id: 2 })).toThrow(InvalidArgumentError)
  })

  test('a model and an option that do not exist are refused', () => {
    expect(() => check(createHistory(), 'serializable' as Model)).toThrow(/must be one of no-lost/)
    const across = { across: 'all' as 'session' }
    expect(() => check(createHistory(), 'monotonic', across)).toThrow(InvalidArgumentError)
  })
})

describe('histories are plain data', () => {
  test('one that went through JSON is judged alike', () => {
    const story: Story = (tell) => {
      const a = tell.put('ann', 'a')
      tell.put('ann', 'b', { given: a })
      tell.get('bob', ['a', 'b'])
    }
    const history = historyOf(story)
    const copy = createHistory()
    for (const operation of JSON.parse(JSON.stringify(history)) as NewOperation[]) {
      copy.add(operation)
    }
    expect(check(copy, 'causal')).toEqual(check(history, 'causal'))
    expect(check(copy, 'causal').ok).toBe(false)
  })

  test('an empty history keeps every promise', () => {
    const checked = { keys: 0, reads: 0, writes: 0 }
    expect(check(createHistory(), 'causal')).toEqual({ ok: true, violations: [], checked })
  })
})
