import { describe, expect, test } from 'vitest'
import { InvalidArgumentError } from '../../src/base/errors.ts'
import { bridge, halves, majoritiesRing } from '../../src/sim/index.ts'
import type { Groups } from '../../src/sim/index.ts'
import { SimLinks } from '../../src/sim/sim-links.ts'

const namesOf = (count: number): string[] => Array.from({ length: count }, (_, i) => `n${i + 1}`)

/** Whom each node hears, itself included. */
function heard(names: readonly string[], groups: Groups): string[][] {
  const links = new SimLinks()
  links.partition(groups)
  return names.map((to) => names.filter((from) => links.obstacle(from, to) === undefined))
}

test('halves hear nothing of each other', () => {
  expect(heard(namesOf(5), halves(namesOf(5))).map(String)).toEqual([
    'n1,n2,n3',
    'n1,n2,n3',
    'n1,n2,n3',
    'n4,n5',
    'n4,n5',
  ])
})

test('a bridge hears both sides, which do not hear each other', () => {
  expect(heard(namesOf(5), bridge(namesOf(5))).map(String)).toEqual([
    'n1,n2,n3,n4,n5',
    'n1,n2,n3',
    'n1,n2,n3',
    'n1,n4,n5',
    'n1,n4,n5',
  ])
})

describe('in a ring of majorities', () => {
  test.each([4, 5, 6, 7, 8, 9])('of %i each hears a majority, and no two the same', (count) => {
    const names = namesOf(count)
    const views = heard(names, majoritiesRing(names))
    const majority = Math.floor(count / 2) + 1
    for (const view of views) {
      expect(view.length).toBeGreaterThanOrEqual(majority)
      expect(view.length).toBeLessThanOrEqual(majority + 1)
      expect(view.length).toBeLessThan(count)
    }
    expect(new Set(views.map(String)).size).toBe(count)
  })

  test('of 5 each hears its neighbours', () => {
    const names = namesOf(5)
    expect(heard(names, majoritiesRing(names)).map(String)).toEqual([
      'n1,n2,n5',
      'n1,n2,n3',
      'n2,n3,n4',
      'n3,n4,n5',
      'n1,n4,n5',
    ])
  })
})

test.each([
  { shape: halves, names: ['n1'] },
  { shape: bridge, names: ['n1', 'n2'] },
  { shape: majoritiesRing, names: ['n1', 'n2', 'n3'] },
  { shape: majoritiesRing, names: ['n1', 'n2', 'n3', 'n3'] },
])('$shape.name refuses $names', ({ shape, names }) => {
  expect(() => shape(names)).toThrow(InvalidArgumentError)
})
