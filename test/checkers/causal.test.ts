import { describe, expect, test } from 'vitest'
import { check } from '../../src/sim/checkers/check.ts'
import { accepts, historyOf, refuses } from './kit.ts'

describe('contexts cover what was read, and nothing else', () => {
  accepts('causal', {
    'siblings that were written without knowing of each other': (tell) => {
      const before = tell.get('ann', [])
      tell.put('ann', 'a', { given: before })
      tell.put('bob', 'b', { given: before })
      tell.get('ann', ['a', 'b'])
    },
    'a read that has not heard of the newest write': (tell) => {
      const a = tell.put('ann', 'a')
      tell.put('ann', 'b', { given: a })
      tell.get('bob', ['a'])
    },
    'a read that has heard of nothing': (tell) => {
      tell.put('ann', 'a')
      tell.get('bob', [])
    },
    'a value beside a plain put that did not meet it': (tell) => {
      tell.put('ann', 'a')
      tell.put('bob', 'b')
      tell.get('ann', ['a', 'b'])
    },
    'a value beside one that was written with the null context': (tell) => {
      const a = tell.put('ann', 'a')
      tell.put('bob', 'b', { given: null })
      tell.put('ann', 'c', { given: a })
      tell.get('ann', ['b', 'c'])
    },
    'two sides of a partition that each replace the same value, and meet': (tell) => {
      const a = tell.put('ann', 'a')
      tell.put('ann', 'b', { given: a })
      tell.put('bob', 'c', { given: a })
      tell.get('ann', ['b'])
      tell.get('bob', ['c'])
      const both = tell.get('bob', ['b', 'c'])
      tell.put('bob', 'd', { given: both })
      tell.get('ann', ['d'])
    },
    'a value beside a write whose context comes from a receipt that does not cover it': (tell) => {
      tell.put('ann', 'a', { given: null })
      const b = tell.put('bob', 'b', { given: null })
      tell.put('bob', 'c', { given: b })
      tell.get('ann', ['a', 'c'])
    },
    'a value of an uncertain write that surfaces beside its successor': (tell) => {
      const before = tell.get('ann', [])
      tell.put('ann', 'a', { given: before, outcome: 'unknown' })
      tell.put('ann', 'b', { given: before })
      tell.get('ann', ['b'])
      tell.get('ann', ['a', 'b'])
    },
    'a value that is read while it is written': (tell) => {
      tell.put('ann', 'a', { from: 1, until: 9 })
      tell.get('bob', ['a'], { from: 2, until: 3 })
    },
    'an update that saw several values merged into one': (tell) => {
      tell.put('ann', 'a', { given: null })
      tell.put('bob', 'b', { given: null })
      const merged = tell.get('bob', ['a+b'], { merged: true })
      tell.put('bob', 'c', { given: merged })
      tell.get('bob', ['c'])
    },
    'a failed write that was repeated with the same value': (tell) => {
      tell.put('ann', 'a', { outcome: 'failed' })
      tell.put('ann', 'a')
      tell.get('bob', ['a'], { final: true })
    },
    'a dropped value that a plain put may have replaced first': (tell) => {
      const before = tell.get('bob', [])
      tell.put('ann', 'a', { given: before })
      const x = tell.put('ann', 'x')
      tell.put('bob', 'b', { given: x })
      tell.get('bob', ['b'], { final: true })
    },
  })

  refuses('causal', {
    'a false sibling: a value beside what replaced it after reading it': [
      (tell) => {
        tell.put('ann', 'a')
        const seen = tell.get('bob', ['a'])
        tell.put('bob', 'b', { given: seen })
        tell.get('ann', ['a', 'b'])
      },
      /^a of .* false sibling of b: session bob put b .* with a context that covers it/,
      4,
    ],
    'a false sibling: a value beside what replaced it by its receipt': [
      (tell) => {
        const a = tell.put('ann', 'a')
        tell.put('ann', 'b', { given: a })
        tell.get('ann', ['b', 'a'])
      },
      /a of .* false sibling of b/,
      3,
    ],
    'a false sibling: a value beside what replaced it through another': [
      (tell) => {
        const a = tell.put('ann', 'a')
        const b = tell.put('ann', 'b', { given: a })
        tell.put('ann', 'c', { given: b })
        tell.get('bob', ['a', 'c'])
      },
      /a of .* false sibling of c/,
      4,
    ],
    'a false sibling that an uncertain write should have replaced when it surfaced': [
      (tell) => {
        const a = tell.put('ann', 'a')
        tell.put('ann', 'b', { given: a, outcome: 'unknown' })
        tell.get('bob', ['a', 'b'])
      },
      /a of .* false sibling of b/,
      3,
    ],
    'one of two siblings that were read, left beside what replaced both': [
      (tell) => {
        tell.put('ann', 'a', { given: null })
        tell.put('bob', 'b', { given: null })
        const both = tell.get('cid', ['a', 'b'])
        tell.put('cid', 'c', { given: both })
        tell.get('cid', ['b', 'c'])
      },
      /b of .* false sibling of c/,
      4,
    ],
    'a value that nobody wrote': [
      (tell) => {
        tell.put('ann', 'a')
        tell.get('bob', ['z'])
      },
      /session bob read z .* but nobody wrote z to it/,
      1,
    ],
    'a value that was written to another key': [
      (tell) => {
        tell.put('ann', 'a', { key: 'other' })
        tell.get('bob', ['a'])
      },
      /nobody wrote a to it/,
      1,
    ],
    'a value from the future': [
      (tell) => {
        tell.get('bob', ['a'])
        tell.put('ann', 'a')
      },
      /session bob read a \(1 to 2\) .* but only later session ann put a \(3 to 4\)/,
      2,
    ],
    'a value of a write that was told to have failed': [
      (tell) => {
        tell.put('ann', 'a', { outcome: 'failed' })
        tell.get('bob', ['a'])
      },
      /was told that it had no effect: session ann put a/,
      2,
    ],
    'a value that is its own sibling': [
      (tell) => {
        tell.put('ann', 'a')
        tell.get('bob', ['a', 'a'])
      },
      /a is its own sibling/,
      2,
    ],
    'in a final read, a value that a write with a context covered': [
      (tell) => {
        const a = tell.put('ann', 'a')
        tell.delete('ann', { given: a })
        tell.get('bob', ['a'], { final: true })
      },
      /a of .* came back/,
      3,
    ],
    'in a final read, a value dropped by a write whose context does not cover it': [
      (tell) => {
        const before = tell.get('bob', [])
        tell.put('ann', 'a', { given: before })
        tell.put('bob', 'b', { given: before })
        tell.get('bob', ['b'], { final: true })
      },
      /a of .* was dropped: .* session bob put b .* with a context that does not cover it/,
      3,
    ],
  })

  test('the message of a value that nobody wrote says what a merging bucket needs', () => {
    const history = historyOf((tell) => tell.get('bob', ['z']))
    expect(check(history, 'causal').violations[0]?.message).toContain('merges')
  })
})
