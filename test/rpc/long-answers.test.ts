/** A long record is sent from where it lies: it stays what it was, whatever is stored over it meanwhile. */
import { expect, test } from 'vitest'
import { memoryStorage } from '../../src/index.ts'
import { ReplicaHandlers, type HandlersOptions } from '../../src/replica/handlers.ts'
import { ReplicaStore } from '../../src/replica/replica-store.ts'
import { Revisions } from '../../src/replica/revisions.ts'
import { getFrame, type Frame, type FrameTail } from '../../src/rpc/frame-buffer.ts'
import { encodeRecord } from '../../src/versions/record-codec.ts'

const actor = 'a'.padEnd(16, '.')
const bytes = 1024 * 1024

/** The record after so many writes of one node. */
function record(counter: number): Buffer {
  const dot = { actor, counter }
  const value = Buffer.alloc(bytes, counter)
  const sibling = { dot, tombstone: false, value, stamp: 0, expiresAtMs: 0 }
  const context = { vector: [dot], isolated: [] }
  return encodeRecord({ kind: 'siblings', context, siblings: [sibling] })
}

test('a long answer is never what was stored after it', async () => {
  const storage = memoryStorage()
  await storage.open()
  const store = new ReplicaStore({
    storage,
    revisions: new Revisions(),
    writeFailed: () => undefined,
  })
  const handlers = new ReplicaHandlers({
    store,
    ring: () => ({ epoch: 1 }),
    kindOpened: () => undefined,
    lackOf: () => undefined,
  } as unknown as HandlersOptions)
  const place = { partition: 7, key: 'b\0k' }
  const put = (counter: number): void => {
    const incoming = record(counter)
    const region = { bytes: incoming, start: 0, end: incoming.length }
    if (store.near.merge(place.partition, place.key, region)) return
    void store.merge(place.partition, place.key, region)
  }
  put(1)
  for (let counter = 1; counter < 20; counter += 3) {
    const tails: FrameTail[] = []
    const to = {
      send: ({ tail }: Frame) => tails.push(tail!) > 0,
      fail: (error: Error) => expect.unreachable(error.message),
    }
    const { bytes: asked, end } = getFrame({ epoch: 1, timeLeftMs: 1 }, { ...place, kind: 1 })
    handlers.get(to, Buffer.from(asked.subarray(0, end)), 0, end)
    for (let more = 1; more <= 3; more++) put(counter + more)
    const [tail] = tails
    expect(Buffer.from(tail!.bytes).subarray(tail!.start, tail!.end).equals(record(counter))).toBe(
      true,
    )
  }
})
