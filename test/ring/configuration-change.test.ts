import { describe, expect, test } from 'vitest'
import {
  completed,
  withdrawn,
  departedMax,
  found,
  hasDeparted,
  withMember,
  withoutMember,
  withStage,
} from '../../src/ring/configuration-change.ts'
import { votersOf } from '../../src/ring/configuration.ts'
import { checkConfiguration } from '../../src/ring/configuration-check.ts'
import { configurationOf, identityOf, memberOf, sure } from './kit.ts'

const configuration = configurationOf([memberOf('b'), memberOf('d')], { epoch: 4 })
const storeOf = identityOf

describe('a change of the configuration', () => {
  test('founds a cluster with epoch 1 and one member', () => {
    const given = { cluster: identityOf('x'), partitions: 64, n: 3, member: memberOf('a') }
    const founded = found(given)
    expect(founded).toEqual({
      cluster: given.cluster,
      epoch: 1,
      partitions: 64,
      n: 3,
      members: [given.member],
      departed: [],
      moves: 0,
    })
    expect(checkConfiguration(founded)).toEqual(founded)
  })

  test.each(['a', 'c', 'e'])('puts the new member %s at its place, one epoch on', (id) => {
    const next = sure(withMember(configuration, memberOf(id)))
    expect(next.epoch).toBe(5)
    expect(next.members.map((member) => member.id)).toEqual(['b', 'd', id].toSorted())
    expect(next.departed).toEqual([])
    expect(checkConfiguration(next)).toEqual(next)
  })

  test('replaces a member whose storage is another one, and the old storage departs', () => {
    const wiped = memberOf('b', { store: identityOf('new'), stage: 'joining' })
    const next = sure(withMember(configuration, wiped))
    expect(next.epoch).toBe(5)
    expect(next.members).toEqual([wiped, memberOf('d')])
    expect(next.departed).toEqual([storeOf('b')])
  })

  test('keeps weight and zone where the storage is another one: that change is one of its own', () => {
    const zoned = configurationOf([memberOf('b', { weight: 3, zone: 'z' }), memberOf('d')])
    const next = sure(withMember(zoned, memberOf('b', { store: identityOf('new') })))
    expect(next.members[0]).toEqual(
      memberOf('b', { store: identityOf('new'), weight: 3, zone: 'z' }),
    )
    expect(next.transition).toBeUndefined()
  })

  test('changes weight and zone of a member with the same storage, and nothing departs', () => {
    const next = sure(withMember(configuration, memberOf('b', { weight: 3, zone: 'z' })))
    expect(next.members[0]).toEqual(memberOf('b', { weight: 3, zone: 'z' }))
    expect(next.departed).toEqual([])
  })

  test('moves a member to another stage', () => {
    const next = sure(withStage(configuration, memberOf('d'), 'leaving'))
    expect(next.epoch).toBe(5)
    expect(next.members).toEqual([memberOf('b'), memberOf('d', { stage: 'leaving' })])
  })

  test('removes a member, and its storage departs', () => {
    const next = withoutMember(configuration, memberOf('b'))
    expect(next.epoch).toBe(5)
    expect(next.members).toEqual([memberOf('d')])
    expect(next.departed).toEqual([storeOf('b')])
  })

  test.each(['joining', 'leaving'] as const)(
    'to %s, of another storage of the same name, changes nothing',
    (stage) => {
      const namesake = memberOf('b', { store: identityOf('another') })
      expect(sure(withStage(configuration, namesake, stage))).toBe(configuration)
    },
  )

  test('does not remove another storage of the same name', () => {
    const namesake = memberOf('b', { store: identityOf('another') })
    expect(withoutMember(configuration, namesake)).toBe(configuration)
  })

  test('that changes nothing takes no epoch', () => {
    expect(sure(withMember(configuration, memberOf('b')))).toBe(configuration)
    expect(sure(withStage(configuration, memberOf('b'), 'normal'))).toBe(configuration)
    expect(sure(withStage(configuration, memberOf('x'), 'leaving'))).toBe(configuration)
    expect(withoutMember(configuration, memberOf('x'))).toBe(configuration)
  })

  test('leaves the configuration before it as it was', () => {
    const before = structuredClone(configuration)
    sure(withMember(configuration, memberOf('a')))
    sure(withStage(configuration, memberOf('b'), 'leaving'))
    withoutMember(configuration, memberOf('b'))
    expect(configuration).toEqual(before)
  })
})

describe('a storage that has departed', () => {
  const without = withoutMember(configuration, memberOf('b'))

  test('is not let in again, under whatever id', () => {
    expect(hasDeparted(without, storeOf('b'))).toBe(true)
    expect(sure(withMember(without, memberOf('b')))).toBe(without)
    expect(sure(withMember(without, memberOf('other', { store: storeOf('b') })))).toBe(without)
  })

  test('does not keep its id from coming back with another storage', () => {
    const next = sure(
      withMember(completed(without, []), memberOf('b', { store: identityOf('new') })),
    )
    expect(next.members.map((member) => member.id)).toEqual(['b', 'd'])
  })

  test('is forgotten after 4096 others, the oldest first', () => {
    const departed = Array.from({ length: departedMax }, (_, i) => identityOf(`old ${i}`))
    const full = withoutMember({ ...configuration, departed }, memberOf('b'))
    expect(full.departed).toHaveLength(departedMax)
    expect(full.departed.at(-1)).toBe(storeOf('b'))
    expect(hasDeparted(full, departed[0]!)).toBe(false)
    expect(hasDeparted(full, departed[1]!)).toBe(true)
  })
})

describe('the vote on the next configuration', () => {
  const newcomer = memberOf('c', { stage: 'joining' })

  test('is with all members but those that are joining', () => {
    const leaving = memberOf('d', { stage: 'leaving' })
    const { members } = configurationOf([memberOf('b'), newcomer, leaving])
    expect(votersOf(configurationOf(members)).map(({ id }) => id)).toEqual(['b', 'd'])
  })

  test('is with those that are joining when everybody else is gone', () => {
    const rest = withoutMember(configurationOf([memberOf('b'), newcomer]), memberOf('b'))
    expect(votersOf(rest)).toEqual([newcomer])
  })
})

describe('a change of owners', () => {
  const three = configurationOf([memberOf('b'), memberOf('d'), memberOf('f')], { epoch: 4 })
  const newcomer = memberOf('c', { stage: 'joining' })
  const joining = sure(withMember(three, newcomer))

  test('is counted, the end of it not', () => {
    expect([three.moves, joining.moves, completed(joining, []).moves]).toEqual([0, 1, 1])
    expect(withoutMember(joining, memberOf('f')).moves).toBe(2)
    expect(withdrawn(joining, newcomer).moves).toBe(2)
    const wiped = memberOf('d', { store: identityOf('new') })
    expect(sure(withMember(three, wiped)).moves).toBe(0)
  })

  test('begins a transition that names the members before it', () => {
    expect(joining.transition).toEqual({ before: three.members })
    expect(sure(withStage(three, memberOf('d'), 'leaving')).transition?.before).toEqual(
      three.members,
    )
    expect(withoutMember(three, memberOf('d')).transition?.before).toEqual(three.members)
    const heavier = memberOf('d', { weight: 2 })
    expect(sure(withMember(three, heavier)).transition?.before).toEqual(three.members)
    expect(checkConfiguration(joining)).toEqual(joining)
  })

  test('is not what happens when another storage takes over the name: its owners stay', () => {
    const wiped = memberOf('d', { store: identityOf('new'), stage: 'joining' })
    expect(sure(withMember(three, wiped)).transition).toBeUndefined()
    const meanwhile = sure(withMember(joining, wiped))
    expect(meanwhile.transition).toEqual(joining.transition)
    expect(meanwhile.epoch).toBe(6)
  })

  test('makes others wait until it is over', () => {
    expect(withMember(joining, memberOf('e', { stage: 'joining' }))).toBe('busy')
    expect(withStage(joining, memberOf('f'), 'leaving')).toBe('busy')
    const over = completed(joining, [])
    expect(sure(withMember(over, memberOf('e'))).transition?.before).toEqual(over.members)
  })

  test('may be taken back at any time, and then nothing changes', () => {
    const leaving = sure(withStage(three, memberOf('d'), 'leaving'))
    const stays = sure(withStage(leaving, memberOf('d'), 'normal'))
    expect([stays.members, stays.transition, stays.epoch]).toEqual([three.members, undefined, 6])
    const heavier = sure(withMember(three, memberOf('d', { weight: 2 })))
    expect(withMember(heavier, memberOf('d', { weight: 3 }))).toBe('busy')
    expect(sure(withMember(heavier, memberOf('d'))).transition).toBeUndefined()
  })

  test('does not hold up a removal, which goes on from the same owners before', () => {
    const removed = withoutMember(joining, memberOf('f'))
    expect(removed.members.map(({ id }) => id)).toEqual(['b', 'c', 'd'])
    expect(removed.transition).toEqual(joining.transition)
    expect(removed.departed).toEqual([storeOf('f')])
  })

  test('is undone when its newcomer is removed, or withdraws; then it may come again', () => {
    for (const undone of [withoutMember(joining, newcomer), withdrawn(joining, newcomer)]) {
      expect(undone.members).toEqual(three.members)
      expect(undone.transition).toBeUndefined()
      expect(undone.epoch).toBe(6)
    }
    expect(withMember(withdrawn(joining, newcomer), newcomer)).not.toBe(joining)
    expect(sure(withMember(withdrawn(joining, newcomer), newcomer)).members).toContainEqual(
      newcomer,
    )
  })

  test('withdraws nobody who has a vote, and no namesake', () => {
    expect(withdrawn(three, memberOf('d'))).toBe(three)
    expect(withdrawn(joining, { id: 'c', store: identityOf('other') })).toBe(joining)
  })

  test('ends with the vote of newcomers that are there', () => {
    const over = completed(joining, ['c'])
    expect(over.transition).toBeUndefined()
    expect(over.members).toContainEqual({ ...newcomer, stage: 'normal' })
    expect(completed(joining, ['b']).members).toContainEqual(newcomer)
    expect(completed(over, ['c'])).toBe(over)
  })
})
