/** Frames: their heads, their caps, and the two hot bodies read from whatever bytes come. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  frameBytes,
  getFrame,
  plainFrame,
  putFrame,
  readGet,
  readPut,
  requestEpoch,
  requestId,
  requestTimeLeftMs,
  setRequestId,
} from '../../src/rpc/frame-buffer.ts'
import { flagHinted, frameBytesMax, frameType, isAnswer, isRequest } from '../../src/rpc/frame.ts'
import { encodeRecord } from '../../src/versions/record-codec.ts'
import { copyOf } from './kit.ts'

const kib = 1024
const mib = 1024 * kib
const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
const byteString = (max: number): fc.Arbitrary<string> =>
  fc.uint8Array({ maxLength: max }).map((bytes) => Buffer.from(bytes).toString('latin1'))

describe('caps', () => {
  const caps: Readonly<Record<keyof typeof frameType, number>> = {
    hello: 4 * kib,
    welcome: 4 * kib,
    refused: 4 * kib,
    put: 128 * mib,
    get: 4 * kib,
    call: 16 * mib,
    gets: 128 * kib,
    puts: 128 * mib,
    cast: 16 * mib,
    forward: 128 * mib,
    stored: 64,
    record: 128 * mib,
    absent: 64,
    result: 16 * mib,
    otherEpoch: 16 * mib,
    failed: 64 * kib,
    same: 64,
    answers: 384 * kib,
    receipt: 16 * mib,
    piece: 64 * kib + 14,
  }

  test.each(Object.entries(caps))('a %s frame has at most %i bytes', (name, bytes) => {
    expect(frameBytesMax(frameType[name as keyof typeof frameType])).toBe(bytes)
  })

  test('types that do not exist have none', () => {
    const types: readonly number[] = Object.values(frameType)
    for (let type = 0; type < 256; type++) {
      if (!types.includes(type)) expect(frameBytesMax(type)).toBe(0)
    }
  })

  test('the longest key, a full greeting and a cut failure fit into their frames', () => {
    const key = 'k'.repeat(128 + 1 + 1024)
    const { end } = getFrame({ epoch: 1, timeLeftMs: 1 }, { partition: 0, kind: 0, key })
    expect(end).toBeLessThan(frameBytesMax(frameType.get))
  })

  test('each type is a request, an answer or neither', () => {
    const { put, get, call, gets, puts, forward } = frameType
    const requests: readonly number[] = [put, get, call, gets, puts, forward]
    const { stored, record, absent, result, otherEpoch, failed, same } = frameType
    const toOne: readonly number[] = [stored, record, absent, result, otherEpoch, failed, same]
    const answers = [...toOne, frameType.answers, frameType.receipt]
    for (let type = 0; type < 256; type++) {
      expect(isRequest(type)).toBe(requests.includes(type))
      expect(isAnswer(type)).toBe(answers.includes(type))
    }
  })
})

const head = fc.record({ epoch: u32, timeLeftMs: u32 })

test('a put is read as it was written', () => {
  const body = fc.record({
    partition: u32,
    key: byteString(1200),
    hintFor: fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), {
      maxLength: 5,
    }),
  })
  fc.assert(
    fc.property(head, body, fc.uint8Array({ maxLength: 3_000 }), u32, (h, b, record, id) => {
      const frame = putFrame(h, b, Buffer.concat([Buffer.alloc(5), record]), 5)
      setRequestId(frame.bytes, id)
      const bytes = Buffer.concat([Buffer.alloc(9, 0xee), copyOf(frame), Buffer.alloc(9, 0xee)])
      const [start, end] = [9, 9 + frame.end]
      const read = readPut(bytes, start, end)!
      expect(read).toMatchObject(b)
      expect([...bytes.subarray(read.recordStart, end)]).toEqual([...record])
      expect(requestId(bytes, start)).toBe(id)
      expect(requestEpoch(bytes, start)).toBe(h.epoch)
      expect(requestTimeLeftMs(bytes, start)).toBe(h.timeLeftMs)
    }),
    { numRuns: 300 },
  )
})

test('a get is read as it was written', () => {
  const body = fc.record({ partition: u32, kind: fc.nat(255), key: byteString(1200) })
  fc.assert(
    fc.property(head, body, (h, b) => {
      const frame = getFrame(h, b)
      const bytes = Buffer.concat([Buffer.alloc(4), copyOf(frame), Buffer.alloc(4)])
      expect(readGet(bytes, 4, 4 + frame.end)).toEqual({ ...b, versionStart: 4 + frame.end })
    }),
    { numRuns: 300 },
  )
})

test('a get tells the version of a record that is known, and leaves out one that is too long', () => {
  const h = { epoch: 1, timeLeftMs: 1 }
  const b = { partition: 3, kind: 1, key: 'b\0key' }
  for (const [entries, isTold] of [
    [1, true],
    [80, true],
    [400, false],
  ] as const) {
    const record = recordOf(entries, 'value')
    const frame = getFrame(h, b, { bytes: record, start: 3 })
    const { versionStart } = readGet(frame.bytes, 0, frame.end)!
    const version = frame.bytes.subarray(versionStart, frame.end)
    expect(version.equals(record.subarray(3, isTold ? record.length - 5 : 3))).toBe(true)
  }
})

/** A record of so many entries and one value, from byte 3 on. */
function recordOf(entries: number, value: string): Buffer {
  const vector = Array.from({ length: entries }, (_, i) => ({
    actor: String(i).padStart(16, '0'),
    counter: 1,
  }))
  const sibling = { value: Buffer.from(value), tombstone: false, expiresAtMs: 0, stamp: 0 }
  const context = { vector, isolated: [] }
  const siblings = [{ ...sibling, dot: vector[0]! }]
  return encodeRecord({ kind: 'siblings', context, siblings }, 3)
}

test('the time left is clamped, never wrapped', () => {
  const rows = [
    [-5, 0],
    [0, 0],
    [1.9, 1],
    [2 ** 32, 0xffff_ffff],
    [Number.MAX_SAFE_INTEGER, 0xffff_ffff],
  ] as const
  for (const [timeLeftMs, told] of rows) {
    const frame = getFrame({ epoch: 1, timeLeftMs }, { partition: 0, kind: 0, key: 'k' })
    expect(requestTimeLeftMs(frame.bytes, 0)).toBe(told)
  }
})

describe('a body that is none is told, never thrown', () => {
  const put = copyOf(
    putFrame(
      { epoch: 1, timeLeftMs: 1 },
      { partition: 3, key: 'b\0key', hintFor: ['n1', 'n2'] },
      Buffer.from('record'),
      0,
    ),
  )
  const get = copyOf(
    getFrame({ epoch: 1, timeLeftMs: 1 }, { partition: 3, kind: 1, key: 'b\0key' }),
  )

  test('cut at each byte', () => {
    const recordStart = put.length - 'record'.length
    for (let end = 0; end < put.length; end++) {
      const read = readPut(put, 0, end)
      expect(read === undefined).toBe(end < recordStart)
    }
    for (let end = 0; end < get.length; end++) expect(readGet(get, 0, end)).toBe(undefined)
  })

  test('with lengths that lie, nothing is read behind the frame', () => {
    const around = Buffer.alloc(200_000, 0x61)
    for (const [frame, at] of [
      [put, 18],
      [get, 19],
    ] as const) {
      around.set(frame)
      around.writeUInt16LE(0xffff, at)
      const read = frame === put ? readPut : readGet
      expect(read(around, 0, frame.length)).toBe(undefined)
    }
    around.set(put)
    around[25] = 255
    expect(readPut(around, 0, put.length)).toBe(undefined)
    around.set(put)
    around[26] = 255
    expect(readPut(around, 0, put.length)).toBe(undefined)
  })

  test('changed anywhere', () => {
    const change = fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 5 })
    fc.assert(
      fc.property(change, fc.nat(60), (changes, cut) => {
        for (const sound of [put, get]) {
          const bytes = Buffer.from(sound)
          for (const [at, value] of changes) bytes[at % bytes.length] = value
          const end = Math.max(0, bytes.length - (cut > 30 ? 0 : cut))
          const read = readPut(bytes, 0, end)
          if (read !== undefined) expect(read.recordStart).toBeLessThanOrEqual(end)
          readGet(bytes, 0, end)
        }
      }),
      { numRuns: 2_000 },
    )
  })
})

test('a frame that is larger than the shared buffer fits; a long body stays where it is', () => {
  const head = { type: frameType.record, flags: flagHinted, id: 5 }
  const whole = plainFrame(head, Buffer.alloc(128 * kib, 7))
  expect([whole.end, whole.bytes[whole.end - 1], whole.tail]).toEqual([6 + 128 * kib, 7, undefined])
  const body = Buffer.alloc(3 * mib, 7)
  const long = plainFrame(head, body, 100)
  expect([long.end, long.tail?.start, long.tail?.end]).toEqual([6, 100, 3 * mib])
  expect(long.tail?.bytes).toBe(body)
  expect(frameBytes(long)).toBe(6 + 3 * mib - 100)
  const small = plainFrame({ type: frameType.stored, flags: 0, id: 6 })
  expect([small.end, small.tail]).toEqual([6, undefined])
  expect(small.bytes.length).toBeLessThanOrEqual(mib)
})
