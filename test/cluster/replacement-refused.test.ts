/** Who may not take over a place: a mistake is told, and changes nothing (HAZARDS E7, F3). */
import { describe, expect, test } from 'vitest'
import { codeOf, crashAndSee, outcomeOf, overSeeds, seeds, until } from './kit.ts'
import {
  expectAllThere,
  fill,
  messageOf,
  quick,
  untilMembers,
  untilMoving,
  withoutN5,
  after,
} from './replacement-kit.ts'

describe('two newcomers for one dead member', () => {
  test('one takes over, and the other is told', async () => {
    await overSeeds(seeds(6), quick, async (cluster) => {
      await withoutN5(cluster)
      const outcomes = await Promise.all(
        ['n6', 'n7'].map(async (name) => {
          await cluster.sleep(cluster.random() * 300)
          return outcomeOf(cluster.add(name, { replaces: 'n5' }))
        }),
      )
      expect(outcomes.map(codeOf).toSorted()).toEqual(['ERR_INVALID_ARGUMENT', 'ok'])
      const winner = codeOf(outcomes[0]!) === 'ok' ? 'n6' : 'n7'
      await untilMembers(cluster, ['n1', 'n2', 'n3', 'n4', winner])
      await expectAllThere(cluster)
    })
  })
})

describe('a replacement is refused', () => {
  test.each([
    ['of a member that is alive', { replaces: 'n4' }, 'replaces', 'still answers'],
    ['of one that nobody knows', { replaces: 'n50' }, 'replaces', 'no member of the ring: "n50"'],
    ['of the newcomer itself', { replaces: 'n6' }, 'replaces', 'is the node itself'],
    ['in another zone', { replaces: 'n5', zone: 'moon' }, 'zone', 'is "moon", but "n5" is in ""'],
    ['with another weight', { replaces: 'n5', weight: 3 }, 'weight', 'is 3, but "n5" has 1'],
    ['of a name that is none', { replaces: '' }, 'replaces', 'must not be empty'],
  ])('%s, and nothing changes', async (_, options, argument, told) => {
    await overSeeds(seeds(1), quick, async (cluster) => {
      await withoutN5(cluster)
      const { epoch } = cluster.node('n1').ring()
      const outcome = await outcomeOf(cluster.add('n6', options))
      expect(outcome).toMatchObject({ error: { code: 'ERR_INVALID_ARGUMENT', argument } })
      expect(messageOf(outcome)).toContain(told)
      await cluster.sleep(30_000)
      expect(cluster.node('n1').ring().epoch).toBe(epoch)
    })
  })

  test('by a member that has another place already', async () => {
    await overSeeds(seeds(1), quick, async (cluster) => {
      await withoutN5(cluster)
      await crashAndSee(cluster, 'n4')
      const outcome = await outcomeOf(cluster.restart('n4', { replaces: 'n5' }))
      expect(codeOf(outcome)).toBe('ERR_INVALID_ARGUMENT')
      expect(messageOf(outcome)).toContain('"n4" is a member already')
    })
  })

  test('of a member that leaves', async () => {
    await overSeeds(seeds(1), { ...quick, storage: 'durable' }, async (cluster) => {
      await fill(cluster)
      void outcomeOf(cluster.node('n5').leave())
      await untilMoving(cluster)
      await cluster.crash('n5')
      await until(cluster, () => {
        const { moving } = cluster.node('n1').ring()
        return moving === 0 ? undefined : 'owners change'
      })
      const outcome = await outcomeOf(cluster.add('n6', { replaces: 'n5' }))
      expect(messageOf(outcome)).toContain('is leaving')
    })
  })

  test('not of one that has just died: it waits until that is known', async () => {
    await overSeeds(seeds(3), quick, async (cluster) => {
      await fill(cluster)
      await cluster.crash('n5')
      await cluster.add('n6', { replaces: 'n5' })
      await untilMembers(cluster, after)
      await expectAllThere(cluster)
    })
  })
})
