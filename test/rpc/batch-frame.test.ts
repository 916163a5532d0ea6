/** Frames of many keys, written, and read from whatever bytes come. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  AnswersFrame,
  AnswersReader,
  answersBytesMax,
  askAlone,
  batchBytesMax,
  getsItemBytes,
  GetsFrame,
  GetsReader,
  putsItemBytes,
  PutsFrame,
  PutsReader,
} from '../../src/rpc/batch-frame.ts'
import {
  plainFrame,
  requestEpoch,
  requestTimeLeftMs,
  type Frame,
} from '../../src/rpc/frame-buffer.ts'
import { frameBytesMax, frameType } from '../../src/rpc/frame.ts'
import { encodeRecord } from '../../src/versions/record-codec.ts'
import { copyOf } from './kit.ts'

const head = { epoch: 7, timeLeftMs: 900 }
const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
const storageKey = fc
  .uint8Array({ maxLength: 1280 })
  .map((bytes) => Buffer.from(bytes).toString('latin1'))
const key = fc.record({ partition: u32, storageKey })

/** A record of one value by so many actors, in the middle of other bytes. */
function recordOf(entries: number, value: string): { bytes: Buffer; start: number; end: number } {
  const vector = Array.from({ length: entries }, (_, i) => ({
    actor: String(i).padStart(16, '0'),
    counter: 1,
  }))
  const sibling = { value: Buffer.from(value), tombstone: false, expiresAtMs: 0, stamp: 0 }
  const siblings = [{ ...sibling, dot: vector[0]! }]
  const context = { vector, isolated: [] }
  const bytes = Buffer.concat([
    encodeRecord({ kind: 'siblings', context, siblings }, 3),
    Buffer.alloc(4),
  ])
  return { bytes, start: 3, end: bytes.length - 4 }
}

const nothing = { bytes: Buffer.alloc(0), start: 0, end: 0 }

/** In the middle of bytes that are none of the frame. */
function amid(frame: Buffer): { bytes: Buffer; start: number; end: number } {
  const around = Buffer.alloc(9, 0xee)
  const bytes = Buffer.concat([around, frame, around])
  return { bytes, start: 9, end: 9 + frame.length }
}

test('gets are read as they were written, with the versions of records that are not too long', () => {
  const item = fc.record({ key, entries: fc.constantFrom(0, 1, 60, 200), value: fc.string() })
  fc.assert(
    fc.property(fc.array(item, { maxLength: 20 }), fc.nat(255), (items, kind) => {
      const known = items.map(({ entries, value }) =>
        entries === 0 ? nothing : recordOf(entries, value),
      )
      const itemsBytes = items.reduce(
        (sum, each, i) => sum + getsItemBytes(each.key.storageKey, known[i]!),
        0,
      )
      const frame = new GetsFrame(head, kind, itemsBytes)
      items.forEach((each, i) => frame.add(each.key, known[i]!))
      const sent = copyOf(frame.done())
      expect(sent.length).toBe(15 + itemsBytes)
      const { bytes, start, end } = amid(sent)
      expect([requestEpoch(bytes, start), requestTimeLeftMs(bytes, start)]).toEqual([7, 900])
      const reader = new GetsReader(bytes, start, end)
      expect(reader.kind).toBe(kind)
      items.forEach((each, i) => {
        expect(reader.next()).toBe(true)
        expect({ partition: reader.partition, storageKey: reader.key }).toEqual(each.key)
        const { bytes: record, start: from, end: to } = known[i]!
        const isTold = each.entries > 0 && each.entries < 100
        const valueBytes = Buffer.byteLength(each.value)
        const version = isTold ? record.subarray(from, to - valueBytes) : Buffer.alloc(0)
        expect(bytes.subarray(reader.versionStart, reader.versionEnd).equals(version)).toBe(true)
      })
      expect(reader.next()).toBe(false)
      expect(reader.isMalformed).toBe(false)
    }),
    { numRuns: 200 },
  )
})

/** The bytes of a frame that may be a long one. */
function allOf(frame: Frame): Buffer {
  const head = copyOf(frame)
  const { tail } = frame
  if (tail === undefined) return head
  return Buffer.concat([head, tail.bytes.subarray(tail.start, tail.end)])
}

test('puts are read as they were written, however long', () => {
  const item = fc.record({ key, record: fc.uint8Array({ maxLength: 200 }) })
  fc.assert(
    fc.property(fc.array(item, { maxLength: 20 }), fc.boolean(), (some, withLong) => {
      const long = {
        key: { partition: 1, storageKey: 'b\0long' },
        record: Buffer.alloc(200_000, 7),
      }
      const items = withLong ? [...some, long] : some
      const itemsBytes = items.reduce(
        (sum, each) => sum + putsItemBytes(each.key.storageKey, each.record.length),
        0,
      )
      const frame = new PutsFrame(head, itemsBytes)
      for (const each of items) frame.add(each.key, each.record, 0, each.record.length)
      const { bytes, start, end } = amid(allOf(frame.done()))
      const reader = new PutsReader(bytes, start, end)
      for (const each of items) {
        expect(reader.next()).toBe(true)
        expect({ partition: reader.partition, storageKey: reader.key }).toEqual(each.key)
        const record = bytes.subarray(reader.recordStart, reader.recordEnd)
        expect(record.equals(each.record)).toBe(true)
      }
      expect(reader.next()).toBe(false)
      expect(reader.isMalformed).toBe(false)
    }),
    { numRuns: 200 },
  )
})

describe('answers', () => {
  const answerOf = (type: number, flags: number, body: Uint8Array): ReturnType<typeof plainFrame> =>
    plainFrame({ type, flags, id: 9 }, body)

  test('are read as they were written', () => {
    const answer = fc.record({
      index: fc.nat(0xffff),
      type: fc.nat(255),
      flags: fc.nat(255),
      body: fc.uint8Array({ maxLength: 2_000 }),
    })
    fc.assert(
      fc.property(fc.array(answer, { maxLength: 30 }), (answers) => {
        const frame = new AnswersFrame(0xabcd)
        for (const { index, type, flags, body } of answers) {
          frame.add(index, answerOf(type, flags, body))
        }
        const sent = copyOf(frame.done())
        expect([sent[0], sent.readUInt32LE(2)]).toEqual([frameType.answers, 0xabcd])
        const reader = readerOf(sent)
        for (const each of answers) {
          expect(reader.next()).toBe(true)
          const { index, type, flags, bytes, bodyStart, end } = reader
          const body = bytes.subarray(bodyStart, end)
          expect({ index, type, flags, body: [...body] }).toEqual({ ...each, body: [...each.body] })
        }
        expect(reader.next()).toBe(false)
        expect(reader.isMalformed).toBe(false)
      }),
      { numRuns: 200 },
    )
  })

  test('that would make the frame too long are put off, shorter ones still taken', () => {
    const frame = new AnswersFrame(1)
    const long = Buffer.alloc(answersBytesMax / 2, 1)
    const types = [long, long, Buffer.from('short')].map((body, i) => {
      frame.add(i, answerOf(frameType.record, 0, body))
      return i === 1 ? askAlone : frameType.record
    })
    const sent = copyOf(frame.done())
    const reader = readerOf(sent)
    for (const type of types) {
      expect(reader.next()).toBe(true)
      expect(reader.type).toBe(type)
    }
    expect(sent.length).toBeLessThan(frameBytesMax(frameType.answers))
  })

  test('that are all put off, to as many keys as a frame can have, are within the cap', () => {
    const frame = new AnswersFrame(1)
    const keysMax = frameBytesMax(frameType.gets) / 8
    const long = Buffer.alloc(answersBytesMax - 100, 1)
    frame.add(0, answerOf(frameType.record, 0, long))
    for (let i = 1; i < keysMax; i++) frame.putOff(i)
    expect(frame.done().end).toBeLessThan(frameBytesMax(frameType.answers))
  })
})

function readerOf(sent: Buffer): AnswersReader {
  const { bytes, start, end } = amid(sent)
  return new AnswersReader({ type: 0, flags: 0, bytes, bodyStart: start + 6, end })
}

describe('a body that is none is told, never thrown', () => {
  const gets = new GetsFrame(head, 1, 2 * getsItemBytes('b\0key', recordOf(1, 'v')))
  const keys = [0, 1].map((partition) => ({ partition, storageKey: 'b\0key' }))
  for (const each of keys) gets.add(each, recordOf(1, 'v'))
  const getsSent = copyOf(gets.done())
  const puts = new PutsFrame(head, 2 * putsItemBytes('b\0key', 6))
  for (const each of keys) puts.add(each, Buffer.from('record'), 0, 6)
  const putsSent = copyOf(puts.done())
  const answers = new AnswersFrame(1)
  for (const i of [0, 1])
    answers.add(i, plainFrame({ type: 21, flags: 0, id: 0 }, Buffer.from('r')))
  const answersSent = copyOf(answers.done())

  const readers = {
    gets: (bytes: Buffer, end: number) => new GetsReader(bytes, 0, end),
    puts: (bytes: Buffer, end: number) => new PutsReader(bytes, 0, end),
    answers: (bytes: Buffer, end: number) =>
      new AnswersReader({ type: 0, flags: 0, bytes, bodyStart: 6, end }),
  }
  const sents = { gets: getsSent, puts: putsSent, answers: answersSent }
  const names = ['gets', 'puts', 'answers'] as const
  /** Where the first item begins. */
  const firsts = { gets: 15, puts: 14, answers: 6 } as const

  test.each(names)('%s cut at each byte', (name) => {
    const sent = sents[name]
    const first = firsts[name]
    const itemBytes = (sent.length - first) / 2
    for (let end = first; end < sent.length; end++) {
      const reader = readers[name](sent, end)
      let items = 0
      while (reader.next()) items += 1
      expect(items).toBe(Math.floor((end - first) / itemBytes))
      expect(reader.isMalformed).toBe((end - first) % itemBytes !== 0)
      expect(reader.next()).toBe(false)
    }
    expect(readers.gets(getsSent, 14).isMalformed).toBe(true)
  })

  test.each(names)('%s changed anywhere: what is read lies in the frame', (name) => {
    const change = fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(change, fc.nat(60), (changes, cut) => {
        const bytes = Buffer.concat([sents[name], Buffer.alloc(70_000, 0xff)])
        const { length } = sents[name]
        for (const [at, value] of changes) bytes[firsts[name] + (at % (length - 14))] = value
        const end = Math.max(firsts[name], length - (cut > 30 ? 0 : cut))
        const reader = readers[name](bytes, end)
        let items = 0
        while (reader.next()) {
          items += 1
          if (reader instanceof PutsReader) expect(reader.recordEnd).toBeLessThanOrEqual(end)
          if (reader instanceof GetsReader) expect(reader.versionEnd).toBeLessThanOrEqual(end)
          if (reader instanceof AnswersReader) expect(reader.end).toBeLessThanOrEqual(end)
        }
        expect(items).toBeLessThanOrEqual(length / 8)
      }),
      { numRuns: 2_000 },
    )
  })
})

test('the longest frames are within their caps', () => {
  const longest = 15 + batchBytesMax
  expect(longest).toBeLessThan(frameBytesMax(frameType.gets))
  expect(longest).toBeLessThan(frameBytesMax(frameType.puts))
})
