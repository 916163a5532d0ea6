/** Pages of scans on the wire: they arrive as they were, and no answer of a peer breaks anything. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  pageTuple,
  readPageTuple,
  readScanTuple,
  scanTuple,
  type ScannedRange,
  type ScanRequest,
} from '../../src/replica/scan-page.ts'
import { heads, prefix, range } from './scan-kit.ts'

const request: ScanRequest = {
  epoch: 3,
  bucket: 'b',
  kind: 'siblings',
  prefix,
  partitions: [1, 2, 5],
  whole: [true, false, true],
  after: `${prefix}k`,
  bytesMax: 1000,
}

/** What is told, in a form that can be compared: bytes in place of where they lie. */
function plain(ranges: readonly ScannedRange[] | undefined): unknown {
  return ranges?.map(({ records, isComplete }) => ({
    isComplete,
    records: records.map(({ key, found }) =>
      found === 'damaged'
        ? [key]
        : [key, found.form, Buffer.from(found.bytes.subarray(found.start, found.end))],
    ),
  }))
}

describe('a request', () => {
  test('arrives as it was', () => {
    expect(readScanTuple(scanTuple(request))).toEqual(request)
    const open = { ...request, after: undefined }
    expect(readScanTuple(scanTuple(open))).toEqual(open)
  })

  test.each<[string, Partial<Record<keyof ScanRequest, unknown>>]>([
    ['no epoch', { epoch: 'x' }],
    ['no kind', { kind: 'toString' }],
    ['a prefix of another bucket', { prefix: 'c\0' }],
    ['no partition', { partitions: [], whole: [] }],
    ['partitions that do not ascend', { partitions: [1, 1, 2] }],
    ['a negative partition', { partitions: [-1, 1, 2] }],
    ['too many partitions', { partitions: Array.from({ length: 1025 }, (_, i) => i) }],
    ['fewer forms than partitions', { whole: [true] }],
    ['no limit', { bytesMax: undefined }],
    ['a key that is none', { after: 7 }],
  ])('with %s makes no sense', (_, change) => {
    const changed = { ...request, ...change } as ScanRequest
    expect(readScanTuple(scanTuple(changed))).toBeUndefined()
  })

  test('cannot ask for more than a page may have', () => {
    const greedy = readScanTuple(scanTuple({ ...request, bytesMax: 2 ** 40 }))
    expect(greedy?.bytesMax).toBe(1024 * 1024)
  })
})

describe('a page', () => {
  const pages: readonly ScannedRange[][] = [
    [range('')],
    [range(''), range(''), range('')],
    [range('k1:a1 k2:!'), range('k1:b3')],
    [heads(range('k1:a1 k2:a7')), range('a:a1', 'cut')],
  ]

  test.each(pages)('arrives as it was', (...ranges) => {
    for (const isRecovering of [true, false]) {
      const page = readPageTuple(pageTuple({ isRecovering, ranges }, prefix), request)
      expect(page?.isRecovering).toBe(isRecovering)
      expect(plain(page?.ranges)).toEqual(plain(ranges))
    }
  })

  test.each<[string, readonly ScannedRange[]]>([
    ['without a range', []],
    ['that leads nowhere', [range('', 'cut')]],
    ['that ends early without saying where', [range('k1:a1'), range('', 'cut')]],
    ['of more partitions than were asked for', Array.from({ length: 4 }, () => range(''))],
    ['that begins before what was asked for', [range('k:a1')]],
    ['with keys that do not ascend', [range('k2:a1 k1:a1')]],
    ['with one key twice', [range('k1:a1 k1:a1')]],
  ])('%s is none', (_, ranges) => {
    const tuple = pageTuple({ isRecovering: false, ranges }, prefix)
    expect(readPageTuple(tuple, request)).toBeUndefined()
  })

  test('that is cut or changed anywhere is read without a throw, and never as more than it is', () => {
    const tuple = pageTuple({ isRecovering: false, ranges: pages[2]! }, prefix)
    const body = tuple[3] as Buffer
    for (let end = 0; end < body.length; end++) {
      const cut = readPageTuple([...tuple.slice(0, 3), body.subarray(0, end)], request)
      expect(cut === undefined || cut.ranges.length < 2).toBe(true)
    }
    fc.assert(
      fc.property(fc.nat(body.length - 1), fc.nat(255), (at, byte) => {
        const changed = Buffer.from(body)
        changed[at] = byte
        const page = readPageTuple([...tuple.slice(0, 3), changed], request)
        for (const { records } of page?.ranges ?? []) {
          for (const { key } of records) expect(key.startsWith(prefix)).toBe(true)
        }
      }),
    )
  })

  test('of any other shape is none', () => {
    const shapes = fc.array(fc.anything(), { maxLength: 5 })
    fc.assert(fc.property(shapes, (shape) => readPageTuple(shape, request) === undefined))
    const bodies = fc.uint8Array({ maxLength: 60 })
    fc.assert(
      fc.property(bodies, fc.boolean(), (body, isComplete) => {
        readPageTuple(['page', false, isComplete, body], request)
      }),
    )
  })
})
