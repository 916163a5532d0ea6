/** The frame reader alone: bytes in, frames out, whatever the bytes and wherever they are cut. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FrameReader, type FrameSink } from '../../src/adapters/tcp-frame-reader.ts'
import { expectFrames, mulberry } from './kit.ts'

class Sink implements FrameSink {
  readonly frames: Uint8Array[] = []
  readonly max: (firstByte: number) => number
  onFrame: () => void = () => {}
  asked = 0

  constructor(max: (firstByte: number) => number = () => 1e6) {
    this.max = max
  }

  frameBytesMax(firstByte: number): number {
    this.asked++
    return this.max(firstByte)
  }

  frame(bytes: Uint8Array, start: number, end: number): void {
    this.frames.push(Uint8Array.from(bytes.subarray(start, end)))
    this.onFrame()
  }
}

function wire(frames: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(
    frames.flatMap((frame) => [Buffer.from(Uint32Array.of(frame.length).buffer), frame]),
  )
}

function patterned(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => at * 7 + length)
}

const mixed = [1, 2, 3, 4, 5, 8, 13, 40, 150].map(patterned)

describe('FrameReader', () => {
  test('delivers the same frames at whichever byte the stream is cut', () => {
    const stream = wire(mixed)
    for (let cut = 0; cut <= stream.length; cut++) {
      for (let second = cut; second <= Math.min(stream.length, cut + 7); second++) {
        const sink = new Sink()
        const reader = new FrameReader(sink)
        expect(reader.push(stream, 0, cut)).toBeUndefined()
        expect(reader.push(stream, cut, second)).toBeUndefined()
        expect(reader.push(stream, second, stream.length)).toBeUndefined()
        expectFrames(sink.frames, mixed)
        expect(reader.isAmidFrame).toBe(false)
      }
    }
  })

  test('delivers the same frames when each byte comes alone', () => {
    const sink = new Sink()
    const reader = new FrameReader(sink)
    for (const byte of wire(mixed)) reader.push(Uint8Array.of(byte), 0, 1)
    expectFrames(sink.frames, mixed)
  })

  test('delivers any frames, cut anywhere', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 10 }),
        (frames, steps) => {
          const stream = wire(frames)
          const sink = new Sink()
          const reader = new FrameReader(sink)
          for (let at = 0, step = 0; at < stream.length; step++) {
            const end = Math.min(stream.length, at + steps[step % steps.length]!)
            // Overwritten afterwards: the reader must not keep a view.
            const chunk = Uint8Array.from(stream.subarray(at, end))
            expect(reader.push(chunk, 0, chunk.length)).toBeUndefined()
            chunk.fill(0xee)
            at = end
          }
          expect(sink.frames).toEqual(frames.map((frame) => Uint8Array.from(frame)))
        },
      ),
    )
  })

  test('refuses a frame of length 0 as soon as its length is there', () => {
    const stream = Uint8Array.of(1, 0, 0, 0, 9, 0, 0, 0, 0)
    for (let cut = 0; cut < stream.length; cut++) {
      const sink = new Sink()
      const reader = new FrameReader(sink)
      const fault = reader.push(stream, 0, cut) ?? reader.push(stream, cut, stream.length)
      expect(fault).toBe('a frame of length 0')
      expect(sink.frames).toEqual([Uint8Array.of(9)])
    }
  })

  test('refuses a length over the cap of the first byte at that byte, and not before', () => {
    const sink = new Sink((first) => (first === 7 ? 10 : 5))
    const reader = new FrameReader(sink)
    expect(reader.push(Uint8Array.of(10, 0, 0, 0), 0, 4)).toBeUndefined()
    expect(sink.asked).toBe(0)
    expect(reader.push(Uint8Array.of(8), 0, 1)).toBe(
      'a frame of 10 bytes and first byte 8, over its cap of 5',
    )
    expect(reader.push(wire([patterned(3)]), 0, 7)).toContain('over its cap')
    expect(sink.frames).toEqual([])
  })

  test('takes a frame as long as its cap', () => {
    const sink = new Sink(() => 10)
    expect(new FrameReader(sink).push(wire([patterned(10)]), 0, 14)).toBeUndefined()
    expect(sink.frames).toHaveLength(1)
    expect(new FrameReader(sink).push(wire([patterned(11)]), 0, 15)).toContain('over its cap of 10')
  })

  test('allocates for what arrived, not for what was declared', () => {
    const readers = Array.from({ length: 200 }, () => new FrameReader(new Sink(() => 2 ** 30)))
    const before = process.memoryUsage().arrayBuffers
    for (const reader of readers) reader.push(Uint8Array.of(0, 0, 0, 0x20, 1), 0, 5)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200 * 16_384)
    expect(readers.every((reader) => reader.isAmidFrame)).toBe(true)
  })

  test('reads a large frame in small chunks in linear time', () => {
    const frame = new Uint8Array(2 ** 23).fill(7)
    const stream = wire([frame])
    const sink = new Sink(() => 2 ** 24)
    const reader = new FrameReader(sink)
    for (let at = 0; at < stream.length; at += 1000) {
      reader.push(stream, at, Math.min(stream.length, at + 1000))
    }
    expect(Buffer.compare(sink.frames[0] ?? Buffer.alloc(0), frame)).toBe(0)
  })

  test('delivers nothing after stop, even amid a chunk', () => {
    const sink = new Sink()
    const reader = new FrameReader(sink)
    sink.onFrame = () => reader.stop()
    const stream = wire(mixed)
    reader.push(stream, 0, stream.length)
    reader.push(stream, 0, stream.length)
    expect(sink.frames).toHaveLength(1)
  })

  test('tells one partial frame from the next one', () => {
    const reader = new FrameReader(new Sink())
    reader.push(Uint8Array.of(2, 0, 0), 0, 3)
    const first = reader.partialFrames
    reader.push(Uint8Array.of(0, 5), 0, 2)
    expect(reader.partialFrames).toBe(first)
    reader.push(Uint8Array.of(5, 9), 0, 2)
    expect(reader.isAmidFrame).toBe(true)
    expect(reader.partialFrames).not.toBe(first)
  })

  test('survives 100 000 random streams without an exception or a frame over its cap', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = mulberry(seed)
        for (let stream = 0; stream < 1000; stream++) fuzzOnce(random)
      }),
      { numRuns: 100 },
    )
  })
})

/** Half random bytes, half lengths that are likely to fit, cut at random. */
function fuzzOnce(random: () => number): void {
  const bytes = new Uint8Array(1 + Math.floor(random() * 60))
  for (let at = 0; at < bytes.length; at++)
    bytes[at] = random() < 0.5 ? random() * 256 : random() * 2
  const sink = new Sink((first) => first % 32)
  const reader = new FrameReader(sink)
  let fault: string | undefined
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + 1 + Math.floor(random() * 12))
    const before = sink.frames.length
    const wasFaulty = fault !== undefined
    fault = reader.push(bytes, at, end)
    if (wasFaulty && (fault === undefined || sink.frames.length > before))
      throw new Error('went on after a fault')
    at = end
  }
  for (const frame of sink.frames) {
    if (frame.length === 0 || frame.length > frame[0]! % 32) throw new Error('a frame over its cap')
  }
}
