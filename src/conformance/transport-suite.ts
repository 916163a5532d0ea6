/**
 * The duties of a transport (`ports/transport.ts`) as tests, for any test runner. It waits for events, never for
 * time. The order of frames is not checked: the port does not promise one.
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Transport } from '../ports/transport.ts'
import type { TestFunction } from './test-function.ts'
import {
  TransportPair,
  TransportProbe,
  type ProbedEnd,
  type ProbeOptions,
} from './transport-probe.ts'

/** What the suite needs. */
export interface TransportSuiteKit {
  /** Registers a test: `test` of vitest or `node:test`. */
  readonly test: TestFunction
  /** A fresh transport. All that it makes can reach each other, and none is used after its `close`. */
  readonly create: () => Promise<Transport>
}

/**
 * Registers one test for each duty.
 *
 *     import { test } from 'node:test'
 *     transportSuite({ test, create: async () => myTransport() })
 */
export function transportSuite(kit: TransportSuiteKit): void {
  openingTests(pairTests(kit))
  frameTests(pairTests(kit))
  capTests(pairTests(kit, { frameBytesMax: capOf }))
  closingTests(pairTests(kit))
  transportClosingTests(pairTests(kit))
  failureTests(pairTests(kit))
}

type PairTest = (name: string, run: (pair: TransportPair) => Promise<void>) => void

/** A test gets two transports; afterwards they are closed and the rules for every handler are checked. */
function pairTests(kit: TransportSuiteKit, accepted?: ProbeOptions): PairTest {
  return (name, run) => {
    kit.test(name, async () => {
      const pair = await TransportPair.create(kit.create, accepted)
      try {
        await run(pair)
        await pair.finish()
      } finally {
        await pair.close()
      }
    })
  }
}

function openingTests(test: PairTest): void {
  test('opens both ends of a connection to the address that listen gave', async (pair) => {
    const { near, far } = await pair.open()
    equal(near.probe.opens, 1)
    equal(far.probe.opens, 1)
    ok(near.connection.remote.length > 0)
    ok(far.connection.remote.length > 0)
  })

  test('delivers the frames that were sent before the connection opened', async (pair) => {
    const near = pair.connect()
    const frames = range(100).map((seed) => frameOf(seed, 50))
    for (const frame of frames) ok(send(near, frame))
    const far = await pair.nextAccepted()
    sameFrames(await far.probe.received(frames.length), frames)
  })

  test('keeps the frames of many connections apart', async (pair) => {
    const seeds = range(20)
    const nears = seeds.map((seed) => {
      const near = pair.connect()
      send(near, frameOf(seed, 8))
      send(near, frameOf(seed, 8))
      return near
    })
    for (const near of nears) await near.probe.opened()
    const pairs: (readonly Uint8Array[])[] = []
    for (const _ of nears) pairs.push(await (await pair.nextAccepted()).probe.received(2))
    for (const [first, second] of pairs) deepEqual(first, second)
    const firsts = pairs.flatMap((frames) => frames.slice(0, 1))
    sameFrames(
      firsts,
      seeds.map((seed) => frameOf(seed, 8)),
    )
  })
}

function frameTests(test: PairTest): void {
  test('delivers frames from 1 byte to 1 MiB whole and unchanged, both ways', async (pair) => {
    const { near, far } = await pair.open()
    const lengths = [1, 2, 3, 4, 5, 150, 4095, 65_531, 65_536, 131_072, 200_003, 2 ** 20]
    const frames = lengths.map((length) => frameOf(length, length))
    for (const frame of frames) {
      ok(send(near, frame))
      ok(send(far, frame))
    }
    sameFrames(await far.probe.received(frames.length), frames)
    sameFrames(await near.probe.received(frames.length), frames)
  })

  test('delivers each of 20 000 frames once when they are sent together', async (pair) => {
    const { near, far } = await pair.open()
    const frames = range(20_000).map((seed) => frameOf(seed, 4 + (seed % 300)))
    for (const frame of frames) ok(send(near, frame))
    sameFrames(await far.probe.received(frames.length), frames)
    ok(send(near, frameOf(1, 7)))
    equal((await far.probe.received(frames.length + 1)).length, frames.length + 1)
  })

  test('delivers what is sent on many connections in one turn', async (pair) => {
    const ends: { readonly near: ProbedEnd; readonly far: ProbedEnd }[] = []
    for (const _ of range(10)) ends.push(await pair.open())
    for (const round of range(3)) {
      for (const [index, { near }] of ends.entries())
        ok(send(near, frameOf(index + 100 * round, 20)))
      for (const { far } of ends) await far.probe.received(round + 1)
    }
    const received = ends.flatMap(({ far }) => far.probe.frames)
    sameFrames(
      received,
      ends.flatMap((_, index) => range(3).map((round) => frameOf(index + 100 * round, 20))),
    )
  })

  test('copies what is sent before send returns, and only the bytes asked for', async (pair) => {
    const { near, far } = await pair.open()
    const buffer = new Uint8Array(300)
    for (let round = 1; round <= 50; round++) {
      buffer.fill(0)
      buffer.fill(round, 100, 200)
      ok(near.connection.send(buffer, 100, 200))
      buffer.fill(255)
    }
    const expected = range(50).map((round) => new Uint8Array(100).fill(round + 1))
    sameFrames(await far.probe.received(50), expected)
  })

  test('answers from inside a frame handler arrive', async (pair) => {
    const near = pair.connect({ onFrame: (frame) => frame[0] !== 0 && send(near, less(frame)) })
    const far = await pair.nextAccepted()
    ok(send(far, Uint8Array.of(5)))
    deepEqual((await far.probe.received(1)).at(0), Uint8Array.of(4))
  })

  test('counts queued bytes while they wait and not when they are gone', async (pair) => {
    const near = pair.connect()
    equal(near.connection.queuedBytes, 0)
    send(near, frameOf(1, 1000))
    ok(near.connection.queuedBytes >= 1000, 'a frame waits until the connection opens')
    const far = await pair.nextAccepted()
    await far.probe.received(1)
    send(far, frameOf(2, 1))
    await near.probe.received(1)
    equal(near.connection.queuedBytes, 0)
  })
}

function capTests(test: PairTest): void {
  test('delivers frames as long as the cap of their first byte allows', async (pair) => {
    const { near, far } = await pair.open()
    const frames = [1, 2, 3].map((first) => startingWith(first, capOf(first)))
    for (const frame of frames) ok(send(near, frame))
    sameFrames(await far.probe.received(3), frames)
  })

  for (const first of [1, 2, 3]) {
    test(`closes on a frame one byte over the cap of first byte ${first}`, async (pair) => {
      const { near, far } = await pair.open()
      send(near, startingWith(first, capOf(first) + 1))
      send(near, startingWith(3, 10))
      await far.probe.closed()
      await near.probe.closed()
      equal(far.probe.frames.length, 0)
      equal(codeOf(far.probe.closeError), 'ERR_PROTOCOL')
      ok(near.probe.closeError instanceof Error)
    })
  }

  test('one connection that is closed for a breach leaves the others alone', async (pair) => {
    const bad = await pair.open()
    const good = await pair.open()
    send(bad.near, startingWith(1, 5000))
    await bad.near.probe.closed()
    ok(send(good.near, startingWith(1, 5)))
    deepEqual(await good.far.probe.received(1), [startingWith(1, 5)])
  })
}

function closingTests(test: PairTest): void {
  test('close ends both ends once, with a reason at the other one only', async (pair) => {
    const { near, far } = await pair.open()
    near.probe.quietly(() => near.connection.close())
    near.probe.quietly(() => near.connection.close())
    equal(send(near, frameOf(1, 10)), false)
    await near.probe.closed()
    await far.probe.closed()
    equal(near.probe.closeError, undefined)
    ok(far.probe.closeError instanceof Error)
    equal(send(far, frameOf(1, 10)), false)
  })

  test('the accepting end can close too', async (pair) => {
    const { near, far } = await pair.open()
    far.probe.quietly(() => far.connection.close())
    await near.probe.closed()
    await far.probe.closed()
    equal(far.probe.closeError, undefined)
    ok(near.probe.closeError instanceof Error)
  })

  test('a connection can be closed before it opens', async (pair) => {
    const near = pair.connect()
    send(near, frameOf(1, 10))
    near.probe.quietly(() => near.connection.close())
    await near.probe.closed()
    equal(near.probe.closeError, undefined)
    equal(near.probe.opens, 0)
  })

  test('a connection can be closed from inside open', async (pair) => {
    const near = pair.connect({ onOpen: () => near.connection.close() })
    await near.probe.closed()
    equal(near.probe.frames.length, 0)
  })

  test('delivers nothing after a close from inside a frame handler', async (pair) => {
    const near = pair.connect({ onFrame: () => near.connection.close() })
    const far = await pair.nextAccepted()
    for (const seed of range(100)) send(far, frameOf(seed, 100))
    await near.probe.closed()
    await far.probe.closed()
    equal(near.probe.frames.length, 1)
  })

  test('never calls a handler from inside send or close', async (pair) => {
    const { near, far } = await pair.open()
    for (const seed of range(2000)) near.probe.quietly(() => send(near, frameOf(seed, 2000)))
    await far.probe.received(2000)
    near.probe.quietly(() => near.connection.close())
    await far.probe.closed()
  })
}

function transportClosingTests(test: PairTest): void {
  test('closing a transport closes its connections and its address', async (pair) => {
    const { near, far } = await pair.open()
    await Promise.all([pair.listening.close(), pair.listening.close()])
    await far.probe.closed()
    equal(far.probe.closeError, undefined)
    await near.probe.closed()
    const late = pair.connect()
    await late.probe.closed()
    equal(late.probe.opens, 0)
    equal(codeOf(causeOf(late.probe.closeError)), 'ECONNREFUSED')
  })

  test('a closed transport neither connects nor listens', async (pair) => {
    await pair.connecting.close()
    const late = pair.connect()
    equal(send(late, frameOf(1, 10)), false)
    await late.probe.closed()
    equal(codeOf(late.probe.closeError), 'ERR_CLOSED')
    const outcome = await pair.connecting.listen(() => new TransportProbe()).catch(codeOf)
    equal(outcome, 'ERR_CLOSED')
  })

  test('close resolves with connections that are being made', async (pair) => {
    const nears = range(10).map(() => pair.connect())
    await pair.connecting.close()
    for (const near of nears) await near.probe.closed()
  })
}

function failureTests(test: PairTest): void {
  test('an address that makes no sense closes the connection later, with a reason', async (pair) => {
    for (const address of [
      '',
      'nowhere',
      ':',
      'host:port',
      '[::1',
      '127.0.0.1:99999',
      '\u0000:1',
    ]) {
      const near = pair.connect({ address })
      send(near, frameOf(1, 10))
      await near.probe.closed()
      equal(near.probe.opens, 0)
      ok(near.probe.closeError instanceof Error, address)
    }
  })
}

/** The cap in the tests of caps: each first byte has its own. */
function capOf(firstByte: number): number {
  return firstByte === 1 ? 100 : firstByte === 2 ? 1 : 100_000
}

function send({ connection }: ProbedEnd, frame: Uint8Array): boolean {
  return connection.send(frame, 0, frame.length)
}

/** A frame whose bytes depend on the seed; distinct for seeds below 2³² where `length` is at least 4. */
function frameOf(seed: number, length: number): Uint8Array {
  const frame = new Uint8Array(length)
  let state = seed
  for (let at = 0; at < length; at++) {
    frame[at] =
      at < 4
        ? seed >>> (8 * at)
        : (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) >>> 24
  }
  return frame
}

function startingWith(firstByte: number, length: number): Uint8Array {
  return new Uint8Array(length).fill(firstByte, 0, 1)
}

function less(frame: Uint8Array): Uint8Array {
  return frame.map((byte) => byte - 1)
}

/** Compares in any order. Does not show the frames: a picture of the difference of megabytes takes minutes. */
function sameFrames(actual: readonly Uint8Array[], expected: readonly Uint8Array[]): void {
  equal(actual.length, expected.length)
  const wanted = sorted(expected)
  const changed = sorted(actual).filter((frame, at) => Buffer.compare(frame, wanted[at]!) !== 0)
  equal(changed.length, 0, `${changed.length} of ${actual.length} frames were changed`)
}

function sorted(frames: readonly Uint8Array[]): Uint8Array[] {
  return frames.toSorted((a, b) => Buffer.compare(a, b))
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : error
}

function causeOf(error: Error | undefined): unknown {
  return error?.cause
}
