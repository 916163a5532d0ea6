/** Many records for one owner: what shares a frame, and what each answer means. */
import { describe, expect, test } from 'vitest'
import { ClosedError } from '../../src/base/errors.ts'
import { openStored } from '../../src/replica/stored-record.ts'
import { AnswersFrame, batchRecordBytesMax, PutsReader } from '../../src/rpc/batch-frame.ts'
import type { Channel } from '../../src/rpc/channel.ts'
import { packFailure } from '../../src/rpc/failure.ts'
import { isForClient, plainFrame, type Frame } from '../../src/rpc/frame-buffer.ts'
import { answerHeadBytes, frameType } from '../../src/rpc/frame.ts'
import type { CallSink } from '../../src/rpc/pending-calls.ts'
import {
  deliverRecords,
  goesAlone,
  lotsToAskFor,
  lotsToDeliver,
  whichAreHeld,
  type KeptRecord,
} from '../../src/upkeep/deliver-records.ts'
import { copyOf, HandClock } from '../rpc/kit.ts'
import { shelf } from './kit.ts'

async function records(count: number, valueBytes: number): Promise<KeptRecord[]> {
  const { storage, put } = await shelf()
  for (let i = 0; i < count; i++)
    put(`b\0key ${String(i).padStart(4, '0')}`, 'x'.repeat(valueBytes))
  const entries = await storage.scan(0, { limit: count })
  return entries.map(({ key, value }) => {
    const stored = openStored(value, key)
    if (!(stored instanceof Uint8Array)) throw new Error('the storage damaged a record')
    return { partition: 0, key, stored }
  })
}

/** A channel that answers each frame with what `reply` makes of it. */
function answering(reply: (frame: Buffer) => Frame): { channel: Channel; sent: Buffer[] } {
  const sent: Buffer[] = []
  const call = (sink: CallSink, tag: number, frame: Frame): number => {
    const request = copyOf(frame)
    sent.push(request)
    const bytes = copyOf(reply(request))
    const { length: end } = bytes
    queueMicrotask(() => {
      const [type = 0, flags = 0] = bytes
      sink.answered(tag, { type, flags, bytes, bodyStart: answerHeadBytes, end })
    })
    return 1
  }
  return { channel: { call, abandon: () => undefined } as unknown as Channel, sent }
}

/** One answer for each key but those that are left out. */
function answers(types: readonly (number | undefined)[]): Frame {
  const frame = new AnswersFrame(1)
  types.forEach((type, id) => {
    if (type === undefined) return
    const body = type === frameType.failed ? packFailure(new ClosedError('gone')) : undefined
    frame.add(id, plainFrame({ type, flags: 0, id }, body))
  })
  return frame.done()
}

const wait = { clock: new HandClock(), timeoutMs: 1_000, epoch: 3 }

describe('many records', () => {
  test('are delivered in frames that are not long, all of them, in background', async () => {
    const all = await records(100, 1_000)
    const lots = lotsToDeliver(all)
    expect(lots.flat()).toEqual(all)
    expect(lots.length).toBe(4)
    const { channel, sent } = answering(() => answers(all.map(() => frameType.stored)))
    for (const lot of lots)
      expect(await deliverRecords(channel, lot, wait)).toEqual(lot.map(() => undefined))
    const keys: string[] = []
    for (const frame of sent) {
      expect(frame.length).toBeLessThan(33_000)
      expect(isForClient(frame, 0)).toBe(false)
      const reader = new PutsReader(frame, 0, frame.length)
      while (reader.next()) keys.push(reader.key)
    }
    expect(keys).toEqual(all.map(({ key }) => key))
  })

  test('have arrived when each of them was acknowledged', async () => {
    const lot = await records(4, 10)
    const { stored, failed } = frameType
    const { channel } = answering(() => answers([stored, failed, undefined, stored]))
    const problems = await deliverRecords(channel, lot, wait)
    expect(problems.map((problem) => problem?.code)).toEqual([
      undefined,
      'ERR_CLOSED',
      'ERR_PROTOCOL',
      undefined,
    ])
  })

  test.each([
    ['works under another epoch', frameType.otherEpoch, 'ERR_PROTOCOL'],
    ['says no such thing', frameType.stored, 'ERR_PROTOCOL'],
    ['fails', frameType.failed, 'ERR_CLOSED'],
  ])('have not arrived when the owner %s', async (_, type, code) => {
    const lot = await records(2, 10)
    const body = type === frameType.failed ? packFailure(new ClosedError('gone')) : undefined
    const { channel } = answering(() => plainFrame({ type, flags: 0, id: 1 }, body))
    const problems = await deliverRecords(channel, lot, wait)
    expect(problems.map((problem) => problem?.code)).toEqual([code, code])
  })

  test('are held where the owner says that they are the same, and nowhere else', async () => {
    const lot = await records(4, 10)
    expect(lotsToAskFor(lot)).toEqual([lot])
    const { same, absent } = frameType
    const { channel } = answering(() => answers([same, absent, undefined, same]))
    expect(await whichAreHeld(channel, lot, wait)).toEqual([true, false, false, true])
    const other = answering(() => plainFrame({ type: frameType.otherEpoch, flags: 0, id: 1 }))
    expect(await whichAreHeld(other.channel, lot, wait)).toEqual([false, false, false, false])
  })

  test('share a frame unless they are long', async () => {
    const [short] = await records(1, 10)
    const [long] = await records(1, batchRecordBytesMax)
    expect(goesAlone(short!)).toBe(false)
    expect(goesAlone(long!)).toBe(true)
  })
})
