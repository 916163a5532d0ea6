/**
 * Golden transcripts of the machine. Read a changed file line by line before it is committed: it is
 * the behaviour. Rewrite them with `npx vitest run test/membership/transcripts.test.ts -u`.
 */
import { expect, test } from 'vitest'
import type { MembershipMessage } from '../../src/membership/messages.ts'
import { claim } from './kit/claims.ts'
import { Transcript } from './kit/transcript.ts'

const file = (name: string): string => `transcripts/${name}.txt`

function ack(sequence: number, ...claims: readonly string[]): MembershipMessage {
  return { kind: 'ack', sequence, claims: claims.map((text) => claim(text)) }
}

function gossip(...claims: readonly string[]): MembershipMessage {
  return { kind: 'gossip', claims: claims.map((text) => claim(text)) }
}

test('a probe that is answered is the end of it', async () => {
  const t = new Transcript('a probe that is answered', ['b', 'c', 'd']).until(1000)
  t.receive(1001, t.lastTarget, ack(t.lastPing)).beliefs()
  await expect(String(t)).toMatchFileSnapshot(file('probe-answered'))
})

test('a probe is answered by way of a helper', async () => {
  const t = new Transcript('the direct ping is lost, a helper brings the ack', ['b', 'c', 'd'])
  t.until(1400)
  const target = t.lastTarget
  const helper = ['b', 'c', 'd'].find((id) => id !== target) ?? ''
  t.until(1500).receive(1503, helper, ack(t.lastPing)).until(1999).beliefs()
  await expect(String(t)).toMatchFileSnapshot(file('probe-by-helper'))
})

test('a member without any answer becomes suspect and refutes', async () => {
  const t = new Transcript('no answer: helpers, suspicion, refutation', ['b', 'c', 'd'])
  t.until(1000)
  const target = t.lastTarget
  const { lastPing: sequence } = t
  const helpers = ['b', 'c', 'd'].filter((id) => id !== target)
  t.until(1500)
  for (const helper of helpers) t.receive(1902, helper, { kind: 'nack', sequence, claims: [] })
  t.until(2000)
  t.receive(2001, target, gossip(`${target} alive@2`))
    .until(2200)
    .beliefs()
  await expect(String(t)).toMatchFileSnapshot(file('suspect-refutes'))
})

test('a helper brings the ack, or says in time that there was none', async () => {
  const t = new Transcript('a helps b to probe d, twice', ['b', 'c', 'd'])
  const request = { kind: 'ping-request', target: 'd', address: 'd:1', claims: [] } as const
  t.receive(10, 'b', { ...request, sequence: 70 }).receive(11, 'd', ack(t.lastPing))
  t.receive(20, 'b', { ...request, sequence: 71 })
    .until(500)
    .beliefs()
  await expect(String(t)).toMatchFileSnapshot(file('helper'))
})

test('a suspect that stays silent dies, the sooner the more accuse it', async () => {
  const members = ['b', 'c', 'd', 'e']
  const t = new Transcript('suspicion, two confirmations, death', members)
  t.receive(10, 'b', gossip('e suspect@1 by b'))
    .receive(20, 'b', gossip('e suspect@1 by b'))
    .receive(30, 'c', gossip('e suspect@1 by c'))
    .receive(40, 'd', gossip('e suspect@1 by d'))
  for (let at = 100; at <= 4100; at += 100) t.until(at).answerPings(at, ['b', 'c', 'd'])
  t.beliefs()
  await expect(String(t)).toMatchFileSnapshot(file('suspect-dies'))
})

test('a suspect hears of it with every message, whatever it asks', async () => {
  const t = new Transcript('the buddy rule', ['b', 'c', 'd'])
  t.receive(10, 'b', gossip('d suspect@1 by b')).until(700)
  t.receive(700, 'd', { kind: 'ping', sequence: 77, claims: [] })
    .receive(710, 'd', gossip())
    .receive(720, 'd', gossip())
    .beliefs()
  await expect(String(t)).toMatchFileSnapshot(file('buddy'))
})

test('an accused node refutes at once and makes its incarnation durable first', async () => {
  const t = new Transcript('a itself is accused', ['b', 'c', 'd'])
  t.receive(10, 'b', gossip('a suspect@1 by c'))
    .receive(20, 'c', gossip('a suspect@1 by c'))
    .receive(30, 'c', { kind: 'ping', sequence: 5, claims: [claim('a dead@9')] })
    .beliefs()
  await expect(String(t)).toMatchFileSnapshot(file('refutation'))
})

test('a node that leaves tells everybody and accuses nobody any more', async () => {
  const t = new Transcript('a leaves', ['b', 'c', 'd']).leave(10).until(2000)
  t.receive(2000, 'b', { kind: 'ping', sequence: 8, claims: [] })
    .receive(2010, 'b', gossip('a dead@1'))
    .beliefs()
  await expect(String(t)).toMatchFileSnapshot(file('leave'))
})

test('a member that left is told so when it comes back with the same store', async () => {
  const t = new Transcript('b leaves and is revived, then its id gets a new store', ['b', 'c'])
  t.receive(10, 'b', gossip('b left@1')).receive(20, 'b', gossip('b alive@7')).beliefs()
  const claims = [claim('b alive@2', { store: 'new', boot: 'b#2' })]
  t.receive(600, 'b', { kind: 'gossip', claims }).receive(610, 'c', gossip('b alive@9')).beliefs()
  await expect(String(t)).toMatchFileSnapshot(file('left-is-terminal'))
})

test('a member that restarts with an incarnation of the past is told what it has to beat', async () => {
  const t = new Transcript('restart of b with a stale incarnation', ['b', 'c'])
  t.receive(10, 'c', gossip('b dead@100'))
  const reborn = claim('b alive@1', { boot: 'b#2', address: 'b:2' })
  t.receive(500, 'b', { kind: 'gossip', claims: [reborn] })
    .receive(510, 'b', { kind: 'gossip', claims: [{ ...reborn, incarnation: 101 }] })
    .beliefs()
  await expect(String(t)).toMatchFileSnapshot(file('stale-restart'))
})

test('another boot under the own id is refuted and reported', async () => {
  const t = new Transcript('a twice', ['b', 'c'])
  const twin = (incarnation: number): MembershipMessage => ({
    kind: 'gossip',
    claims: [claim(`a alive@${incarnation}`, { boot: 'a#twin' })],
  })
  t.receive(10, 'b', twin(1)).receive(20, 'c', twin(1)).receive(30, 'b', twin(3)).beliefs()
  await expect(String(t)).toMatchFileSnapshot(file('duplicate-id'))
})

test('a stall of the own loop is held against nobody', async () => {
  const t = new Transcript('the loop of a stalls for 10 s in the middle of a probe', ['b', 'c'])
  t.receive(10, 'b', gossip('c suspect@1 by b')).until(1000)
  t.tick(11_000).receive(11_001, 'c', gossip('c alive@2')).until(11_001).beliefs()
  await expect(String(t)).toMatchFileSnapshot(file('stall'))
})

test('a refused connection brings the next probe forward, and is no verdict', async () => {
  const t = new Transcript('the transport cannot reach b', ['b', 'c', 'd'])
  t.unreachable(10, 'b').until(1000)
  t.unreachable(1010, t.lastTarget).receive(1020, 'd', ack(t.lastPing)).until(1100).beliefs()
  await expect(String(t)).toMatchFileSnapshot(file('unreachable'))
})

test('a full exchange is answered in full, and its deaths are only suspicions', async () => {
  const t = new Transcript('full exchange', ['b', 'c', 'd'])
  const claims = ['b alive@1', 'c dead@1', 'd alive@1', 'e alive@4', 'f dead@2']
  t.receive(10, 'b', {
    kind: 'exchange',
    reply: false,
    claims: claims.map((text) => claim(text)),
  }).beliefs()
  await expect(String(t)).toMatchFileSnapshot(file('exchange'))
})
