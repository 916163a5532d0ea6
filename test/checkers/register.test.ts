import { describe, expect, test } from 'vitest'
import { check } from '../../src/sim/checkers/check.ts'
import { shrink } from '../../src/sim/checkers/shrink.ts'
import { accepts, historyOf, refuses } from './kit.ts'

describe('a key with one writer at a time is one variable', () => {
  accepts('register', {
    'reads of the last write': (tell) => {
      tell.get('bob', [])
      tell.put('ann', 'a')
      tell.get('bob', ['a'])
      tell.put('ann', 'b')
      tell.get('bob', ['b'])
    },
    'reads that meet a write under way, the earlier one the old value': (tell) => {
      const a = tell.put('ann', 'a')
      tell.put('ann', 'b', { from: 10, until: 20, given: a })
      tell.get('bob', ['a'], { from: 11, until: 13 })
      tell.get('cid', ['b'], { from: 14, until: 16 })
      tell.get('bob', ['b'], { from: 17, until: 30 })
    },
    'concurrent reads that meet a write under way, in either order': (tell) => {
      const a = tell.put('ann', 'a')
      tell.put('ann', 'b', { from: 10, until: 20, given: a })
      tell.get('bob', ['b'], { from: 11, until: 16 })
      tell.get('cid', ['a'], { from: 12, until: 15 })
    },
    'another writer after the first, and nothing after a delete': (tell) => {
      tell.put('ann', 'a')
      const seen = tell.get('bob', ['a'])
      const b = tell.put('bob', 'b', { given: seen })
      tell.delete('bob', { given: b })
      tell.get('ann', [])
    },
    'a value with a time to live that goes, and reads meanwhile that find it or not': (tell) => {
      const a = tell.put('ann', 'a', { expires: true })
      tell.get('bob', ['a'], { from: 10, until: 20 })
      tell.get('cid', [], { from: 11, until: 19 })
      tell.get('bob', [])
      tell.put('ann', 'b', { given: a })
      tell.get('cid', ['b'])
    },
    'an uncertain write that surfaces late, once': (tell) => {
      const a = tell.put('ann', 'a')
      tell.put('ann', 'b', { given: a, outcome: 'unknown' })
      tell.get('bob', ['a'])
      tell.get('bob', ['b'])
      tell.get('bob', ['b'])
    },
    'an uncertain write that its successor leaves beside itself': (tell) => {
      const a = tell.put('ann', 'a')
      tell.put('ann', 'b', { given: a, outcome: 'unknown' })
      tell.put('ann', 'c', { given: a })
      tell.get('bob', ['c'])
      const both = tell.get('bob', ['b', 'c'])
      tell.put('ann', 'd', { given: both })
      tell.get('bob', ['d'])
    },
    'siblings that each write leaves, and concurrent reads that see one of them': (tell) => {
      const a = tell.put('ann', 'a')
      tell.put('ann', 'b', { from: 10, until: 20, given: a })
      tell.put('ann', 'c', { from: 30, until: 40, given: null })
      tell.get('bob', ['a', 'c'], { from: 11, until: 50 })
      tell.get('cid', ['b', 'c'])
    },
    'an uncertain delete that takes effect late': (tell) => {
      const a = tell.put('ann', 'a')
      tell.delete('ann', { given: a, until: null, outcome: 'unknown' })
      tell.get('bob', ['a'])
      tell.get('bob', [])
    },
    'a plain put that did not meet the one before': (tell) => {
      tell.put('ann', 'a')
      tell.put('ann', 'b')
      tell.get('bob', ['a', 'b'])
    },
    'concurrent reads, one of an uncertain write and one of its successor': (tell) => {
      const a = tell.put('ann', 'a')
      tell.put('ann', 'u', { given: null, outcome: 'unknown' })
      tell.put('ann', 'b', { from: 10, until: 20, given: a })
      tell.get('bob', ['a', 'u'], { from: 11, until: 18 })
      tell.get('cid', ['b'], { from: 12, until: 17 })
      tell.get('bob', ['b', 'u'])
    },
    'a read that began too early for one sibling and saw the next': (tell) => {
      tell.put('ann', 'a', { from: 10, until: 20, given: null })
      tell.put('ann', 'b', { from: 30, until: 40, given: null })
      tell.get('bob', ['b'], { from: 11, until: 50 })
      tell.get('cid', ['a', 'b'], { from: 41, until: 45 })
    },
    'a failed write in between': (tell) => {
      const a = tell.put('ann', 'a')
      tell.put('ann', 'b', { given: a, outcome: 'failed' })
      tell.get('bob', ['a'])
    },
  })

  refuses('register', {
    'a value with a time to live that comes back after it went': [
      (tell) => {
        tell.put('ann', 'a', { expires: true })
        tell.get('bob', ['a'])
        tell.get('cid', [])
        tell.get('bob', ['a'])
      },
      /"k" in bucket "b"/,
      3,
    ],
    'a stale read': [
      (tell) => {
        const a = tell.put('ann', 'a')
        tell.put('ann', 'b', { given: a })
        tell.get('bob', ['a'])
      },
      /"k" in bucket "b" does not behave like one variable: .*put a .*put b .*read a/,
      3,
    ],
    'a stale read of what was written without contexts': [
      (tell) => {
        tell.put('ann', 'a')
        tell.put('ann', 'b')
        tell.get('bob', ['a'])
      },
      /goes back in time: session ann put b .*, and then session bob read a/,
      2,
    ],
    'concurrent reads that meet two writes in different orders': [
      (tell) => {
        const a = tell.put('ann', 'a', { given: null })
        const b = tell.put('ann', 'b', { from: 10, until: 20, given: a })
        tell.put('ann', 'c', { from: 30, until: 40, given: b })
        tell.get('bob', ['a'], { from: 5, until: 50 })
        tell.get('cid', ['c'], { from: 6, until: 9 })
      },
      /no order/,
      2,
    ],
    'a read that misses the write before it': [
      (tell) => {
        tell.put('ann', 'a')
        tell.get('bob', [])
      },
      /put a .*; session bob read nothing/,
      2,
    ],
    'a new value and then the old one, while the write is under way': [
      (tell) => {
        const a = tell.put('ann', 'a')
        tell.put('ann', 'b', { from: 10, until: 20, given: a })
        tell.get('bob', ['b'], { from: 11, until: 13 })
        tell.get('cid', ['a'], { from: 14, until: 16 })
      },
      /read b .*read a/,
      4,
    ],
    'siblings, though each write was given the context of the one before': [
      (tell) => {
        const a = tell.put('ann', 'a')
        tell.put('ann', 'b', { given: a })
        tell.get('bob', ['a', 'b'])
      },
      /read a and b/,
      3,
    ],
    'a value that a write with a context took away without having seen it': [
      (tell) => {
        const before = tell.get('ann', [])
        tell.put('ann', 'a', { given: before })
        tell.put('ann', 'b', { given: before })
        tell.get('bob', ['b'])
      },
      /goes back in time: session ann put a .*, and then session bob read b/,
      2,
    ],
    'a deleted value': [
      (tell) => {
        const a = tell.put('ann', 'a')
        tell.delete('ann', { given: a })
        tell.get('bob', ['a'])
      },
      /put a .*deleted it .*read a/,
      3,
    ],
    'an uncertain write that surfaces twice': [
      (tell) => {
        const a = tell.put('ann', 'a')
        tell.put('ann', 'b', { given: a, outcome: 'unknown' })
        const seen = tell.get('bob', ['b'])
        tell.put('ann', 'c', { given: seen })
        tell.get('bob', ['c'])
        tell.get('bob', ['b'])
      },
      /put c .*read b/,
      3,
    ],
    'an uncertain write that was read and is gone': [
      (tell) => {
        const a = tell.put('ann', 'a')
        tell.put('ann', 'b', { given: a, outcome: 'unknown' })
        tell.get('bob', ['b'])
        tell.get('cid', ['a'])
      },
      /goes back in time: session bob read b/,
      3,
    ],
    'a value that nobody wrote': [
      (tell) => {
        tell.put('ann', 'a')
        tell.get('bob', ['z'])
      },
      /read z/,
      1,
    ],
  })

  test('the witness is small, however long the history', () => {
    const history = historyOf((tell) => {
      let last = tell.get('ann', [])
      for (let i = 0; i < 200; i++) {
        last = tell.put('ann', `v${i}`, { given: last })
        tell.get('bob', [`v${i}`])
        tell.get('cid', [`v${i === 150 ? 120 : i}`])
      }
    })
    const { violations } = check(history, 'register')
    expect(violations).toHaveLength(1)
    expect(violations[0]!.operations.length).toBeLessThanOrEqual(3)
    expect(violations[0]!.operations.at(-1)).toMatchObject({ session: 'cid', siblings: ['v120'] })
  })

  test('a key with several writers at a time is skipped, and told', () => {
    const history = historyOf((tell) => {
      tell.put('ann', 'a', { from: 1, until: 4 })
      tell.put('bob', 'b', { from: 2, until: 3 })
      tell.get('cid', [])
    })
    const { ok, skipped = [] } = check(history, 'register')
    expect(ok).toBe(true)
    expect(skipped).toHaveLength(1)
    expect(skipped[0]).toMatchObject({ bucket: 'b', key: 'k' })
    expect(skipped[0]!.reason).toContain('session bob put b (2 to 3)')
  })

  test('many concurrent reads are decided quickly', () => {
    const history = historyOf((tell) => {
      const a = tell.put('ann', 'a')
      tell.put('ann', 'b', { from: 10, until: 1000, given: a })
      for (let i = 0; i < 30; i++)
        tell.get(`r${i}`, [i % 2 ? 'a' : 'b'], { from: 11 + i, until: 900 })
      tell.get('late', ['a'], { from: 901, until: 999 })
    })
    expect(check(history, 'register').ok).toBe(false)
  })
})

test('shrinking keeps what the fault needs', () => {
  const items = Array.from({ length: 100 }, (_, i) => i)
  const fails = (rest: readonly number[]): boolean => rest.includes(17) && rest.includes(80)
  expect(shrink(items, fails)).toEqual([17, 80])
})
