/** Names of writes are never used twice, up to the last counter (HAZARDS A5, K5). */
import { describe, expect, it } from 'vitest'
import { counterMax, DotSource, ownStands } from '../../src/versions/dot-source.ts'
import { actorOf, contextOf, dotOf } from './kit.ts'

const one = 'incarnation1'
const two = 'incarnation2'

describe('a source of dots', () => {
  it('mints another actor each time, in the order of their epochs', () => {
    const dots = new DotSource(one, 254)
    const actors = Array.from({ length: 1000 }, () => dots.freshActor())
    expect(new Set(actors).size).toBe(1000)
    expect(actors).toEqual(actors.toSorted())
    expect(actors[0]).toBe(`${one}\0\0\0\u00fe`)
    expect(actors[2]).toBe(`${one}\0\0\u0001\0`)
    expect(dots.nextEpoch).toBe(1254)
  })

  it('goes on after a clean stop where it was', () => {
    const before = new DotSource(one)
    const used = before.freshActor()
    const after = new DotSource(before.incarnation, before.nextEpoch)
    expect(after.isCurrent(used)).toBe(true)
    expect(after.freshActor()).toBe(`${one}\0\0\0\u0002`)
  })

  it('disowns all it minted when it starts a new incarnation', () => {
    const dots = new DotSource(one)
    const old = dots.freshActor()
    dots.renew(two)
    expect(dots.isCurrent(old)).toBe(false)
    expect(dots.isCurrentAt(Buffer.from(`..${old}`, 'latin1'), 2)).toBe(false)
    const fresh = dots.freshActor()
    expect(fresh).toBe(`${two}\0\0\0\u0001`)
    expect(dots.isCurrentAt(Buffer.from(`..${fresh}`, 'latin1'), 2)).toBe(true)
  })

  it('mints the last epoch there is, and then refuses', () => {
    const dots = new DotSource(one, counterMax)
    expect(dots.freshActor()).toBe(`${one}\u00ff\u00ff\u00ff\u00ff`)
    expect(() => dots.freshActor()).toThrow('epochs of one incarnation are used up')
  })

  it('takes incarnations of 12 bytes only', () => {
    expect(() => new DotSource('short')).toThrow('12 bytes')
    expect(() => new DotSource(one).renew('short')).toThrow('12 bytes')
  })
})

describe('the note about the own actor', () => {
  it.each([
    ['stands while all know what this node minted', 'a3', 'a3 b2', true],
    ['falls when others know more', 'a3', 'a4', false],
    ['falls when others know a later one by itself', 'a3', 'a3 + a7', false],
    ['stands beside isolated dots of others', 'a3', 'a3 + b7', true],
    ['falls when the record knows less', 'a3', 'a2', false],
    ['stands at the last counter but one (K5)', 'a4294967294', 'a4294967294', true],
    ['falls at the last counter (K5)', 'a4294967295', 'a4294967295', false],
  ])('%s', (_, own, known, stands) => {
    expect(ownStands(dotOf(own), contextOf(known))).toBe(stands)
  })
})

describe('the next dot', () => {
  it('counts up an own actor of this incarnation, else starts a fresh one', () => {
    const dots = new DotSource(one)
    const actor = dots.freshActor()
    const own = { actor, counter: 3 }
    const known = { vector: [own], isolated: [] }
    expect(dots.nextDot(own, known)).toEqual({ actor, counter: 4 })
    expect(dots.nextDot(undefined, known)).toEqual({ actor: `${one}\0\0\0\u0002`, counter: 1 })
    dots.renew(two)
    expect(dots.nextDot(own, known)).toEqual({ actor: `${two}\0\0\0\u0001`, counter: 1 })
    const foreign = { actor: actorOf('a'), counter: 1 }
    expect(dots.nextDot(foreign, { vector: [foreign], isolated: [] }).counter).toBe(1)
  })
})
