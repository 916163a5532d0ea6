/** Long frames: cut, carried between others, joined; and what comes of pieces that nobody cut. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { frameBytes, plainFrame } from '../../src/rpc/frame-buffer.ts'
import { frameType, pieceBytesMax, pieceHeadBytes } from '../../src/rpc/frame.ts'
import { PieceCutter, PieceJoiner } from '../../src/rpc/pieces.ts'
import { Session } from '../../src/rpc/session.ts'
import { deliver, frameOf, greetingFrame, HandClock, Host, Wire } from './kit.ts'

const kib = 1024
const mib = 1024 * kib

/** Bytes that differ from their neighbours at every distance that is a length of a piece. */
function body(bytes: number): Buffer {
  const all = Buffer.allocUnsafe(bytes)
  for (let i = 0; i < bytes; i++) all[i] = (i * 31 + (i >>> 8) * 7 + (i >>> 16)) & 255
  return all
}

/** What is sent for a record of so many bytes, and the whole frame. */
function cut(bytes: number): { pieces: readonly Buffer[]; whole: Buffer } {
  const clock = new HandClock()
  const wire = new Wire('there')
  const record = body(bytes)
  const head = Buffer.from([frameType.record, 0, 1, 2, 3, 4])
  new PieceCutter(clock, wire).push(head, head.length, { bytes: record, start: 5, end: bytes })
  clock.pass(0)
  return { pieces: wire.sent, whole: Buffer.concat([head, record.subarray(5)]) }
}

function piece(about: { number?: number; total: number; offset?: number; bytes: Buffer }): Buffer {
  const head = Buffer.alloc(pieceHeadBytes)
  head[0] = frameType.piece
  head.writeUInt32LE(about.number ?? 1, 2)
  head.writeUInt32LE(about.total, 6)
  head.writeUInt32LE(about.offset ?? 0, 10)
  return Buffer.concat([head, about.bytes])
}

function takeAll(joiner: PieceJoiner, pieces: readonly Buffer[]): Buffer[] {
  return pieces.flatMap((each) => {
    const taken = joiner.take(Buffer.concat([Buffer.alloc(3), each]), 3, 3 + each.length)
    return typeof taken === 'string' ? [] : [Buffer.from(taken)]
  })
}

describe('joining', () => {
  test.each([
    6,
    pieceBytesMax - 2,
    pieceBytesMax - 1,
    pieceBytesMax,
    2 * pieceBytesMax,
    300 * kib,
    5 * mib,
  ])('a frame of %i bytes comes out as it went in', (bytes) => {
    const { pieces, whole } = cut(bytes)
    const [joined, ...others] = takeAll(new PieceJoiner(), pieces)
    expect(others).toEqual([])
    expect(joined?.equals(whole)).toBe(true)
  })

  test('in any order, and with some of them twice', () => {
    const { pieces, whole } = cut(500 * kib)
    fc.assert(
      fc.property(
        fc.shuffledSubarray([...pieces, ...pieces], { minLength: 2 * pieces.length }),
        (order) => {
          expect(takeAll(new PieceJoiner(), order)[0]?.equals(whole)).toBe(true)
        },
      ),
      { numRuns: 50 },
    )
  })

  test('a frame that lost a piece does not hold up the next ones', () => {
    const { pieces, whole } = cut(500 * kib)
    const joiner = new PieceJoiner()
    for (let number = 1; number < 20; number++) {
      const numbered = pieces.map((each) => Buffer.from(each))
      for (const each of numbered) each.writeUInt32LE(number, 2)
      const isWhole = number % 3 === 0
      const joined = takeAll(joiner, isWhole ? numbered : numbered.slice(1))
      expect(joined.map((each) => each.equals(whole))).toEqual(isWhole ? [true] : [])
    }
  })

  test('memory grows with what has come, not with what is declared', () => {
    const joiners = Array.from({ length: 50 }, () => new PieceJoiner())
    const first = piece({ total: 128 * mib, bytes: Buffer.alloc(pieceBytesMax, frameType.record) })
    const before = process.memoryUsage().arrayBuffers
    for (const joiner of joiners) expect(joiner.take(first, 0, first.length)).toBe('more')
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20 * mib)
  })

  const full = Buffer.alloc(pieceBytesMax, frameType.record)
  test.each([
    ['nothing in it', piece({ total: 1, bytes: Buffer.alloc(0) })],
    ['more in it than is left', piece({ total: 5, bytes: Buffer.alloc(6, frameType.record) })],
    ['less in it than a piece has', piece({ total: mib, bytes: full.subarray(1) })],
    ['an offset where no frame is cut', piece({ total: mib, offset: 7, bytes: full })],
    ['an offset behind its frame', piece({ total: kib, offset: pieceBytesMax, bytes: full })],
    ['a length over every cap', piece({ total: 129 * mib, offset: pieceBytesMax, bytes: full })],
    [
      'a length over the cap of its type',
      piece({ total: 17 * mib, bytes: Buffer.alloc(pieceBytesMax, frameType.call) }),
    ],
    ['a greeting', piece({ total: mib, bytes: Buffer.alloc(pieceBytesMax, frameType.hello) })],
    ['a piece', piece({ total: mib, bytes: Buffer.alloc(pieceBytesMax, frameType.piece) })],
    ['a frame without a head', piece({ total: 2, bytes: Buffer.alloc(2, frameType.record) })],
  ])('with %s is malformed', (_, bytes) => {
    expect(new PieceJoiner().take(bytes, 0, bytes.length)).toBe('malformed')
  })

  test('another length for the same frame is malformed', () => {
    const joiner = new PieceJoiner()
    const one = piece({ total: mib, bytes: full })
    const other = piece({ total: 2 * mib, offset: pieceBytesMax, bytes: full })
    expect(joiner.take(one, 0, one.length)).toBe('more')
    expect(joiner.take(other, 0, other.length)).toBe('malformed')
  })
})

function opened(): { host: Host; session: Session; wire: Wire } {
  const host = new Host()
  const wire = new Wire('there')
  const session = new Session(host)
  session.attach(wire)
  session.open()
  deliver(session, greetingFrame(frameType.hello))
  wire.sent.length = 0
  return { host, session, wire }
}

const longFrame = (bytes: number) =>
  plainFrame({ type: frameType.record, flags: 0, id: 9 }, body(bytes))
const small = () => plainFrame({ type: frameType.stored, flags: 0, id: 1 })

describe('a session', () => {
  test('sends half a mebibyte of a long frame in a turn, and others pass', () => {
    const { host, session, wire } = opened()
    expect(session.send(longFrame(2 * mib))).toBe(true)
    expect(wire.sent).toHaveLength(8)
    session.send(small())
    expect(wire.types.at(-1)).toBe(frameType.stored)
    host.clock.pass(0)
    expect(wire.types.filter((type) => type === frameType.piece)).toHaveLength(33)
    expect(host.clock.pending).toBe(0)
  })

  test('sends nothing more of it while the network takes nothing, and counts what waits', () => {
    const { host, session, wire } = opened()
    const long = longFrame(2 * mib)
    const bytes = frameBytes(long)
    session.send(long)
    const sent = 8 * pieceBytesMax
    expect(session.queuedBytes).toBe(bytes - sent)
    wire.queuedBytes = sent
    host.clock.pass(1_000)
    expect(wire.sent).toHaveLength(8)
    expect(session.queuedBytes).toBe(bytes)
    wire.queuedBytes = 0
    host.clock.pass(2)
    expect(session.queuedBytes).toBe(0)
  })

  test('sends one long frame after the other', () => {
    const { host, session, wire } = opened()
    session.send(longFrame(mib))
    session.send(longFrame(200 * kib))
    host.clock.pass(0)
    const numbers = wire.sent.map((each) => each.readUInt32LE(2))
    expect(numbers).toEqual([...Array.from({ length: 17 }, () => 1), 2, 2, 2, 2])
  })

  test('takes a long frame as it takes any other', () => {
    const { host, session } = opened()
    const { pieces } = cut(300 * kib)
    const heads = pieces.map((each) => Buffer.from(each))
    heads[0]![pieceHeadBytes] = frameType.put
    for (const each of heads) deliver(session, each)
    expect(host.heard.at(-1)).toBe(`request ${frameType.put}`)
  })

  test('ends by a malformed piece', () => {
    const { session, wire } = opened()
    deliver(session, frameOf(frameType.piece, Buffer.alloc(20)))
    expect(wire.isClosed).toBe(true)
    expect(session.isOpen).toBe(false)
  })

  test('forgets what has come of a frame when no more comes', () => {
    const { host, session } = opened()
    const { pieces } = cut(300 * kib)
    deliver(session, pieces[0]!)
    host.clock.pass(29_999)
    expect(host.clock.pending).toBe(1)
    host.clock.pass(1)
    expect(host.clock.pending).toBe(0)
    const heard = host.heard.length
    for (const each of pieces.slice(1)) deliver(session, each)
    expect(host.heard).toHaveLength(heard)
  })

  test('sends nothing and waits for nothing after its end', () => {
    const { host, session, wire } = opened()
    session.send(longFrame(2 * mib))
    deliver(session, cut(300 * kib).pieces[0]!)
    session.close()
    host.clock.pass(1_000)
    expect(wire.sent).toHaveLength(8)
    expect(host.clock.pending).toBe(0)
    expect(session.queuedBytes).toBe(0)
  })
})
