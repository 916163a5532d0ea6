/** A newcomer in the place of a dead member: who owns what afterwards (HAZARDS E7, F3). */
import { describe, expect, test } from 'vitest'
import { placeOf, type RingConfiguration, type RingMember } from '../../src/ring/configuration.ts'
import {
  completed,
  hasDeparted,
  withdrawn,
  withMember,
  withoutMember,
  withReplacement,
} from '../../src/ring/configuration-change.ts'
import { checkConfiguration, fromTuple, toTuple } from '../../src/ring/configuration-check.ts'
import { rangesGained, Ring } from '../../src/ring/ring.ts'
import { configurationOf, identityOf, idShapes, memberOf, sure } from './kit.ts'

const newcomer = memberOf('heir', { stage: 'joining' })

function clusterOf(count: number, nameOf: (i: number) => string): RingConfiguration {
  const members = Array.from({ length: count }, (_, i) =>
    memberOf(nameOf(i + 1), {
      zone: ['east', 'west', 'north'][i % 3]!,
      weight: i % 4 === 0 ? 2 : 1,
    }),
  )
  return configurationOf(members)
}

function replacing(
  base: RingConfiguration,
  id: string,
  member: RingMember = newcomer,
): RingConfiguration {
  const replaced = base.members.find((member) => member.id === id)!
  return sure(withReplacement(base, { member, replaced }))
}

/** Owners of every partition, in the order of the preference list, with one name put for another. */
function lists(ring: Ring, renamed: readonly [string, string] = ['', '']): string[][] {
  const [from, to] = renamed
  return Array.from({ length: ring.partitions }, (_, partition) =>
    ring.preferenceList(partition).map((id) => (id === from ? to : id)),
  )
}

describe('a replacement', () => {
  test.each(Object.entries(idShapes))(
    'gives the newcomer exactly what the replaced one had, named %s',
    (_, nameOf) => {
      for (const count of [1, 3, 4, 7, 12]) {
        const base = clusterOf(count, nameOf)
        const before = new Ring(base)
        for (const { id } of base.members) {
          const after = new Ring(completed(replacing(base, id), ['heir']))
          expect(lists(after)).toEqual(lists(before, [id, 'heir']))
          expect(after.ownedCount('heir')).toBe(before.ownedCount(id))
        }
      }
    },
  )

  test('moves nothing but the partitions of the replaced one, to the newcomer alone', () => {
    const base = clusterOf(6, (i) => `n${i}`)
    const before = new Ring(base)
    const ranges = rangesGained(before, new Ring(replacing(base, 'n4')))
    expect(ranges.map(({ gained }) => gained)).toEqual(ranges.map(() => ['heir']))
    const owned = Array.from({ length: before.partitions }, (_, partition) => partition).filter(
      (partition) => before.owners(partition).includes('n4'),
    )
    expect(ranges.map(({ partition }) => partition)).toEqual(owned)
  })

  test('takes over weight and zone, and the replaced storage departs', () => {
    const base = clusterOf(5, (i) => `n${i}`)
    const heavy = base.members.find(({ id }) => id === 'n5')!
    const next = replacing(base, 'n5', { ...newcomer, weight: 7, zone: 'nowhere' })
    const heir = next.members.find(({ id }) => id === 'heir')!
    expect(heir).toMatchObject({ weight: heavy.weight, zone: heavy.zone, stage: 'joining' })
    expect(hasDeparted(next, heavy.store)).toBe(true)
    expect(next.members.some(({ id }) => id === 'n5')).toBe(false)
    expect([next.epoch, next.moves]).toEqual([base.epoch + 1, base.moves + 1])
    expect(checkConfiguration(next)).toEqual(next)
    expect(fromTuple(JSON.parse(JSON.stringify(toTuple(next))))).toEqual(next)
  })

  test('is a transition whose owners before are those with the replaced one', () => {
    const base = clusterOf(5, (i) => `n${i}`)
    const next = replacing(base, 'n5')
    expect(next.transition).toEqual({ before: base.members })
    const ring = new Ring(next)
    const partition = lists(new Ring(base)).findIndex((list) => list.slice(0, 3).includes('n5'))
    expect(ring.owners(partition)).toContain('n5')
    expect(ring.ownersToBe(partition)).toEqual(
      ring.owners(partition).map((id) => (id === 'n5' ? 'heir' : id)),
    )
  })

  test('waits while owners change, and holds up others itself', () => {
    const base = clusterOf(5, (i) => `n${i}`)
    const joining = sure(withMember(base, memberOf('n6')))
    const [n1, n2] = base.members
    expect(withReplacement(joining, { member: newcomer, replaced: n1! })).toBe('busy')
    const next = replacing(base, 'n1')
    const n10 = memberOf('n10')
    expect(withReplacement(next, { member: n10, replaced: n2! })).toBe('busy')
    expect(withMember(next, n10)).toBe('busy')
  })

  test.each([
    ['of a member that is unknown', newcomer, memberOf('x')],
    ['of another storage of that name', newcomer, memberOf('n1', { store: identityOf('another') })],
    ['by one whose id is taken', memberOf('n2', { store: identityOf('another') }), memberOf('n1')],
  ])('%s changes nothing', (_, member, replaced) => {
    const base = clusterOf(3, (i) => `n${i}`)
    expect(withReplacement(base, { member, replaced })).toBe(base)
  })

  test('by a storage that has departed changes nothing', () => {
    const base = withoutMember(
      clusterOf(3, (i) => `n${i}`),
      memberOf('n3'),
    )
    const member = memberOf('heir', { store: identityOf('n3') })
    expect(sure(withReplacement(base, { member, replaced: memberOf('n1') }))).toBe(base)
  })

  test('that is withdrawn is the removal of the replaced one', () => {
    const base = clusterOf(5, (i) => `n${i}`)
    const removed = withoutMember(base, memberOf('n5'))
    const back = withdrawn(replacing(base, 'n5'), newcomer)
    expect({ ...back, epoch: removed.epoch, moves: removed.moves }).toEqual(removed)
  })

  test('of one that took over before keeps the place', () => {
    const base = clusterOf(5, (i) => `n${i}`)
    const first = completed(replacing(base, 'n5'), ['heir'])
    const second = completed(replacing(first, 'heir', memberOf('n10')), [])
    expect(lists(new Ring(second))).toEqual(lists(new Ring(base), ['n5', 'n10']))
    const home = completed(replacing(second, 'n10', memberOf('n5', { store: identityOf('5') })), [])
    expect(lists(new Ring(home))).toEqual(lists(new Ring(base)))
  })
})

describe('the place of a member', () => {
  const base = completed(
    replacing(
      clusterOf(5, (i) => `n${i}`),
      'n5',
    ),
    ['heir'],
  )

  test('stays with it when its storage is lost, and when weight or zone change', () => {
    const heir = base.members.find(({ id }) => id === 'heir')!
    const wiped = sure(withMember(base, memberOf('heir', { ...heir, store: identityOf('new') })))
    expect(wiped.members.find(({ id }) => id === 'heir')).toMatchObject({ place: 'n5' })
    const { place: _place, ...plain } = heir
    const heavier = sure(withMember(base, { ...plain, weight: 3 }))
    expect(heavier.members.find(({ id }) => id === 'heir')).toMatchObject({
      place: 'n5',
      weight: 3,
    })
  })

  test('is another one for a member that comes under the id of the replaced one', () => {
    const again = memberOf('n5', { store: identityOf('new') })
    const next = completed(sure(withMember(base, again)), [])
    const places = next.members.map(placeOf)
    expect(new Set(places).size).toBe(places.length)
    expect(checkConfiguration(next)).toEqual(next)
    expect(new Ring(next).ownedCount('n5')).toBeGreaterThan(0)
  })

  test.each([
    ['two members with one place', [memberOf('a'), memberOf('b', { place: 'a' })]],
    ['a place that is empty', [memberOf('a', { place: '' })]],
    ['a place that is too long', [memberOf('a', { place: 'x'.repeat(129) })]],
  ])('%s is refused', (_, members) => {
    expect(typeof checkConfiguration(configurationOf(members))).toBe('string')
  })
})
