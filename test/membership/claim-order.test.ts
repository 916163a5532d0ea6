/** The one order of claims (SWIM §4.2; HAZARDS E2, E8, E11) and the table that merges by it. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { supersedes, type Claim, type Status } from '../../src/membership/claim.ts'
import { departedStoresMax, MemberTable } from '../../src/membership/member-table.ts'
import { claimsMax } from '../../src/membership/messages.ts'
import { Suspicion } from '../../src/membership/suspicion.ts'
import { claim, shownClaim } from './kit/claims.ts'

const statuses: readonly Status[] = ['alive', 'suspect', 'dead', 'left']

function of(status: Status, incarnation: number, parts: Partial<Claim> = {}): Claim {
  const by = status === 'suspect' ? ' by c' : ''
  return claim(`m ${status}@${incarnation}${by}`, parts)
}

/**
 * One letter for each held status: does the claim of the row, at this incarnation, replace it at
 * incarnation 5?
 */
const tableOfPairs = [
  //                    held: alive, suspect, dead, left
  { claim: 'alive', at: 4, replaces: 'no  no  no  no' },
  { claim: 'alive', at: 5, replaces: 'no  no  no  no' },
  { claim: 'alive', at: 6, replaces: 'yes yes yes no' },
  { claim: 'suspect', at: 4, replaces: 'no  no  no  no' },
  { claim: 'suspect', at: 5, replaces: 'yes no  no  no' },
  { claim: 'suspect', at: 6, replaces: 'yes yes yes no' },
  { claim: 'dead', at: 4, replaces: 'no  no  no  no' },
  { claim: 'dead', at: 5, replaces: 'yes yes no  no' },
  { claim: 'dead', at: 6, replaces: 'yes yes yes no' },
  { claim: 'left', at: 4, replaces: 'yes yes yes no' },
  { claim: 'left', at: 5, replaces: 'yes yes yes no' },
  { claim: 'left', at: 6, replaces: 'yes yes yes yes' },
] as const

const tableOfOtherStore = [
  { claim: 'alive', at: 4, replaces: 'no  no  no  no' },
  { claim: 'alive', at: 6, replaces: 'yes yes yes yes' },
  { claim: 'suspect', at: 5, replaces: 'yes tie no  no' },
  { claim: 'suspect', at: 6, replaces: 'yes yes yes yes' },
  { claim: 'dead', at: 4, replaces: 'no  no  no  no' },
  { claim: 'dead', at: 5, replaces: 'yes yes tie no' },
  { claim: 'left', at: 4, replaces: 'no  no  no  no' },
  { claim: 'left', at: 5, replaces: 'yes yes yes tie' },
  { claim: 'left', at: 6, replaces: 'yes yes yes yes' },
] as const

describe('supersedes', () => {
  test.each(tableOfPairs)('$claim@$at over the same store at 5: $replaces', (row) => {
    const verdicts = row.replaces.split(/ +/)
    for (const [index, status] of statuses.entries()) {
      expect(supersedes(of(row.claim, row.at), of(status, 5)), status).toBe(
        verdicts[index] === 'yes',
      )
    }
  })

  test.each(tableOfOtherStore)('$claim@$at over another store at 5: $replaces', (row) => {
    const verdicts = row.replaces.split(/ +/)
    for (const [index, status] of statuses.entries()) {
      const held = of(status, 5)
      const low = supersedes(of(row.claim, row.at, { store: 'a' }), held)
      const high = supersedes(of(row.claim, row.at, { store: 'z' }), held)
      const expected = { yes: [true, true], no: [false, false], tie: [false, true] }
      expect([low, high], status).toEqual(expected[verdicts[index] as 'yes' | 'no' | 'tie'])
    }
  })

  test('two boots of one id at one incarnation look the same from everywhere', () => {
    const one = of('alive', 5, { boot: 'one' })
    const two = of('alive', 5, { boot: 'two' })
    expect([supersedes(one, two), supersedes(two, one)]).toEqual([false, true])
  })

  test('a suspicion by another accuser is not another claim', () => {
    const accusers = [claim('m suspect@5 by b'), claim('m suspect@5 by c')] as const
    expect(supersedes(accusers[0], accusers[1])).toBe(false)
    expect(supersedes(accusers[1], accusers[0])).toBe(false)
  })

  test('is a strict total order where a store that left makes no other claim', () => {
    fc.assert(
      fc.property(fc.array(anyClaim, { maxLength: 12 }), (drawn) => {
        const gone = new Set(drawn.filter((c) => c.status === 'left').map((c) => c.store))
        const claims = drawn.filter((c) => c.status === 'left' || !gone.has(c.store))
        for (const a of claims) {
          for (const b of claims) {
            const same = JSON.stringify(a) === JSON.stringify(b)
            expect(Number(supersedes(a, b)) + Number(supersedes(b, a))).toBe(same ? 0 : 1)
            for (const c of claims) {
              if (supersedes(a, b) && supersedes(b, c)) expect(supersedes(a, c)).toBe(true)
            }
          }
        }
      }),
    )
  })
})

const anyClaim: fc.Arbitrary<Claim> = fc
  .record({
    status: fc.constantFrom(...statuses),
    incarnation: fc.nat(4),
    store: fc.constantFrom('s1', 's2', 's3'),
    boot: fc.constantFrom('b1', 'b2'),
  })
  .map(({ status, incarnation, ...parts }) => of(status, incarnation, parts))

function merged(claims: readonly Claim[], table = new MemberTable()): MemberTable {
  for (const each of claims) table.merge(each, fresh)
  return table
}

const fresh = {
  contactedAt: (): number => 0,
  suspicion: (): Suspicion =>
    new Suspicion({ now: 0, accuser: 'c', minMs: 1, maxMs: 1, wanted: 0 }),
}

describe('the table of members', () => {
  const histories = [
    { history: ['alive@1', 'dead@1', 'dead@10', 'alive@2'], holds: 'm dead@10' }, // HAZARDS E2
    { history: ['alive@1', 'suspect@9 by c', 'alive@2'], holds: 'm suspect@9 by c' },
    { history: ['dead@100', 'alive@1', 'alive@101'], holds: 'm alive@101' },
    { history: ['left@5', 'alive@900', 'dead@901'], holds: 'm left@5' }, // HAZARDS E8
    { history: ['alive@9', 'left@5'], holds: 'm left@5' },
    { history: ['left@5', 'left@7', 'left@6'], holds: 'm left@7' },
  ]
  test.each(histories)('after $history it holds $holds', ({ history, holds }) => {
    const table = merged(history.map((text) => claim(`m ${text}`)))
    const held = table.get('m')?.claim
    expect(held && shownClaim(held)).toBe(holds)
  })

  test('lets a new store take over an id that left, and still knows that the old one left', () => {
    const second = of('alive', 6, { store: 's2' })
    const table = merged([of('left', 5), second, of('alive', 900)])
    expect(table.get('m')?.claim).toEqual(second)
    expect(table.claims()).toEqual([second, of('left', 5)])
  })

  test('ends the same in whatever order claims come, once each was heard again', () => {
    const shuffledTwice = fc
      .array(anyClaim, { maxLength: 8 })
      .chain((claims) =>
        fc.tuple(
          fc.constant(claims),
          fc.shuffledSubarray(claims, { minLength: claims.length, maxLength: claims.length }),
        ),
      )
    fc.assert(
      fc.property(shuffledTwice, ([claims, shuffled]) => {
        const one = merged([...claims, ...claims])
        const two = merged([...shuffled, ...claims])
        expect(one.get('m')?.claim).toEqual(two.get('m')?.claim)
        expect(merged(one.claims(), two).get('m')?.claim).toEqual(one.get('m')?.claim)
      }),
    )
  })

  test('counts this node and all that have not left, whoever comes, leaves or is forgotten', () => {
    const someone = fc.constantFrom('m', 'n', 'o')
    const step = fc.oneof(
      fc.tuple(anyClaim, someone).map(([each, id]): Claim => ({ ...each, id })),
      someone,
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const table = new MemberTable()
        for (const each of steps) {
          if (typeof each === 'string') table.forget(each)
          else table.merge(each, fresh)
          const present = [...table.records()].filter((record) => record.claim.status !== 'left')
          expect(table.size).toBe(1 + present.length)
        }
      }),
    )
  })

  test('does not grow without end', () => {
    const stores = Array.from({ length: 40 }, (_, n) => of('left', n, { store: `s${n}` }))
    expect(merged(stores).claims()).toHaveLength(departedStoresMax)
    const many = Array.from({ length: claimsMax + 5 }, (_, n) => claim(`m${n} alive@1`))
    expect(merged(many).claims()).toHaveLength(claimsMax - 1)
  })

  test('probes whoever had no contact for longest, and never the dead', () => {
    const table = merged([claim('b alive@1'), claim('c alive@1'), claim('d dead@1')])
    table.contacted(10, 'b')
    table.contacted(5, 'c')
    expect(table.leastRecentlyContacted()?.claim.id).toBe('c')
    table.contacted(11, 'c')
    expect(table.leastRecentlyContacted()?.claim.id).toBe('b')
  })

  test('picks different members that fit', () => {
    const table = merged(['b', 'c', 'd', 'e'].map((id) => claim(`${id} alive@1`)))
    const picked = table.pick(3, ({ id }) => id !== 'c', Math.random)
    expect(picked.map(({ id }) => id).toSorted()).toEqual(['b', 'd', 'e'])
  })
})
