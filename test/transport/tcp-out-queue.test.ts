/** The out-queue alone, writing to a socket that takes what it is told to take. */
import { describe, expect, test } from 'vitest'
import { FrameReader } from '../../src/adapters/tcp-frame-reader.ts'
import { OUT_BUFFER_BYTES, OutBufferPool, OutQueue } from '../../src/adapters/tcp-out-queue.ts'
import { expectFrames } from './kit.ts'

/** Takes writes at once while `takes`; otherwise keeps them until `take`. */
class Socket {
  takes = true
  writes = 0
  taken: Uint8Array[] = []
  writableLength = 0
  #callbacks: (() => void)[] = []
  #pending: Uint8Array[] = []

  write(bytes: Uint8Array, written: () => void): void {
    this.writes++
    this.#callbacks.push(written)
    if (this.takes) {
      this.taken.push(Uint8Array.from(bytes))
    } else {
      this.#pending.push(bytes)
      this.writableLength += bytes.length
    }
  }

  /** Like a real socket: what waits is read only now, and callbacks come in the order of the writes. */
  take(): void {
    this.taken.push(...this.#pending.map((bytes) => Uint8Array.from(bytes)))
    this.#pending = []
    this.writableLength = 0
    this.callBack(this.#callbacks.length)
  }

  callBack(count: number): void {
    for (const callback of this.#callbacks.splice(0, count)) callback()
  }

  frames(): Uint8Array[] {
    const frames: Uint8Array[] = []
    const reader = new FrameReader({
      frameBytesMax: () => 1e7,
      frame: (bytes, start, end) => frames.push(Uint8Array.from(bytes.subarray(start, end))),
    })
    const faults = this.taken.filter((bytes) => reader.push(bytes, 0, bytes.length) !== undefined)
    if (faults.length > 0 || reader.isAmidFrame) throw new Error('what was written are not frames')
    return frames
  }
}

function frame(seed: number, length: number): Uint8Array {
  return new Uint8Array(length).fill(seed % 251)
}

function queueOn(socket: Socket): OutQueue {
  const queue = new OutQueue(new OutBufferPool(4))
  queue.open(socket)
  return queue
}

describe('OutQueue', () => {
  test('writes the frames of one flush in one piece', () => {
    const socket = new Socket()
    const queue = queueOn(socket)
    for (let seed = 0; seed < 20; seed++) queue.push(frame(seed, 150), 0, 150)
    expect(queue.queuedBytes).toBe(20 * 154)
    queue.flush()
    expect(socket.writes).toBe(1)
    expect(queue.queuedBytes).toBe(0)
    expect(socket.frames()).toHaveLength(20)
  })

  test('writes without a flush once there is work enough for the other end', () => {
    const socket = new Socket()
    const queue = queueOn(socket)
    for (let seed = 0; seed < 256; seed++) queue.push(frame(seed, 150), 0, 150)
    expect(socket.writes).toBe(3)
    queue.flush()
    expect(socket.writes).toBe(4)
    for (let seed = 0; seed < 27; seed++) queue.push(frame(seed, 150), 0, 150)
    expect(socket.writes).toBe(5)
    queue.flush()
    expect(socket.frames()).toHaveLength(256 + 27)
  })

  test('keeps frames whole at every place around the end of a buffer', () => {
    for (let over = -12; over <= 12; over++) {
      const socket = new Socket()
      const queue = queueOn(socket)
      const frames = [
        frame(1, OUT_BUFFER_BYTES - 8 + over),
        frame(2, 3),
        frame(3, 100),
        frame(4, 300_000),
      ]
      for (const each of frames) queue.push(each, 0, each.length)
      queue.flush()
      expectFrames(socket.frames(), frames)
      expect(queue.queuedBytes).toBe(0)
    }
  })

  test('does not touch a buffer that the kernel has not taken', () => {
    const socket = new Socket()
    socket.takes = false
    const queue = queueOn(socket)
    const frames: Uint8Array[] = []
    for (let round = 0; round < 50; round++) {
      const next = frame(round, 5000)
      frames.push(next)
      queue.push(next, 0, next.length)
      queue.flush()
    }
    expect(socket.writes).toBe(1)
    expect(queue.queuedBytes).toBe(50 * 5004)
    while (queue.queuedBytes > 0) socket.take()
    expectFrames(socket.frames(), frames)
  })

  test('tells late callbacks of writes that were taken at once from the one that it waits for', () => {
    const socket = new Socket()
    const queue = queueOn(socket)
    const frames = [1, 2, 3, 4].map((seed) => frame(seed, 100))
    for (const [index, each] of frames.entries()) {
      socket.takes = index < 2
      queue.push(each, 0, each.length)
      queue.flush()
    }
    // The third write waits. The callbacks that come now are those of the first two.
    socket.callBack(2)
    expect(queue.queuedBytes).toBe(208)
    expect(socket.writes).toBe(3)
    while (queue.queuedBytes > 0) socket.take()
    expectFrames(socket.frames(), frames)
  })

  test('gathers without a socket and writes in order when there is one', () => {
    const socket = new Socket()
    const queue = new OutQueue(new OutBufferPool(4))
    const frames = [1, 2, 3, 4, 5].map((seed) => frame(seed, 50_000))
    for (const each of frames) queue.push(each, 0, each.length)
    queue.flush()
    queue.open(socket)
    queue.flush()
    expectFrames(socket.frames(), frames)
  })

  test('drop forgets everything', () => {
    const socket = new Socket()
    const queue = queueOn(socket)
    queue.push(frame(1, 300_000), 0, 300_000)
    queue.drop()
    const { writes } = socket
    queue.flush()
    expect(queue.queuedBytes).toBe(0)
    expect(socket.writes).toBe(writes)
  })
})

test('a pool keeps no more buffers than it may', () => {
  const pool = new OutBufferPool(1)
  const [one, two] = [pool.take(), pool.take()]
  pool.give(one)
  pool.give(two)
  expect(pool.take()).toBe(one)
  expect(pool.take()).not.toBe(two)
})
