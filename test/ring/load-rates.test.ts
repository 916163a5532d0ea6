import { expect, test } from 'vitest'
import { loadRates } from '../../src/ring/load-rates.ts'
import { Ring } from '../../src/ring/ring.ts'
import { configurationOf, memberOf } from './kit.ts'

const of = (id: string, load: number, weight = 1) => ({ id, load, weight })

test.each([
  { loads: [of('a', 5), of('b', 5)], rates: { a: 1, b: 1 }, balance: 1 },
  { loads: [of('a', 3), of('b', 1)], rates: { a: 1.5, b: 0.5 }, balance: 1 / 1.5 },
  { loads: [of('a', 6, 3), of('b', 2, 1)], rates: { a: 1, b: 1 }, balance: 1 },
  { loads: [of('a', 4, 3), of('b', 4, 1)], rates: { a: 2 / 3, b: 2 }, balance: 0.5 },
  { loads: [of('a', 8), of('b', 0)], rates: { a: 2, b: 0 }, balance: 0.5 },
  { loads: [of('a', 0), of('b', 0, 2)], rates: { a: 1, b: 1 }, balance: 1 },
  { loads: [], rates: {}, balance: 1 },
])('the loads $loads have the rates $rates', ({ loads, rates, balance }) => {
  const found = loadRates(loads)
  expect(Object.keys(found.rates)).toEqual(Object.keys(rates))
  for (const [id, rate] of Object.entries(rates)) expect(found.rates[id]).toBeCloseTo(rate, 12)
  expect(found.balance).toBeCloseTo(balance, 12)
})

test('the balance of what members own is the one of the ring', () => {
  const weights = [1, 2, 0.5, 3, 1, 1]
  for (let count = 1; count <= weights.length; count++) {
    const members = weights.slice(0, count).map((weight, i) => memberOf(`m${i}`, { weight }))
    const ring = new Ring(configurationOf(members))
    const owned = members.map(({ id, weight }) => of(id, ring.ownedCount(id), weight))
    expect(loadRates(owned).balance).toBeCloseTo(ring.balance(), 12)
  }
})
