/** The handshake alone: what two ends say to each other, and what a stranger can do with it. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Handshake, NONCE_BYTES, type HandshakeStep } from '../../src/adapters/tcp-handshake.ts'
import { ProtocolError } from '../../src/base/errors.ts'

const secret = Buffer.from('a secret of the whole cluster')
const other = Buffer.from('another secret')

function connector(secrets: readonly Uint8Array[], fill = 1): Handshake {
  return new Handshake({
    role: 'connector',
    secrets,
    nonce: new Uint8Array(NONCE_BYTES).fill(fill),
  })
}

function acceptor(secrets: readonly Uint8Array[], fill = 2): Handshake {
  return new Handshake({ role: 'acceptor', secrets, nonce: new Uint8Array(NONCE_BYTES).fill(fill) })
}

function give(to: Handshake, bytes: Uint8Array | undefined): HandshakeStep {
  return to.receive(bytes ?? new Uint8Array(0), 0, bytes?.length ?? 0)
}

/** Lets both say everything; the last step of each. */
function meet(near: Handshake, far: Handshake): readonly [HandshakeStep, HandshakeStep] {
  const ends = [
    { end: near, inbox: [far.hello()], last: undefined as HandshakeStep | undefined },
    { end: far, inbox: [near.hello()], last: undefined as HandshakeStep | undefined },
  ]
  for (let turn = 0; turn < 8; turn++) {
    const [here, there] = turn % 2 === 0 ? [ends[0]!, ends[1]!] : [ends[1]!, ends[0]!]
    const bytes = here.inbox.shift()
    if (bytes === undefined || (here.last !== undefined && here.last.outcome !== 'pending'))
      continue
    here.last = give(here.end, bytes)
    if (here.last.reply !== undefined) there.inbox.push(here.last.reply)
  }
  return [ends[0]!.last!, ends[1]!.last!]
}

describe('Handshake', () => {
  test.each([
    { name: 'no secret', near: [], far: [] },
    { name: 'the same secret', near: [secret], far: [secret] },
    { name: 'a rotation, first step', near: [other, secret], far: [other] },
    { name: 'a rotation, second step', near: [secret, other], far: [other, secret] },
    { name: 'a rotation, third step', near: [secret, other], far: [secret] },
    { name: 'a rotation, third step the other way round', near: [secret], far: [secret, other] },
  ])('both ends get through with $name', ({ near, far }) => {
    const outcomes = meet(connector(near), acceptor(far)).map((step) => step.outcome)
    expect(outcomes).toEqual(['done', 'done'])
  })

  test.each([
    { name: 'none against one', near: [], far: [secret], here: /set the same/, there: /give it/ },
    { name: 'one against none', near: [secret], far: [], here: /give it/, there: /set the same/ },
  ])('$name: both ends learn the remedy', ({ near, far, here, there }) => {
    const [nearStep, farStep] = meet(connector(near), acceptor(far))
    expect(nearStep.outcome).toBe('failed')
    expect(farStep.outcome).toBe('failed')
    expect(nearStep.error).toBeInstanceOf(ProtocolError)
    expect(nearStep.error?.message).toMatch(here)
    expect(farStep.error?.message).toMatch(there)
    expect(nearStep.error?.message).toContain('tcpTransport.secret')
  })

  test.each([
    { name: 'another secret', near: [secret], far: [other] },
    { name: 'a first secret that the acceptor lacks', near: [other, secret], far: [secret] },
  ])('$name: the acceptor refuses and proves nothing, the connector never gets through', (row) => {
    const [nearStep, farStep] = meet(connector(row.near), acceptor(row.far))
    expect(nearStep.outcome).toBe('pending')
    expect(farStep.outcome).toBe('failed')
    expect(farStep.reply).toBeUndefined()
    expect(farStep.error?.message).toContain('tcpTransport.secret')
  })

  test('a connector does not go on with an acceptor that proves another secret', () => {
    const near = connector([secret])
    const impostor = acceptor([other, secret])
    const proof =
      give(impostor, near.hello()).reply ?? give(impostor, give(near, impostor.hello()).reply).reply
    const step = give(near, proof)
    expect(step.outcome).toBe('failed')
    expect(step.error?.message).toContain('tcpTransport.secret')
  })

  test('an end is not taken in by its own words sent back', () => {
    const victim = connector([secret])
    const { reply, outcome } = give(victim, victim.hello())
    expect(outcome).toBe('pending')
    expect(give(victim, reply).outcome).toBe('failed')
  })

  test('a proof of one meeting is worthless at another', () => {
    const near = connector([secret])
    const heard = give(near, acceptor([secret]).hello()).reply
    const later = acceptor([secret], 3)
    give(later, near.hello())
    expect(give(later, heard).outcome).toBe('failed')
  })

  test('neither the secret nor its mirror image is ever sent', () => {
    const near = connector([secret])
    const sent = Buffer.concat([near.hello(), give(near, acceptor([secret]).hello()).reply!])
    expect(sent.includes(secret)).toBe(false)
    expect(sent.length).toBe(8 + 32 + 32)
  })

  test('gets through byte by byte and leaves the frames behind it alone', () => {
    const near = connector([secret])
    const far = acceptor([secret])
    const proof = give(near, far.hello()).reply!
    const stream = Buffer.concat([near.hello(), proof, Buffer.from('frames')])
    let consumed = 0
    const outcomes = new Set<string>()
    for (; !outcomes.has('done'); consumed++) {
      outcomes.add(far.receive(stream, consumed, consumed + 1).outcome)
    }
    expect(stream.subarray(consumed).toString()).toBe('frames')
    const atOnce = acceptor([secret])
    expect(atOnce.receive(stream, 0, stream.length).consumed).toBe(stream.length - 6)
  })

  test.each(['GET / HTTP/1.1\r\n', '\u0016\u0003\u0001\u0000', 'coterix', '\u0015\u0003\u0003'])(
    'tells a stranger who says %j at the first wrong byte',
    (text) => {
      const step = give(acceptor([]), Buffer.from(text, 'latin1'))
      expect(step.outcome).toBe('failed')
      expect(step.error?.message).toContain('tcpTransport.tls')
    },
  )

  test('refuses another version of the protocol', () => {
    expect(give(acceptor([]), Buffer.from('coterie\u0009', 'latin1')).error?.message).toContain(
      'version',
    )
  })

  test('no random bytes get through with a secret', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), (bytes) => {
        const near = connector([secret])
        give(near, Buffer.from('coterie\u0002', 'latin1'))
        expect(give(near, bytes).outcome).toBe('failed')
      }),
    )
  })
})
