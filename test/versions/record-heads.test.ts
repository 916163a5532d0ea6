/** Heads of records: what is left of a record without its values, and what they tell. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hasExpired } from '../../src/versions/expiry.ts'
import { liveValues } from '../../src/versions/live-values.ts'
import { encodeRecord } from '../../src/versions/record-codec.ts'
import {
  hasOverdue,
  hasValue,
  headsOf,
  isHeads,
  sameHeads,
  valueBytesOf,
  type RecordView,
} from '../../src/versions/record-heads.ts'
import type { Sibling, SiblingSet } from '../../src/versions/sibling-set.ts'
import { contextOf, dotOf } from './kit.ts'

const now = 1000

function sibling(dot: string, rest: Partial<Sibling> = {}): Sibling {
  const value = Buffer.from(`value of ${dot}`)
  return { dot: dotOf(dot), tombstone: false, value, stamp: 0, expiresAtMs: 0, ...rest }
}

function viewOf(siblings: readonly Sibling[], context = 'a3 b1 + a5 c7'): RecordView {
  const set: SiblingSet = { kind: 'siblings', context: contextOf(context), siblings }
  const bytes = encodeRecord(set, 5)
  return { form: 'record', bytes, start: 5, end: bytes.length }
}

function headsView(record: RecordView): RecordView {
  const bytes = headsOf(record)
  return { form: 'heads', bytes, start: 0, end: bytes.length }
}

const tombstone = { tombstone: true, value: Buffer.alloc(0) }

describe('heads', () => {
  const several = viewOf([
    sibling('a2', { expiresAtMs: 1500 }),
    sibling('a3', tombstone),
    sibling('b1'),
  ])

  it('are the record without its values, and are sound', () => {
    const heads = headsView(several)
    expect(heads.end).toBe(several.end - several.start - 2 * 'value of a2'.length)
    expect(isHeads(heads.bytes, heads.start, heads.end)).toBe(true)
    expect(valueBytesOf(several)).toBe(22)
    expect(valueBytesOf(heads)).toBe(22)
    expect(headsOf(heads)).toEqual(heads.bytes)
  })

  it('are the same for one record, in whichever form', () => {
    const heads = headsView(several)
    for (const left of [several, heads]) {
      for (const right of [several, heads]) expect(sameHeads(left, right)).toBe(true)
    }
  })

  it.each([
    [
      'another dot',
      viewOf([sibling('a1', { expiresAtMs: 1500 }), sibling('a3', tombstone), sibling('b1')]),
    ],
    [
      'another context',
      viewOf(
        [sibling('a2', { expiresAtMs: 1500 }), sibling('a3', tombstone), sibling('b1')],
        'a3 b2 + a5 c7',
      ),
    ],
    [
      'a value in place of the tombstone',
      viewOf([sibling('a2', { expiresAtMs: 1500 }), sibling('a3'), sibling('b1')]),
    ],
    [
      'another expiry',
      viewOf([sibling('a2', { expiresAtMs: 1501 }), sibling('a3', tombstone), sibling('b1')]),
    ],
    ['one sibling less', viewOf([sibling('a2', { expiresAtMs: 1500 }), sibling('a3', tombstone)])],
  ])('differ by %s', (_, other) => {
    expect(sameHeads(several, other)).toBe(false)
    expect(sameHeads(headsView(other), several)).toBe(false)
  })

  it.each([
    ['a value', [sibling('a2')], true, false],
    ['a tombstone', [sibling('a2', tombstone)], false, false],
    ['a value beside a tombstone', [sibling('a2', tombstone), sibling('b1')], true, false],
    ['a value that expires later', [sibling('a2', { expiresAtMs: 1001 })], true, false],
    ['a value that expires now', [sibling('a2', { expiresAtMs: 1000 })], true, true],
    ['a value that has ended', [sibling('a2', { ...tombstone, expiresAtMs: 1 })], false, false],
    [
      'an overdue value before another',
      [sibling('a2', { expiresAtMs: 1 }), sibling('b1')],
      true,
      true,
    ],
    [
      'an overdue value behind another',
      [sibling('a2'), sibling('b1', { expiresAtMs: 1 })],
      true,
      true,
    ],
  ])('tell of %s whether there is a value, and one to be ended', (_, siblings, has, overdue) => {
    const record = viewOf(siblings)
    for (const view of [record, headsView(record)]) {
      expect(hasValue(view)).toBe(has)
      expect(hasOverdue(view, now)).toBe(overdue)
    }
    const decoder = { decode: (bytes: Uint8Array) => bytes }
    expect(liveValues(record.bytes, record.start, 0, decoder).length > 0).toBe(has)
    expect(hasExpired(record.bytes, record.start, now)).toBe(overdue)
  })

  it('are told from nonsense without reading beyond it', () => {
    const { bytes } = headsView(several)
    for (let end = 0; end < bytes.length; end++) expect(isHeads(bytes, 0, end)).toBe(false)
    expect(isHeads(Buffer.concat([bytes, Buffer.alloc(1)]), 0, bytes.length + 1)).toBe(false)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (noise) => {
        if (!isHeads(noise, 0, noise.length)) return
        const view = { form: 'heads', bytes: noise, start: 0, end: noise.length } as const
        hasValue(view)
        hasOverdue(view, now)
        expect(sameHeads(view, view)).toBe(true)
      }),
    )
  })
})
