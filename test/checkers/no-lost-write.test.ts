import { describe, expect, test } from 'vitest'
import { check } from '../../src/sim/checkers/check.ts'
import { accepts, historyOf, refuses } from './kit.ts'

describe('acknowledged writes survive', () => {
  accepts('no-lost-write', {
    'a value that is read in the end': (tell) => {
      tell.put('ann', 'a')
      tell.get('bob', ['a'])
    },
    'concurrent values that are both there in the end': (tell) => {
      tell.put('ann', 'a', { from: 1, until: 4, given: null })
      tell.put('bob', 'b', { from: 2, until: 3, given: null })
      tell.get('bob', ['a', 'b'])
    },
    'a value that was replaced by a write with its receipt': (tell) => {
      const a = tell.put('ann', 'a')
      tell.put('ann', 'b', { given: a })
      tell.get('bob', ['b'])
    },
    'a value that was replaced through others, the last of which is there': (tell) => {
      const a = tell.put('ann', 'a', { given: null })
      const b = tell.put('bob', 'b', { given: a })
      const seen = tell.get('cid', ['b'])
      tell.put('cid', 'c', { given: seen })
      tell.put('bob', 'x', { given: b, outcome: 'failed' })
      tell.get('bob', ['c'])
    },
    'a value that a plain put may have replaced': (tell) => {
      tell.put('ann', 'a')
      tell.put('bob', 'b')
      tell.get('bob', ['b'])
    },
    'a value that a plain put under way at the same time may have replaced': (tell) => {
      tell.put('bob', 'b', { from: 1, until: 9 })
      tell.put('ann', 'a', { from: 2, until: 3 })
      tell.get('bob', ['b'])
    },
    'a value that was deleted after it was read': (tell) => {
      tell.put('ann', 'a')
      const seen = tell.get('bob', ['a'])
      tell.delete('bob', { given: seen })
      tell.get('bob', [])
    },
    'a value that a delete of unknown outcome may have replaced at last': (tell) => {
      const a = tell.put('ann', 'a')
      tell.delete('ann', { given: a, outcome: 'unknown' })
      tell.get('bob', [])
    },
    'a value that a write of unknown outcome has replaced': (tell) => {
      const a = tell.put('ann', 'a')
      tell.put('ann', 'b', { given: a, outcome: 'unknown' })
      tell.get('bob', ['b'])
    },
    'a value that a plain write may have replaced that never ended and surfaced late': (tell) => {
      tell.put('eve', 'late', { until: null, outcome: 'unknown' })
      tell.put('ann', 'a')
      tell.get('bob', ['late'])
    },
    'a value that is missing because a context from elsewhere may cover it': (tell) => {
      tell.put('ann', 'a')
      tell.put('bob', 'b', { given: 'unrecorded' })
      tell.get('bob', ['b'])
    },
    'a value that was replaced by a write whose read contained an invisible delete': (tell) => {
      tell.put('ann', 'a')
      tell.delete('bob')
      const nothing = tell.get('bob', [])
      tell.put('bob', 'b', { given: nothing })
      tell.get('bob', ['b'])
    },
    'writes of unknown outcome and failed ones that are not there': (tell) => {
      tell.put('ann', 'a', { outcome: 'unknown' })
      tell.put('ann', 'b', { outcome: 'failed' })
      tell.get('bob', [])
    },
    'a value whose time to live is over': (tell) => {
      tell.put('ann', 'a', { expires: true })
      tell.get('bob', [])
    },
    'a value that a read missed before all was settled': (tell) => {
      tell.put('ann', 'a')
      tell.get('bob', [])
      tell.get('bob', ['a'])
    },
    'a value that a read missed that is not marked as final, when others are': (tell) => {
      tell.put('ann', 'a')
      tell.get('bob', ['a'], { final: true })
      tell.get('bob', [])
    },
  })

  refuses('no-lost-write', {
    'a value that is gone': [
      (tell) => {
        tell.put('ann', 'a')
        tell.get('bob', [])
      },
      /^a of "k" in bucket "b" is lost: session ann put a \(1 to 2\), session bob read nothing/,
      2,
    ],
    'a value that a write with an older context removed': [
      (tell) => {
        const before = tell.get('bob', [])
        tell.put('ann', 'a', { given: before })
        tell.put('bob', 'b', { given: before })
        tell.get('bob', ['b'])
      },
      /a of .* is lost.* nothing that is contained in b can have replaced it/,
      3,
    ],
    'a value that a null context removed': [
      (tell) => {
        tell.put('ann', 'a')
        tell.put('bob', 'b', { given: null })
        tell.get('bob', ['b'])
      },
      /a of .* is lost/,
      3,
    ],
    'a value written after the plain put that is left had been acknowledged': [
      (tell) => {
        tell.put('bob', 'b')
        tell.put('ann', 'a')
        tell.get('bob', ['b'])
      },
      /a of .* is lost/,
      3,
    ],
    'a value beside which only a sibling was replaced': [
      (tell) => {
        tell.put('ann', 'a', { given: null })
        const b = tell.put('bob', 'b', { given: null })
        tell.put('bob', 'c', { given: b })
        tell.get('bob', ['c'])
      },
      /a of .* is lost/,
      3,
    ],
    'a value beside which only a sibling was deleted': [
      (tell) => {
        tell.put('ann', 'a', { given: null })
        const b = tell.put('bob', 'b', { given: null })
        tell.delete('bob', { given: b })
        tell.get('bob', [])
      },
      /a of .* is lost/,
      2,
    ],
    'a value that only a failed write could have replaced': [
      (tell) => {
        const a = tell.put('ann', 'a')
        tell.delete('ann', { given: a, outcome: 'failed' })
        tell.get('bob', [])
      },
      /a of .* is lost/,
      2,
    ],
    'a replaced value that is there again in place of its replacement, a tombstone': [
      (tell) => {
        const a = tell.put('ann', 'a', { given: null })
        tell.put('bob', 'b', { given: null })
        tell.delete('ann', { given: a })
        tell.get('bob', ['a', 'b'])
      },
      /a of .* came back/,
      3,
    ],
    'a value whose replacement is gone, as one fault': [
      (tell) => {
        const a = tell.put('ann', 'a')
        tell.put('ann', 'b', { given: a })
        tell.get('bob', ['a'])
      },
      /b of .* is lost/,
      3,
    ],
    'a value that was read in between and is gone in a read marked as final': [
      (tell) => {
        tell.put('ann', 'a')
        tell.get('bob', ['a'])
        tell.get('bob', [], { final: true })
        tell.put('ann', 'b')
      },
      /a of .* is lost/,
      2,
    ],
    'a value that began after the read whose context the replacement was given': [
      (tell) => {
        tell.put('eve', 'slow', { from: 1, until: 20 })
        const seen = tell.get('bob', ['slow'], { from: 2, until: 3 })
        tell.put('ann', 'a', { from: 5, until: 6, given: null })
        tell.put('bob', 'b', { from: 7, until: 8, given: seen })
        tell.get('cid', ['b'], { from: 30 })
      },
      /a of .* is lost/,
      3,
    ],
    'a deleted value that came back': [
      (tell) => {
        tell.put('ann', 'a')
        const seen = tell.get('bob', ['a'])
        tell.delete('bob', { given: seen })
        tell.get('cid', ['a'])
      },
      /a of .* came back: session bob deleted it \(5 to 6\) with a context that covers it/,
      4,
    ],
    'a value that came back, replaced through others': [
      (tell) => {
        const a = tell.put('ann', 'a')
        const b = tell.put('ann', 'b', { given: a })
        tell.delete('ann', { given: b })
        tell.get('cid', ['a'])
      },
      /a of .* came back: session ann put b .* covers it/,
      3,
    ],
  })

  test('a lost value is reported once, however many reads miss it', () => {
    const history = historyOf((tell) => {
      tell.put('ann', 'a')
      for (let i = 0; i < 5; i++) tell.get('bob', [], { final: true })
    })
    expect(check(history, 'no-lost-write').violations).toHaveLength(1)
  })

  test('a key without a final read is told to be skipped', () => {
    const history = historyOf((tell) => {
      tell.get('bob', [])
      tell.put('ann', 'a')
    })
    const result = check(history, 'no-lost-write')
    expect(result).toMatchObject({ ok: true, skipped: [{ bucket: 'b', key: 'k' }] })
  })
})
