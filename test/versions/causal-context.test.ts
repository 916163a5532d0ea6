/** Causal contexts are sets of dots: whatever the picture of vector and isolated dots, the set is what counts. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  compareContexts,
  compareDots,
  coversContext,
  coversDot,
  emptyContext,
  joinContexts,
  withDot,
  type CausalContext,
  type Dot,
} from '../../src/versions/causal-context.ts'
import { contextOf, dotOf } from './kit.ts'

describe('a context and one dot more', () => {
  it.each([
    ['nothing', '', 'a1', 'a1'],
    ['the next write of an actor', 'a1 c2', 'a2', 'a2 c2'],
    ['the first write of an actor between others', 'a1 c2', 'b1', 'a1 b1 c2'],
    ['a write beyond a gap', 'a1', 'a3', 'a1 + a3'],
    ['a write of an actor unknown so far, not its first', 'b1', 'a2', 'b1 + a2'],
    ['the write that fills the gap', 'a1 + a3 a4 a6', 'a2', 'a4 + a6'],
    ['a write that is known', 'a3', 'a2', 'a3'],
    ['an isolated write that is known', 'a1 + a4', 'a4', 'a1 + a4'],
    ['the last counter there is', 'a4294967294', 'a4294967295', 'a4294967295'],
  ])('%s', (_, before, dot, after) => {
    expect(withDot(contextOf(before), dotOf(dot))).toEqual(contextOf(after))
  })
})

describe('two contexts compare', () => {
  it.each([
    ['', '', 'equal'],
    ['a1', '', 'after'],
    ['', 'a1', 'before'],
    ['a2', 'a1', 'after'],
    ['a2', 'b1', 'concurrent'],
    ['a1 b1', 'a1', 'after'],
    ['a1 b2', 'a2 b1', 'concurrent'],
    ['+ a2', 'a2', 'before'],
    ['+ a2', 'a1', 'concurrent'],
    ['a1 + a3', 'a3', 'before'],
    ['a1 + a3', 'a1 + a4', 'concurrent'],
    ['a4294967295', 'a4294967294', 'after'],
    ['a4294967295', 'a1', 'after'],
  ])('[%s] with [%s]: %s', (left, right, order) => {
    expect(compareContexts(contextOf(left), contextOf(right))).toBe(order)
  })
})

/** All dots that the tests use, so that a context can be counted out. */
const universe: readonly Dot[] = ['a', 'b', 'c'].flatMap((actor) =>
  [1, 2, 3, 4, 5].map((counter) => dotOf(`${actor}${counter}`)),
)

const dots: fc.Arbitrary<Dot[]> = fc.array(fc.constantFrom(...universe), { maxLength: 12 })

const contexts: fc.Arbitrary<CausalContext> = dots.map((some) => some.reduce(withDot, emptyContext))

function setOf(context: CausalContext): string[] {
  return universe.filter((dot) => coversDot(context, dot)).map((dot) => JSON.stringify(dot))
}

describe('a context', () => {
  it('contains exactly the dots that were added, in whatever order', () => {
    fc.assert(
      fc.property(dots, fc.func(fc.nat()), (some, rank) => {
        const shuffled = some.toSorted((a, b) => rank(a) - rank(b))
        const context = some.reduce(withDot, emptyContext)
        expect(setOf(context)).toEqual(
          universe.filter((dot) => some.includes(dot)).map((dot) => JSON.stringify(dot)),
        )
        expect(shuffled.reduce(withDot, emptyContext)).toEqual(context)
      }),
    )
  })

  it('has one picture for each set: sorted, no isolated dot that could melt', () => {
    fc.assert(
      fc.property(contexts, contexts, (left, right) => {
        const { vector, isolated } = joinContexts(left, right)
        expect(vector).toEqual(vector.toSorted(compareDots))
        expect(isolated).toEqual(isolated.toSorted(compareDots))
        for (const dot of isolated) {
          expect(coversDot({ vector, isolated: [] }, { ...dot, counter: dot.counter - 1 })).toBe(
            false,
          )
        }
      }),
    )
  })

  it('joins as the union of the sets, and compares as their inclusion', () => {
    fc.assert(
      fc.property(contexts, contexts, (left, right) => {
        const union = new Set([...setOf(left), ...setOf(right)])
        expect(new Set(setOf(joinContexts(left, right)))).toEqual(union)
        expect(coversContext(left, right)).toBe(union.size === setOf(left).length)
        const orders = {
          equal: 'equal',
          before: 'after',
          after: 'before',
          concurrent: 'concurrent',
        }
        expect(compareContexts(right, left)).toBe(orders[compareContexts(left, right)])
      }),
    )
  })

  it('is never changed by what is done with it', () => {
    fc.assert(
      fc.property(contexts, contexts, fc.constantFrom(...universe), (left, right, dot) => {
        const before = JSON.stringify([left, right])
        joinContexts(left, right)
        withDot(left, dot)
        expect(JSON.stringify([left, right])).toBe(before)
      }),
    )
  })
})
