/** Rules of the machine that a transcript does not show well. */
import { describe, expect, test } from 'vitest'
import type { Directive } from '../../src/membership/directives.ts'
import type { MembershipMessage } from '../../src/membership/messages.ts'
import { claim, machineA } from './kit/claims.ts'

const gossip = (...claims: readonly string[]): MembershipMessage => ({
  kind: 'gossip',
  claims: claims.map((text) => claim(text)),
})

const sends = (directives: readonly Directive[]): string[] =>
  directives.flatMap((each) => (each.kind === 'send' ? [`${each.to} ${each.message.kind}`] : []))

describe('time', () => {
  test('a tick at the wanted time leaves a later one wanted', () => {
    const machine = machineA({ members: ['b', 'c'] })
    let last = -1
    for (let count = 0; count < 1000; count += 1) {
      const now = machine.nextTickAt()
      machine.tick(now)
      expect(machine.nextTickAt()).toBeGreaterThan(now)
      expect(now).toBeGreaterThan(last)
      last = now
    }
  })

  test('a tick before its time does nothing', () => {
    const machine = machineA({ members: ['b', 'c'] })
    machine.tick(0)
    const due = machine.nextTickAt()
    expect(machine.tick(due - 1)).toEqual([])
    expect(machine.nextTickAt()).toBe(due)
  })

  test('a stall voids the probe under way and is counted once', () => {
    const machine = machineA({ members: ['b'], options: { suspicionMultiplier: 1 } })
    while (sends(machine.tick(machine.nextTickAt()))[0] !== 'b ping');
    const start = machine.nextTickAt()
    machine.tick(start + 1100)
    machine.loopLag(start + 1100, 1100)
    expect(machine.member('b')?.status).toBe('alive')
    expect(machine.localHealth).toBe(2)
  })

  test('a lag reported by the driver extends suspicions by as much', () => {
    const machine = machineA({ members: ['b', 'c'] })
    machine.receive(10, 'c', gossip('b suspect@1 by c'))
    while (machine.nextTickAt() < 3900) machine.tick(machine.nextTickAt())
    machine.loopLag(3900, 2000)
    while (machine.nextTickAt() < 5900) machine.tick(machine.nextTickAt())
    expect(machine.member('b')?.status).toBe('suspect')
    while (machine.nextTickAt() <= 6010) machine.tick(machine.nextTickAt())
    expect(machine.member('b')?.status).toBe('dead')
  })

  test('a lag of no more than the probe time-out changes nothing', () => {
    const machine = machineA({ members: ['b'] })
    while (machine.nextTickAt() < 600) machine.tick(machine.nextTickAt())
    machine.loopLag(600, 500)
    expect(machine.localHealth).toBe(0)
    machine.loopLag(600, 501)
    expect(machine.localHealth).toBe(1)
  })
})

describe('refutation', () => {
  test('makes the incarnation durable before anything that carries it (HAZARDS E1)', () => {
    const machine = machineA({ members: ['b'] })
    const directives = machine.receive(5, 'b', gossip('a dead@100'))
    expect(directives[0]).toEqual({ kind: 'persist-incarnation', value: 101 })
    expect(sends(directives)).toEqual(['b gossip'])
  })

  test('a node that learns from a join reply that it is dead comes back above that', () => {
    const machine = machineA()
    const directives = machine.admit(0, [claim('b alive@1'), claim('a dead@100')])
    expect(directives).toContainEqual({ kind: 'persist-incarnation', value: 101 })
    expect(machine.self).toMatchObject({ status: 'alive', incarnation: 101 })
  })

  test('accusations of an earlier life are no sign of bad health', () => {
    const machine = machineA({ members: ['b'] })
    machine.receive(5, 'b', { kind: 'gossip', claims: [claim('a dead@9', { boot: 'old' })] })
    expect([machine.self.incarnation, machine.localHealth]).toEqual([10, 0])
  })

  test('a copied directory is noticed at the very same incarnation (HAZARDS A5)', () => {
    for (const boot of ['0', 'zzz']) {
      const machine = machineA({ members: ['b'], self: { incarnation: 6 } })
      const rival = claim('a alive@6', { boot })
      const directives = machine.receive(5, 'b', { kind: 'gossip', claims: [rival] })
      expect(directives).toContainEqual({ kind: 'duplicate', claim: rival, repeated: false })
      expect(machine.self.incarnation).toBe(7)
    }
  })

  test('the memory of an earlier boot is no double', () => {
    const machine = machineA({ members: ['b'], self: { incarnation: 6 } })
    const earlier = claim('a alive@5', { boot: 'a#0' })
    const directives = machine.receive(5, 'b', { kind: 'gossip', claims: [earlier] })
    expect(directives.map(({ kind }) => kind)).not.toContain('duplicate')
    expect(machine.self.incarnation).toBe(6)
  })

  test('no clock takes part: a member may raise its incarnation after years (HAZARDS E3)', () => {
    const machine = machineA({ members: ['b'] })
    const twoYears = 2 * 365 * 86_400_000
    machine.receive(twoYears, 'b', gossip('b alive@2'))
    machine.receive(twoYears + 1, 'b', gossip('b alive@90000000'))
    expect(machine.member('b')?.incarnation).toBe(90_000_000)
  })
})

describe('leaving', () => {
  test('a node whose own store left elsewhere says so and falls silent (HAZARDS E8)', () => {
    const machine = machineA({ members: ['b'] })
    const directives = machine.receive(5, 'b', gossip('a left@1'))
    expect(directives).toContainEqual({
      kind: 'changed',
      member: claim('a left@1'),
      previous: 'alive',
    })
    for (let count = 0; count < 20; count += 1) {
      expect(sends(machine.tick(machine.nextTickAt()))).not.toContain('b ping')
    }
  })

  test('a claim that the former owner of the id left is simply outdone', () => {
    const machine = machineA({ members: ['b'] })
    const former = claim('a left@40', { store: 'former' })
    machine.receive(5, 'b', { kind: 'gossip', claims: [former] })
    expect(machine.self).toMatchObject({ status: 'alive', incarnation: 41 })
  })

  test('what left is told on in snapshots for ever, until it is forgotten', () => {
    const machine = machineA({ members: ['b'] })
    machine.receive(5, 'b', gossip('c left@3'))
    expect(machine.claims()).toContainEqual(claim('c left@3'))
    machine.forget('c')
    expect(machine.claims().map(({ id }) => id)).toEqual(['a', 'b'])
  })
})

describe('whom to believe', () => {
  test('accusations by the dead count for nothing, their word about themselves does', () => {
    const machine = machineA({ members: ['b', 'c'] })
    machine.receive(5, 'c', gossip('b dead@1'))
    machine.receive(6, 'b', gossip('c dead@1'))
    expect(machine.member('c')?.status).toBe('alive')
    machine.receive(7, 'b', gossip('c dead@1', 'b alive@2'))
    expect([machine.member('b')?.status, machine.member('c')?.status]).toEqual(['alive', 'dead'])
  })

  test('a delayed alive claim does not resurrect what died later (HAZARDS E2)', () => {
    const machine = machineA({ members: ['b', 'c'] })
    for (const text of ['c alive@1', 'c dead@1', 'c dead@10', 'c alive@2']) {
      machine.receive(5, 'b', gossip(text))
    }
    expect(machine.member('c')).toEqual(claim('c dead@10'))
  })

  test('two nodes that swap addresses stay who they are (HAZARDS E7)', () => {
    const machine = machineA({ members: ['b', 'c'] })
    machine.receive(5, 'b', {
      kind: 'gossip',
      claims: [claim('b alive@2', { address: 'c:1' }), claim('c alive@2', { address: 'b:1' })],
    })
    expect([machine.member('b')?.address, machine.member('c')?.address]).toEqual(['c:1', 'b:1'])
    expect(machine.members()).toHaveLength(3)
  })

  test('the answer to a member that moved goes where it is now', () => {
    const machine = machineA({ members: ['b', 'c'] })
    machine.receive(5, 'c', gossip('b dead@100'))
    const moved = claim('b alive@1', { boot: 'b#2', address: 'b:2' })
    const [answer] = machine.receive(6, 'b', { kind: 'gossip', claims: [moved] })
    if (answer?.kind !== 'send') expect.fail('no answer')
    expect([answer.to, answer.address]).toEqual(['b', 'b:2'])
    expect(answer.message.claims[0]).toEqual(claim('b dead@100'))
  })

  test('a stranger gets its ack over its own connection', () => {
    const machine = machineA()
    const [answer] = machine.receive(6, 'x', { kind: 'ping', sequence: 4, claims: [] })
    expect(answer).toMatchObject({ to: 'x', address: undefined })
  })
})

test('a node that hears in an exchange that it was dead sends its claims once more', () => {
  const machine = machineA({ members: ['b'] })
  const reply = (...claims: readonly string[]): MembershipMessage => ({
    kind: 'exchange',
    reply: true,
    claims: claims.map((text) => claim(text)),
  })
  const again = { kind: 'exchange', reply: false, claims: [claim('a alive@2'), claim('b alive@1')] }
  expect(machine.receive(5, 'b', reply('a dead@1'))).toContainEqual(
    expect.objectContaining({ kind: 'send', to: 'b', message: again }),
  )
  expect(machine.receive(6, 'b', reply('a alive@2'))).toEqual([])
})

test('a refused connection, reported without end, costs one probe in an interval', () => {
  const machine = machineA({ members: ['b', 'c', 'd'] })
  let pings = 0
  for (let now = 0; now < 60_000; now += 10) {
    const directives = [...machine.unreachable(now, 'b'), ...machine.tick(now)]
    for (const each of directives) {
      if (each.kind !== 'send' || each.message.kind !== 'ping') continue
      pings += 1
      const { sequence } = each.message
      machine.receive(now, each.to, { kind: 'ack', sequence, claims: [] })
    }
  }
  expect(machine.member('b')?.status).toBe('alive')
  expect(pings).toBeLessThanOrEqual(2 * 60 + 3)
})

describe('a farewell', () => {
  const told = (directives: readonly Directive[]): string[] =>
    directives.flatMap((each) =>
      each.kind === 'send'
        ? each.message.claims.map(({ id, status }) => `${each.to}: ${id} ${status}`)
        : [],
    )

  test('tells everybody who can be reached, once', () => {
    const machine = machineA({ members: ['b', 'c', 'd'] })
    machine.receive(10, 'b', gossip('d dead@1'))
    expect(told(machine.farewell(20)).toSorted()).toEqual(['b: a dead', 'c: a dead'])
    expect(told(machine.farewell(30))).toEqual([])
  })

  test('is believed at once, passed on, and ended by the next life', () => {
    const machine = machineA({ members: ['b', 'c'] })
    machine.receive(10, 'b', gossip('b dead@1'))
    expect(machine.member('b')?.status).toBe('dead')
    machine.receive(20, 'b', gossip('b alive@1'))
    expect(machine.member('b')?.status).toBe('dead')
    machine.receive(30, 'b', gossip('b alive@2'))
    expect(machine.member('b')?.status).toBe('alive')
  })

  test('is not refuted by who said it, who still answers', () => {
    const machine = machineA({ members: ['b', 'c'] })
    machine.farewell(20)
    const { incarnation } = machine.self
    const heard = machine.receive(30, 'b', gossip(`a dead@${incarnation}`, 'a alive@9'))
    expect(heard).toEqual([])
    expect(machine.self.incarnation).toBe(incarnation)
    expect(machine.member('a')?.status).toBe('alive')
    const ping = { kind: 'ping', sequence: 1, claims: [] } as const
    expect(sends(machine.receive(40, 'b', ping))).toEqual(['b ack'])
  })
})
