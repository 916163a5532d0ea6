/** One connection: nothing but a sound greeting gets in, and nothing is read after it failed. */
import { describe, expect, test } from 'vitest'
import type { StoreError } from '../../src/base/errors.ts'
import { frameType } from '../../src/rpc/frame.ts'
import { packGreeting, RefusedError, refusalReasons } from '../../src/rpc/handshake.ts'
import { pack } from '../../src/rpc/pack.ts'
import type { AnswerFrame } from '../../src/rpc/pending-calls.ts'
import { Session } from '../../src/rpc/session.ts'
import {
  allTypes,
  deliver,
  frameOf,
  greeting,
  greetingFrame,
  Host,
  HandClock,
  Wire,
} from './kit.ts'

class Owner {
  readonly heard: string[] = []
  error: StoreError | undefined

  opened(): void {
    this.heard.push('opened')
  }

  answered(id: number, { type }: AnswerFrame): void {
    this.heard.push(`answer ${type} to ${id}`)
  }

  ended(_session: Session, error: StoreError, opened: boolean): void {
    this.error = error
    this.heard.push(opened ? 'ended' : 'failed')
  }
}

function accepted(provenNames?: readonly string[]): { host: Host; session: Session; wire: Wire } {
  const host = new Host()
  const wire = new Wire('there', provenNames)
  const session = new Session(host)
  session.attach(wire)
  session.open()
  return { host, session, wire }
}

function dialled(expected: string | undefined = 'them', names?: readonly string[]) {
  const host = new Host()
  const owner = new Owner()
  const wire = new Wire('there', names)
  const session = new Session(host, { lane: 'data', expected, owner })
  session.attach(wire)
  session.open()
  return { host, session, wire, owner }
}

const hello = greetingFrame(frameType.hello)
const welcome = greetingFrame(frameType.welcome)

test('greets when it dialled, opens on a welcome, and carries answers to its owner', () => {
  const { host, session, wire, owner } = dialled()
  expect(wire.types).toEqual([frameType.hello])
  expect(session.isOpen).toBe(false)
  deliver(session, welcome)
  expect(host.heard).toEqual(['opened them data'])
  deliver(session, frameOf(frameType.stored, undefined, 7))
  expect(owner.heard).toEqual(['opened', `answer ${frameType.stored} to 7`])
  expect(host.clock.pending).toBe(0)
})

test('answers a hello with a welcome when it was accepted, and takes requests, casts and answers', () => {
  const { host, session, wire } = accepted()
  deliver(session, greetingFrame(frameType.hello, { lane: 'control' }))
  expect(wire.types).toEqual([frameType.welcome])
  for (const type of [frameType.put, frameType.get, frameType.call]) deliver(session, frameOf(type))
  deliver(session, frameOf(frameType.cast, pack(['news'])))
  deliver(session, frameOf(frameType.record))
  const requests = [frameType.put, frameType.get, frameType.call].map((type) => `request ${type}`)
  expect(host.heard).toEqual(['opened them control', ...requests, 'cast news'])
  expect(wire.isClosed).toBe(false)
})

test('says its greeting again when none came back, and welcomes twice', () => {
  const { host, wire } = dialled()
  host.clock.pass(1_200)
  expect(wire.types).toEqual([frameType.hello, frameType.hello, frameType.hello])
  const other = accepted()
  deliver(other.session, hello)
  deliver(other.session, hello)
  expect(other.wire.types).toEqual([frameType.welcome, frameType.welcome])
  expect(other.host.heard).toEqual(['opened them data'])
})

describe('before a greeting', () => {
  test.each(allTypes.filter((type) => type !== frameType.hello))(
    'a frame of type %i ends an accepted connection and reaches nobody',
    (type) => {
      const { host, session, wire } = accepted()
      deliver(session, frameOf(type, pack(['news'])))
      expect(wire.isClosed).toBe(true)
      deliver(session, hello)
      expect(host.heard).toEqual([])
      expect(wire.sent).toEqual([])
    },
  )

  const neither: readonly number[] = [frameType.welcome, frameType.refused]
  test.each(allTypes.filter((type) => !neither.includes(type)))(
    'a frame of type %i ends a dialled connection and reaches nobody',
    (type) => {
      const { host, session, wire, owner } = dialled()
      deliver(session, frameOf(type, pack(['news'])))
      deliver(session, welcome)
      expect(wire.isClosed).toBe(true)
      session.close()
      expect(host.heard).toEqual([])
      expect(owner.heard).toEqual(['failed'])
      expect(owner.error).toMatchObject({ code: 'ERR_PROTOCOL' })
    },
  )

  test('silence ends it after the deadline, on either side', () => {
    for (const { host, session, wire } of [accepted(), dialled()]) {
      host.clock.pass(4_999)
      expect(wire.isClosed).toBe(false)
      host.clock.pass(1)
      expect(wire.isClosed).toBe(true)
      session.close()
      expect(host.clock.pending).toBe(0)
    }
  })

  test('a connection that never opens is given up as well', () => {
    const host = new Host(new HandClock())
    const owner = new Owner()
    const wire = new Wire('there')
    new Session(host, { lane: 'data', expected: 'them', owner }).attach(wire)
    host.clock.pass(5_000)
    expect(wire.isClosed).toBe(true)
  })
})

describe('a greeting is refused', () => {
  const rows: [reason: string, about: Parameters<typeof greeting>[0]][] = [
    ['protocol', { protocol: 2 }],
    ['protocol', { protocol: 'two\nlines' as never }],
    ['protocol', { id: '' }],
    ['protocol', { id: 'é'.repeat(65) }],
    ['protocol', { id: 'a\0b' }],
    ['protocol', { id: 7 as never }],
    ['protocol', { starts: -1 }],
    ['protocol', { starts: 1.5 }],
    ['protocol', { remembers: Infinity }],
    ['protocol', { lane: 'express' as never }],
    ['protocol', { address: 'a'.repeat(513) }],
    ['cluster', { name: 'other' }],
    ['cluster', { cluster: 'c2' }],
    ['departed', { store: 's-gone' }],
    ['self', { id: 'me', store: 's-me', boot: 'b-me' }],
    ['duplicate', { id: 'me', store: 's-me', boot: 'b-other' }],
    ['duplicate', { id: 'me', store: 's-other', boot: 'b-other' }],
  ]

  test.each(rows)('for its %s: %o', (reason, about) => {
    const { host, session, wire } = accepted()
    host.departed = ['s-gone']
    deliver(session, greetingFrame(frameType.hello, about))
    expect(wire.types).toEqual([frameType.refused])
    expect(refusalReasons[wire.sent[0]![1]!]).toBe(reason)
    expect(wire.isClosed).toBe(true)

    const other = dialled()
    deliver(other.session, wire.sent[0]!)
    other.session.close()
    expect(other.owner.error).toBeInstanceOf(RefusedError)
    expect(other.owner.error).toMatchObject({ reason, code: 'ERR_PROTOCOL' })
    expect(other.owner.error!.message).not.toMatch(/\p{Cc}/u)

    const third = dialled()
    third.host.departed = ['s-gone']
    deliver(third.session, greetingFrame(frameType.welcome, about))
    third.session.close()
    expect(third.owner.error).toMatchObject({ reason })
    expect([...host.heard, ...other.host.heard, ...third.host.heard]).toEqual([])
  })

  test('when another node answers at the address', () => {
    const { session, owner, wire } = dialled('somebody')
    deliver(session, welcome)
    session.close()
    expect(owner.error).toMatchObject({ reason: 'identity' })
    expect(owner.error!.message).toContain('"them" answers at the address of "somebody"')
    expect(wire.types).toEqual([frameType.hello])
  })

  test('when its certificate names somebody else, or nobody', () => {
    for (const names of [['other', 'else'], []]) {
      const { session, wire, host } = accepted(names)
      deliver(session, hello)
      expect(refusalReasons[wire.sent[0]![1]!]).toBe('identity')
      expect(host.heard).toEqual([])
      const other = dialled('them', names)
      deliver(other.session, welcome)
      other.session.close()
      expect(other.owner.error).toMatchObject({ reason: 'identity' })
    }
    const { session, wire } = accepted(['x', 'them'])
    deliver(session, hello)
    expect(wire.types).toEqual([frameType.welcome])
  })

  test('when its bytes are no greeting: garbage, cut short, with something behind it', () => {
    const body = packGreeting(greeting())
    const bodies = [
      new Uint8Array(0),
      Buffer.from('GET / HTTP/1.1\r\n'),
      Buffer.alloc(4_000, 0xff),
      Buffer.alloc(4_000, 0x91),
      Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]),
      Buffer.concat([body, Buffer.from([0])]),
      ...Array.from(body, (_, i) => body.subarray(0, i)),
    ]
    for (const bytes of bodies) {
      const { session, wire, host } = accepted()
      deliver(session, frameOf(frameType.hello, bytes))
      expect(wire.types).toEqual([frameType.refused])
      expect(host.heard).toEqual([])
    }
    const { session, wire } = accepted()
    deliver(session, Buffer.from([frameType.hello, 0, 0]))
    expect(wire.isClosed).toBe(true)
  })
})

test('a greeting may be 4 KiB long and no other frame of a stranger longer than its type may be', () => {
  const { session } = accepted()
  expect(session.frameBytesMax(frameType.hello)).toBe(4096)
  expect(session.frameBytesMax(0)).toBe(0)
  expect(session.frameBytesMax(255)).toBe(0)
})

describe('an open session', () => {
  test.each([
    ['too short', Buffer.from([frameType.stored, 0, 0, 0, 0])],
    ['of an unknown type', frameOf(99)],
    ['a refusal', frameOf(frameType.refused)],
    ['a cast that is no tuple', frameOf(frameType.cast, Buffer.from([0xc1]))],
  ])('ends by a frame that is %s, and reads nothing behind it', (_, bytes) => {
    const { host, session, wire, owner } = dialled()
    deliver(session, welcome)
    deliver(session, bytes)
    expect(wire.isClosed).toBe(true)
    deliver(session, frameOf(frameType.put))
    deliver(session, frameOf(frameType.stored, undefined, 1))
    expect(session.isOpen).toBe(false)
    expect(session.send({ bytes: Buffer.alloc(8), end: 8, tail: undefined })).toBe(false)
    session.close()
    expect(host.heard).toEqual(['opened them data'])
    expect(owner.heard).toEqual(['opened', 'ended'])
    expect(owner.error).toMatchObject({ code: 'ERR_PROTOCOL' })
  })

  test('tells the first error, whatever follows', () => {
    const { session, owner } = dialled()
    deliver(session, welcome)
    deliver(session, frameOf(99))
    session.fail(new RefusedError({ reason: 'self', message: 'later' }))
    session.close(new Error('reset'))
    expect(owner.error!.message).toContain('malformed frame from them')
  })
})
