/** Scans, the pure parts: who is asked, what the answers make together, and the text of a position. */
import { describe, expect, test } from 'vitest'
import { decodeCursor, encodeCursor } from '../../src/coordinator/scan-cursor.ts'
import {
  mergeScan,
  type PartitionAnswers,
  type ScanBatch,
} from '../../src/coordinator/scan-merge.ts'
import { planScan } from '../../src/coordinator/scan-plan.ts'
import { ringOf } from './kit.ts'
import { heads, prefix, range } from './scan-kit.ts'

const beginning = { partition: 4, after: undefined }

/** `4/k1 4/k2?`: keys by partition; a question mark where the owners do not agree. */
function told({ keys }: ScanBatch): string {
  return keys
    .map(({ partition, key, agreed }) => `${partition}/${key.slice(2)}${agreed ? '' : '?'}`)
    .join(' ')
}

describe('the answers of R owners', () => {
  test.each<[string, PartitionAnswers[], string, string]>([
    ['nothing', [[range(''), range('')]], '', '5'],
    ['the same', [[range('k1:a1 k2:a2'), range('k1:a1 k2:a2')]], '4/k1 4/k2', '5'],
    ['one is newer', [[range('k1:a1'), range('k1:a2')]], '4/k1?', '5'],
    ['one is absent', [[range('k1:a1 k2:a1'), range('k2:a1')]], '4/k1? 4/k2', '5'],
    [
      'the other is absent',
      [[range('k2:a1'), range('k1:a1 k2:a1 k3:b1')]],
      '4/k1? 4/k2 4/k3?',
      '5',
    ],
    ['one is damaged', [[range('k1:!'), range('k1:a1')]], '4/k1?', '5'],
    ['of three, the third differs', [[range('k1:a1'), range('k1:a1'), range('')]], '4/k1?', '5'],
    [
      'partitions in a row',
      [
        [range('k9:a1'), range('k9:a1')],
        [range(''), range('')],
        [range('k1:a1'), range('k1:a1')],
      ],
      '4/k9 6/k1',
      '7',
    ],
    [
      'one page ends early: no further than it',
      [[range('k1:a1 k2:a1', 'cut'), range('k1:a1 k2:a1 k3:a1')]],
      '4/k1 4/k2',
      '4 k2',
    ],
    [
      'both end early: no further than the one that ends first',
      [[range('k1:a1 k5:a1', 'cut'), range('k1:a1 k3:a1', 'cut')]],
      '4/k1 4/k3?',
      '4 k3',
    ],
    [
      'a page does not come to a partition',
      [
        [range('k1:a1'), range('k1:a1')],
        [undefined, range('k2:a1')],
      ],
      '4/k1',
      '5',
    ],
    [
      'a page ends early: nothing of later partitions',
      [
        [range('k1:a1', 'cut'), range('k1:a1')],
        [range('k2:a1'), range('k2:a1')],
      ],
      '4/k1',
      '4 k1',
    ],
  ])('%s', (_, partitions, keys, next) => {
    const batch = mergeScan(beginning, partitions)
    expect(told(batch)).toBe(keys)
    const [partition, after] = next.split(' ')
    expect(batch.next).toEqual({ partition: Number(partition), after: after && prefix + after })
  })

  test('go on where the last page ended, and stay there when nobody got further', () => {
    const position = { partition: 4, after: `${prefix}k3` }
    expect(mergeScan(position, [[undefined, range('k4:a1')]]).next).toEqual(position)
    const batch = mergeScan(position, [[range('k4:a1'), range('k4:a1')]])
    expect(told(batch)).toBe('4/k4')
  })

  test('agree by their heads, and the whole record is kept, whoever told it', () => {
    const whole = range('k1:a1 k2:a1')
    for (const answers of [
      [whole, heads(whole)],
      [heads(whole), whole],
    ]) {
      const { keys } = mergeScan(beginning, [answers])
      expect(keys.map(({ agreed }) => agreed?.form)).toEqual(['record', 'record'])
      expect(keys.map(({ valueBytes }) => valueBytes)).toEqual([2, 2])
    }
    const bare = mergeScan(beginning, [[heads(whole), heads(whole)]])
    expect(bare.keys.map(({ agreed }) => agreed?.form)).toEqual(['heads', 'heads'])
  })
})

describe('who is asked', () => {
  const ring = ringOf(['a', 'b', 'c', 'd', 'e'], { partitions: 64 })
  const aim = { firstPartition: 0, partitionsMax: 64, needed: 2, isWhole: true }

  test('R owners of each partition, and one of them for whole records', () => {
    const plan = planScan(ring, aim, () => 1)
    if (typeof plan === 'number') throw new Error('there are owners enough')
    expect(plan.partitions).toBe(64)
    for (let partition = 0; partition < 64; partition++) {
      const asked = plan.asks.filter(({ partitions }) => partitions.includes(partition))
      expect(asked).toHaveLength(2)
      expect(asked.every(({ owner }) => ring.ownsPartition(owner, partition))).toBe(true)
      const whole = asked.filter((ask) => ask.whole[ask.partitions.indexOf(partition)])
      expect(whole).toHaveLength(1)
    }
    for (const { partitions } of plan.asks) {
      expect(partitions).toEqual(partitions.toSorted((a, b) => a - b))
    }
  })

  test('the one of the least rank tells records whole; nobody of rank -1 is asked', () => {
    const plan = planScan(ring, aim, (id) => ({ a: -1, e: 0 })[id] ?? 1)
    if (typeof plan === 'number') throw new Error('there are owners enough')
    expect(plan.asks.map(({ owner }) => owner)).not.toContain('a')
    const e = plan.asks.find(({ owner }) => owner === 'e')!
    expect(e.whole).not.toContain(false)
    expect(e.partitions).toHaveLength(ring.ownedCount('e'))
  })

  test('as few as can be: of a ring of three, always the same two', () => {
    const plan = planScan(ringOf(['a', 'b', 'c'], { partitions: 64 }), aim, () => 1)
    expect(
      typeof plan !== 'number' && plan.asks.map(({ partitions }) => partitions.length),
    ).toEqual([64, 64])
  })

  test('up to the first partition with too few; and how many those are', () => {
    const bad = Array.from({ length: 64 }, (_, i) => i).find(
      (i) => i > 0 && !ring.owners(i).includes(ring.owners(0)[0]!),
    )!
    const able = new Set([...ring.owners(0), ...ring.owners(0)])
    const rank = (id: string): number => (able.has(id) ? 1 : -1)
    const plan = planScan(ring, { ...aim, needed: 3 }, rank)
    expect(typeof plan !== 'number' && plan.partitions).toBeGreaterThan(0)
    expect(typeof plan !== 'number' && plan.partitions).toBeLessThanOrEqual(bad)
    const few = planScan(ring, { ...aim, firstPartition: bad, needed: 3 }, rank)
    expect(few).toBeLessThan(3)
  })
})

describe('a cursor', () => {
  const binding = { cluster: 'c', bucket: 'bücket', prefix: 'pré' }
  const head = Buffer.from('bücket\0').toString('latin1')
  const positions = [
    { partition: 0, after: undefined },
    { partition: 65_535, after: undefined },
    { partition: 3, after: `${head}prék` },
    { partition: 3, after: `${head}${Buffer.from('pré€👍\0x').toString('latin1')}` },
    { partition: 3, after: head + 'k'.repeat(1024) },
  ]

  test.each(positions)('is URL-safe, and what it was before: %o', (position) => {
    const text = encodeCursor(binding, position)
    expect(text).toMatch(/^[\w-]+$/)
    expect(decodeCursor(binding, text)).toEqual(position)
  })

  test('of another scan, or damaged, is none', () => {
    const text = encodeCursor(binding, positions[2]!)
    for (const other of [{ cluster: 'd' }, { bucket: 'b' }, { prefix: 'pr' }, { prefix: '' }]) {
      expect(decodeCursor({ ...binding, ...other }, text)).toBeUndefined()
    }
    for (let i = 0; i < text.length; i++) {
      const changed = text.slice(0, i) + (text[i] === 'A' ? 'B' : 'A') + text.slice(i + 1)
      expect(decodeCursor(binding, changed)).toBeUndefined()
      expect(decodeCursor(binding, text.slice(0, i))).toBeUndefined()
    }
    for (const nonsense of ['', ' ', 'é', `${text}=`, `${text}A`, 'A'.repeat(1e6)]) {
      expect(decodeCursor(binding, nonsense)).toBeUndefined()
    }
  })
})
