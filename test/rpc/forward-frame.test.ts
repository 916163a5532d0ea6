/** Forwarded writes and their receipts, read from whatever bytes come. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  forwardFrame,
  readForward,
  readReceipt,
  receiptFrame,
  type ForwardedWrite,
  type ToldReceipt,
} from '../../src/rpc/forward-frame.ts'
import {
  isForClient,
  requestEpoch,
  requestId,
  requestTimeLeftMs,
  setRequestId,
} from '../../src/rpc/frame-buffer.ts'
import { answerHeadBytes, frameType } from '../../src/rpc/frame.ts'
import { copyOf } from './kit.ts'

const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
const byteString = (max: number): fc.Arbitrary<string> =>
  fc.uint8Array({ maxLength: max }).map((bytes) => Buffer.from(bytes).toString('latin1'))
const ids = fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), { maxLength: 5 })

const write: fc.Arbitrary<ForwardedWrite> = fc.record({
  partition: u32,
  kind: fc.nat(255),
  needed: fc.nat(255),
  sloppy: fc.boolean(),
  tombstone: fc.boolean(),
  expiresAtMs: fc.double(),
  writeId: byteString(255),
  key: byteString(1200),
  context: fc.option(byteString(2_000), { nil: undefined }),
})

const told: fc.Arbitrary<ToldReceipt> = fc.record({
  nodes: fc.option(
    ids.filter(({ length }) => length > 0),
    { nil: undefined },
  ),
  storedMask: u32,
  fallbackMask: u32,
  durableMask: u32,
  hinted: ids,
  context: fc.oneof(byteString(1000), fc.record({ head: byteString(500), stamp: fc.maxSafeNat() })),
})

test('a forwarded write is read as it was written', () => {
  const head = fc.record({ epoch: u32, timeLeftMs: u32 })
  fc.assert(
    fc.property(head, write, fc.uint8Array({ maxLength: 3_000 }), u32, (h, w, value, id) => {
      const frame = forwardFrame(h, w, value)
      setRequestId(frame.bytes, id)
      const bytes = Buffer.concat([Buffer.alloc(9, 0xee), copyOf(frame), Buffer.alloc(9, 0xee)])
      const [start, end] = [9, 9 + frame.end]
      const { valueStart, ...read } = readForward(bytes, start, end)!
      expect(read).toEqual(w)
      expect([...bytes.subarray(valueStart, end)]).toEqual([...value])
      expect(bytes[start]).toBe(frameType.forward)
      expect(requestId(bytes, start)).toBe(id)
      expect(requestEpoch(bytes, start)).toBe(h.epoch)
      expect(requestTimeLeftMs(bytes, start)).toBe(h.timeLeftMs)
      expect(isForClient(bytes, start)).toBe(true)
    }),
    { numRuns: 300 },
  )
})

test('a receipt is read as it was written', () => {
  fc.assert(
    fc.property(u32, told, (id, receipt) => {
      const bytes = copyOf(receiptFrame(id, receipt))
      expect(requestId(bytes, 0)).toBe(id)
      expect(readReceipt(bytes[1]!, bytes, answerHeadBytes, bytes.length)).toEqual(receipt)
    }),
    { numRuns: 300 },
  )
})

test('what is cut off is no forwarded write and no receipt, or one with a shorter end', () => {
  fc.assert(
    fc.property(write, told, fc.nat(), fc.nat(), (w, receipt, cut, other) => {
      const whole = copyOf(forwardFrame({ epoch: 1, timeLeftMs: 1 }, w, Buffer.alloc(0)))
      expect(readForward(whole, 0, cut % whole.length)).toBeUndefined()
      const answer = copyOf(receiptFrame(1, receipt))
      const end = answerHeadBytes + (other % (answer.length - answerHeadBytes))
      const read = readReceipt(answer[1]!, answer, answerHeadBytes, end)
      if (read !== undefined) expect(read).toMatchObject({ hinted: receipt.hinted })
    }),
    { numRuns: 300 },
  )
})

test('any bytes are read, or refused, without an error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      readForward(bytes, 0, bytes.length)
      if (bytes.length > 1) readReceipt(bytes[1]!, bytes, 0, bytes.length)
    }),
    { numRuns: 1000 },
  )
})
