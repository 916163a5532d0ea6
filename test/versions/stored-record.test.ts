/** What a replica keeps: the fast ways agree with the algebra, and damage is seen (HAZARDS H2, H3). */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { writeU16 } from '../../src/base/bytes.ts'
import {
  decodeStored,
  merged,
  openStored,
  ownDot,
  sealStored,
  storedHeaderBytes,
  writtenLocally,
} from '../../src/replica/stored-record.ts'
import {
  coversDot,
  emptyContext,
  joinContexts,
  vectorCounter,
  withDot,
} from '../../src/versions/causal-context.ts'
import { counterMax } from '../../src/versions/dot-source.ts'
import { encodeRecord } from '../../src/versions/record-codec.ts'
import { sync, written } from '../../src/versions/sibling-set.ts'
import {
  dotsOf,
  nothing,
  pasts,
  readOf,
  recordIn,
  seeded,
  someRecords,
  valuesOf,
  writeOf,
} from './kit.ts'

describe('a record merged in its bytes', () => {
  it('is the sync of what the bytes mean, or nothing when that changes nothing', () => {
    fc.assert(
      fc.property(someRecords(2), ([local, incoming]) => {
        const both = sync(decodeStored(local!), decodeStored(incoming!))
        const stored = merged(local, incoming!, storedHeaderBytes, incoming!.length)
        expect(recordIn(stored ?? local!)).toEqual(recordIn(encodeRecord(both, storedHeaderBytes)))
        expect(stored === undefined).toBe(encodeRecord(both).equals(recordIn(local!)))
      }),
      { numRuns: 1000 },
    )
  })

  it('is found wherever it stands in a frame, and copied out of it', () => {
    const source = writtenLocally(undefined, writeOf('v1', { dots: dotsOf('a') })).stored
    const record = recordIn(source)
    const frame = Buffer.concat([Buffer.alloc(5, 255), record, Buffer.alloc(9, 255)])
    const stored = merged(undefined, frame, 5, 5 + record.length)
    frame.fill(0)
    expect(valuesOf(stored)).toEqual(['v1'])
  })

  it('keeps the note of this node while nobody knows more', () => {
    const dots = dotsOf('a')
    const first = writtenLocally(undefined, writeOf('v1', { dots })).stored
    const there = merged(undefined, first, storedHeaderBytes, first.length)
    expect(ownDot(first)?.counter).toBe(1)
    expect(ownDot(there!)).toBeUndefined()
    const elsewhere = writtenLocally(there, writeOf('v2', { dots: dotsOf('b') })).stored
    const back = merged(first, elsewhere, storedHeaderBytes, elsewhere.length)!
    expect(ownDot(back)).toEqual(ownDot(first))
    const second = writtenLocally(back, writeOf('v3', { dots })).stored
    expect(ownDot(second)).toEqual({ ...ownDot(first), counter: 2 })
    expect(ownDot(merged(first, second, storedHeaderBytes, second.length)!)).toBeUndefined()
  })
})

describe('a coordinated write', () => {
  it('is what the algebra makes of it, on the fast ways too', () => {
    fc.assert(
      fc.property(pasts(), ({ writes }) => {
        for (const { before, write, after } of writes) {
          const set = before && decodeStored(before)
          const held = set?.context ?? emptyContext
          const replaces = write.replaces === 'all' ? held : write.replaces.causal
          const known = joinContexts(held, replaces)
          const result = decodeStored(after)
          const sibling = result.siblings.find(({ dot }) => !coversDot(known, dot))!
          expect(result).toEqual(written(set, { kind: write.kind, replaces, sibling }))
          expect(recordIn(after)).toEqual(encodeRecord(result))
          expect(sibling.value).toEqual(Buffer.from(write.value))
          expect(ownDot(after)).toEqual(sibling.dot)
          expect(vectorCounter(result.context, sibling.dot.actor)).toBe(sibling.dot.counter)
        }
      }),
    )
  })

  it('tells what it replaced and itself, nothing more', () => {
    const dots = dotsOf('a')
    const before = writtenLocally(undefined, writeOf('v1', { dots })).stored
    const blind = writtenLocally(before, writeOf('v2', { dots, replaces: nothing }))
    const [, dot] = decodeStored(blind.stored).siblings.map((each) => each.dot)
    expect(blind).toMatchObject({ siblings: 2, replaced: { stamp: 0 } })
    expect(blind.replaced!.causal).toEqual(withDot(emptyContext, dot!))
    const read = writtenLocally(blind.stored, writeOf('v3', { dots, replaces: readOf(before) }))
    expect(valuesOf(read.stored)).toEqual(['v2', 'v3'])
    expect(read.replaced!.causal.isolated).toEqual([decodeStored(read.stored).siblings[1]!.dot])
    expect(writtenLocally(read.stored, writeOf('v4', { dots })).replaced).toBeUndefined()
  })

  it.each([
    ['a plain put', 'all' as const],
    ['one that replaces nothing', nothing],
  ])('%s: the last counter is used, then a fresh epoch (K5)', (_, replaces) => {
    const dots = dotsOf('a')
    const dot = { actor: dots.freshActor(), counter: counterMax - 1 }
    const sibling = { dot, tombstone: false, value: Buffer.from('v1'), stamp: 0, expiresAtMs: 0 }
    const context = { vector: [dot], isolated: [] }
    const before = encodeRecord(
      { kind: 'siblings', context, siblings: [sibling] },
      storedHeaderBytes,
    )
    writeU16(before, 2, 0)
    const last = writtenLocally(before, writeOf('v2', { dots, replaces })).stored
    expect(decodeStored(last).context.vector).toEqual([{ ...dot, counter: counterMax }])
    const next = writtenLocally(last, writeOf('v3', { dots, replaces })).stored
    expect(decodeStored(next).context.vector.map(({ counter }) => counter)).toEqual([counterMax, 1])
    expect(decodeStored(next).siblings.at(-1)!.dot.counter).toBe(1)
  })
})

/** Sealed records of histories with their keys. */
function sealed(checked: boolean): { key: string; bytes: Buffer }[] {
  return fc.sample(pasts(), { seed: 7, numRuns: 40 }).map(({ records }, i) => {
    const bytes = Buffer.from(records.at(-1)!)
    sealStored(bytes, `key ${i}`, checked)
    return { key: `key ${i}`, bytes }
  })
}

describe('stored bytes with a checksum', () => {
  const sound = sealed(true)

  it('are opened as they were sealed, and nothing is absent', () => {
    for (const { key, bytes } of sound) expect(openStored(bytes, key)).toBe(bytes)
    expect(openStored(undefined, 'key')).toBeUndefined()
    expect(openStored(new Uint8Array(0), 'key')).toBe('damaged')
  })

  it('are damaged by each single flipped bit', () => {
    for (const { key, bytes } of sound.slice(0, 10)) {
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        bytes[bit >> 3]! ^= 1 << (bit & 7)
        if (openStored(bytes, key) !== 'damaged') throw new Error(`bit ${bit} of ${key}`)
        bytes[bit >> 3]! ^= 1 << (bit & 7)
      }
      expect(openStored(bytes, key)).toBe(bytes)
    }
  })

  it('are damaged when cut off at any byte, or followed by another', () => {
    for (const { key, bytes } of sound) {
      for (let end = 0; end < bytes.length; end++) {
        expect(openStored(bytes.subarray(0, end), key)).toBe('damaged')
      }
      expect(openStored(Buffer.concat([bytes, Buffer.alloc(1)]), key)).toBe('damaged')
    }
  })

  it('are damaged under any other key', () => {
    for (const { bytes } of sound) {
      const opened = sound.filter(({ key }) => openStored(bytes, key) !== 'damaged')
      expect(opened.map((each) => each.bytes)).toEqual([bytes])
    }
  })

  it('are damaged by 200 000 random changes, and never throw', () => {
    const float = seeded(21)
    const below = (limit: number): number => Math.floor(float() * limit)
    for (let i = 0; i < 200_000; i++) {
      const { key, bytes } = sound[below(sound.length)]!
      const spoilt = i % 5 === 0 ? Buffer.alloc(below(80)) : Buffer.from(bytes)
      for (let k = below(4) + 1; k > 0; k--) spoilt[below(spoilt.length)] = below(256)
      if (spoilt.equals(bytes)) continue
      if (openStored(spoilt, key) !== 'damaged') throw new Error(spoilt.toString('hex'))
    }
  })

  it('count for nothing when damaged: the next write starts a fresh epoch beside what others hold (H3)', () => {
    const dots = dotsOf('a')
    const first = writtenLocally(undefined, writeOf('v1', { dots })).stored
    sealStored(first, 'key', true)
    const elsewhere = Buffer.from(first)
    first[first.length - 1]! ^= 1
    const local = openStored(first, 'key')
    expect(local).toBe('damaged')
    const next = writtenLocally(undefined, writeOf('v2', { dots })).stored
    expect(ownDot(next)!.actor).not.toBe(ownDot(elsewhere)!.actor)
    const both = merged(next, elsewhere, storedHeaderBytes, elsewhere.length)
    expect(valuesOf(both)).toEqual(['v1', 'v2'])
  })
})

describe('stored bytes without a checksum', () => {
  it('are believed for their mark alone, not for their first byte', () => {
    for (const { key, bytes } of sealed(false)) expect(openStored(bytes, key)).toBe(bytes)
    for (const { key, bytes } of sealed(true)) {
      bytes[0] = 1
      expect(openStored(bytes, key)).toBe('damaged')
    }
  })
})
