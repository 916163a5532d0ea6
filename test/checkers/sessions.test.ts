import { describe } from 'vitest'
import { accepts, refuses } from './kit.ts'

describe('a session reads its own writes', () => {
  accepts('read-your-writes', {
    'a value that is there': (tell) => {
      tell.put('ann', 'a')
      tell.get('ann', ['a'])
    },
    'a value that another session replaced meanwhile': (tell) => {
      const a = tell.put('ann', 'a')
      tell.put('bob', 'b', { given: a })
      tell.get('ann', ['b'])
    },
    'a value that is missing in the read of another session': (tell) => {
      tell.put('ann', 'a')
      tell.get('bob', [])
    },
    'a write of unknown outcome that is missing': (tell) => {
      tell.put('ann', 'a', { outcome: 'unknown' })
      tell.get('ann', [])
    },
    'a read that began before the write was acknowledged': (tell) => {
      tell.put('ann', 'a', { from: 1, until: 5 })
      tell.get('ann', [], { from: 2, until: 6 })
    },
    'a value beside the own delete that did not know of it': (tell) => {
      const before = tell.get('ann', [])
      tell.put('bob', 'b', { given: null })
      tell.delete('ann', { given: before })
      tell.get('ann', ['b'])
    },
    'a value that the delete of another session may have replaced': (tell) => {
      tell.put('ann', 'a')
      tell.delete('bob')
      tell.get('ann', [])
    },
  })

  refuses('read-your-writes', {
    'a value that is missing': [
      (tell) => {
        tell.put('ann', 'a')
        tell.get('ann', [])
      },
      /session ann does not read its own write of "k" in bucket "b": session ann put a/,
      2,
    ],
    'an older value': [
      (tell) => {
        const a = tell.put('ann', 'a')
        tell.put('ann', 'b', { given: a })
        tell.get('ann', ['a'])
      },
      /does not read its own write.* put b .*read a/,
      2,
    ],
    'the value of another session that cannot have replaced the own one': [
      (tell) => {
        tell.put('bob', 'b', { given: null })
        tell.put('ann', 'a', { given: null })
        tell.get('ann', ['b'])
      },
      /does not read its own write/,
      2,
    ],
    'a value that the session has deleted': [
      (tell) => {
        tell.put('bob', 'b')
        const seen = tell.get('ann', ['b'])
        tell.delete('ann', { given: seen })
        tell.get('ann', ['b'])
      },
      /session ann still reads what it replaced .*: session ann deleted it/,
      4,
    ],
    'a value that the session has replaced, beside the new one': [
      (tell) => {
        const a = tell.put('ann', 'a')
        tell.put('ann', 'b', { given: a })
        tell.get('ann', ['a', 'b'])
      },
      /still reads what it replaced/,
      3,
    ],
    'a value that only a failed delete could have taken away': [
      (tell) => {
        tell.put('ann', 'a')
        tell.delete('bob', { outcome: 'failed' })
        tell.get('ann', [])
      },
      /does not read its own write/,
      2,
    ],
  })
})

describe('reads never go back in time', () => {
  accepts('monotonic', {
    'values that come and stay': (tell) => {
      tell.get('ann', [])
      tell.put('bob', 'b', { given: null })
      tell.get('ann', ['b'])
      tell.put('bob', 'c', { given: null })
      tell.get('ann', ['b', 'c'])
    },
    'a value that was replaced': (tell) => {
      const b = tell.put('bob', 'b')
      tell.get('ann', ['b'])
      tell.put('bob', 'c', { given: b })
      tell.get('ann', ['c'])
    },
    'a value that was deleted': (tell) => {
      const b = tell.put('bob', 'b')
      tell.get('ann', ['b'])
      tell.delete('bob', { given: b })
      tell.get('ann', [])
    },
    'concurrent reads that differ': (tell) => {
      tell.put('bob', 'b', { outcome: 'unknown' })
      tell.get('ann', ['b'], { from: 3, until: 6 })
      tell.get('ann', [], { from: 4, until: 5 })
    },
    'the reads of two sessions that differ': (tell) => {
      tell.put('bob', 'b', { outcome: 'unknown' })
      tell.get('ann', ['b'])
      tell.get('cid', [])
    },
    'a value with a time to live that goes': (tell) => {
      tell.put('bob', 'b', { expires: true })
      tell.get('ann', ['b'])
      tell.get('ann', [])
      tell.put('bob', 'c')
      tell.get('ann', ['c'])
    },
  })

  refuses('monotonic', {
    'a value that was there and is gone': [
      (tell) => {
        tell.put('bob', 'b', { outcome: 'unknown' })
        tell.get('ann', ['b'])
        tell.get('ann', [])
      },
      /goes back in time: session ann read b .*, and then session ann read nothing/,
      3,
    ],
    'a sibling that was there and is gone': [
      (tell) => {
        tell.put('bob', 'b', { given: null })
        tell.put('cid', 'c', { given: null })
        tell.get('ann', ['b', 'c'])
        tell.get('ann', ['c'])
      },
      /without b or anything that can have replaced it/,
      3,
    ],
    'an older value after its replacement, which is there too': [
      (tell) => {
        const b = tell.put('bob', 'b')
        tell.put('bob', 'c', { given: b })
        tell.get('ann', ['c'])
        tell.get('ann', ['b', 'c'])
      },
      /session ann read c .*, when b was replaced already, and then session ann read b and c/,
      4,
    ],
    'a value with a time to live that flickers': [
      (tell) => {
        tell.put('bob', 'b', { expires: true })
        tell.get('ann', ['b'])
        tell.get('ann', [])
        tell.get('ann', ['b'])
      },
      /goes back in time: session ann read nothing .*, when b was gone already, and then/,
      4,
    ],
    'a deleted value that comes back': [
      (tell) => {
        const b = tell.put('bob', 'b')
        tell.get('ann', ['b'])
        tell.delete('bob', { given: b })
        tell.get('ann', [])
        tell.get('ann', ['b'])
      },
      /session ann read nothing .*, when b was replaced already/,
      4,
    ],
    'a sibling that comes back after it was replaced': [
      (tell) => {
        tell.put('bob', 'a')
        tell.get('ann', ['a'])
        tell.put('bob', 'b')
        tell.get('ann', ['b'])
        tell.get('ann', ['a', 'b'])
      },
      /when a was replaced already/,
      4,
    ],
  })

  const seen = 'what one session has seen, another misses later'
  refuses(
    'monotonic',
    {
      [seen]: [
        (tell) => {
          tell.put('bob', 'b', { outcome: 'unknown' })
          tell.get('ann', ['b'])
          tell.get('cid', [])
        },
        /session ann read b .*, and then session cid read nothing/,
        3,
      ],
    },
    { across: 'sessions' },
  )
  accepts(
    'monotonic',
    {
      'concurrent reads of two sessions that differ': (tell) => {
        tell.put('bob', 'b', { outcome: 'unknown' })
        tell.get('ann', ['b'], { from: 3, until: 6 })
        tell.get('cid', [], { from: 4, until: 5 })
      },
    },
    { across: 'sessions' },
  )
})
