import { describe, expect, test } from 'vitest'
import { check, type CheckResult, type Model } from '../../src/sim/checkers/check.ts'
import { historyOf, type Story } from './kit.ts'

const models: readonly Model[] = [
  'no-lost-write',
  'causal',
  'read-your-writes',
  'monotonic',
  'register',
]

describe.each(models)('a value that was written twice to a key: %s', (model) => {
  const lawful: Readonly<Record<string, Story>> = {
    'a retry after an unknown outcome': (tell) => {
      tell.put('ann', 'a', { outcome: 'unknown' })
      tell.put('ann', 'a')
      tell.get('ann', ['a'])
    },
    'an update that changes nothing': (tell) => {
      tell.put('ann', 'a')
      const seen = tell.get('ann', ['a'])
      tell.put('ann', 'a', { given: seen })
      tell.get('ann', ['a'])
    },
  }

  test.each(Object.entries(lawful))('%s leaves the key unchecked', (_, story) => {
    const { ok, violations, checked, skipped } = check(historyOf(story), model)
    expect({ ok, violations }).toEqual({ ok: true, violations: [] })
    expect(checked).toEqual({ keys: 0, reads: 0, writes: 0 })
    expect(skipped).toMatchObject([{ bucket: 'b', key: 'k' }])
    const reason = /^a was written twice: session ann put a .* Write each value once to a key/
    expect(skipped?.[0]?.reason).toMatch(reason)
  })

  test('takes away no other key', () => {
    const result = check(
      historyOf((tell) => {
        tell.put('ann', 'a', { key: 'twice' })
        tell.put('ann', 'a', { key: 'twice' })
        tell.put('ann', 'a', { key: 'once' })
        tell.get('ann', ['a'], { key: 'once' })
        tell.get('ann', [], { key: 'once' })
      }),
      model,
    )
    expect(result.skipped?.map(({ key }) => key)).toEqual(['twice'])
    expect(result.ok).toBe(model === 'causal')
  })

  test('is no repetition when the first one failed', () => {
    const retried: Story = (tell) => {
      tell.put('ann', 'a', { outcome: 'failed' })
      tell.put('ann', 'a')
    }
    const { skipped = [] } = check(historyOf(retried), model)
    expect(skipped.filter(({ reason }) => reason.includes('twice'))).toEqual([])
  })
})

describe('what was really looked at is counted', () => {
  const checkedOf = (model: Model, story: Story): CheckResult['checked'] =>
    check(historyOf(story), model).checked

  const nothing = { keys: 0, reads: 0, writes: 0 }

  test.each(models)('nothing, where nobody reads: %s', (model) => {
    expect(checkedOf(model, (tell) => tell.put('ann', 'a'))).toEqual(nothing)
  })

  test('no-lost-write: final reads, and what was acknowledged before them', () => {
    const story: Story = (tell) => {
      tell.put('ann', 'a')
      tell.get('bob', ['a'])
      tell.put('ann', 'b', { given: null })
      tell.put('ann', 'c', { outcome: 'unknown' })
      tell.get('bob', ['a', 'b'], { final: true })
      tell.put('ann', 'd', { key: 'unread' })
    }
    expect(checkedOf('no-lost-write', story)).toEqual({ keys: 1, reads: 1, writes: 2 })
  })

  test('causal: all reads, and what they show', () => {
    const story: Story = (tell) => {
      tell.put('ann', 'a')
      tell.put('ann', 'b')
      tell.get('bob', ['b'])
      tell.get('bob', [])
      tell.get('bob', [], { outcome: 'ok', merged: true })
    }
    expect(checkedOf('causal', story)).toEqual({ keys: 1, reads: 2, writes: 1 })
  })

  test('read-your-writes: reads of those who have written', () => {
    const story: Story = (tell) => {
      tell.get('ann', [])
      tell.put('ann', 'a')
      tell.get('bob', ['a'])
      tell.get('ann', ['a'])
    }
    expect(checkedOf('read-your-writes', story)).toEqual({ keys: 1, reads: 1, writes: 1 })
    expect(checkedOf('read-your-writes', (tell) => tell.get('bob', []))).toEqual(nothing)
  })

  test('monotonic: reads after others that saw something', () => {
    const story: Story = (tell) => {
      tell.get('bob', [])
      tell.put('ann', 'a')
      tell.get('bob', ['a'])
      tell.get('bob', ['a'])
      tell.get('cyd', ['a'])
    }
    expect(checkedOf('monotonic', story)).toEqual({ keys: 1, reads: 1, writes: 1 })
    const across = check(historyOf(story), 'monotonic', { across: 'sessions' }).checked
    expect(across).toEqual({ keys: 1, reads: 2, writes: 1 })
  })

  test('register: keys with one writer at a time', () => {
    const story: Story = (tell) => {
      const a = tell.put('ann', 'a')
      tell.put('ann', 'b', { given: a })
      tell.get('bob', ['b'])
      tell.put('ann', 'c', { key: 'two', from: 10, until: 20 })
      tell.put('bob', 'd', { key: 'two', from: 11, until: 19 })
      tell.get('bob', ['d'], { key: 'two' })
    }
    expect(checkedOf('register', story)).toEqual({ keys: 1, reads: 1, writes: 2 })
  })
})
