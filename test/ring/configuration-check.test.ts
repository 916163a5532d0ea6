import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RingConfiguration } from '../../src/ring/configuration.ts'
import {
  checkConfiguration,
  configurationLimits,
  fromTuple,
  toTuple,
} from '../../src/ring/configuration-check.ts'
import { Ring } from '../../src/ring/ring.ts'
import { configurationOf, identityOf, memberOf } from './kit.ts'

const valid = configurationOf(
  [
    memberOf('a', { stage: 'joining' }),
    memberOf('b', { zone: 'z', weight: 2.5 }),
    memberOf('c', { stage: 'leaving' }),
  ],
  { epoch: 9, departed: [identityOf('gone')] },
)

/** The valid configuration with one member in place of all. */
function withOne(fields: object): unknown {
  return { ...valid, members: [{ ...memberOf('a'), ...fields }] }
}

const identity = fc.stringMatching(/^[0-9a-f]{32}$/)

const configurations: fc.Arbitrary<RingConfiguration> = fc
  .record({
    cluster: identity,
    epoch: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    partitions: fc.nat(6).map((bits) => 2 ** bits),
    n: fc.integer({ min: 1, max: 5 }),
    ids: fc.uniqueArray(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }), {
      minLength: 1,
      maxLength: 8,
    }),
    zone: fc.constantFrom('', 'eu', 'us'),
    weight: fc.double({ min: 1 / 128, max: 16, noNaN: true }),
    stage: fc.constantFrom('joining' as const, 'normal' as const, 'leaving' as const),
    before: fc.constantFrom<readonly string[] | undefined>(undefined, ['a'], ['a', 'b']),
  })
  .map(({ ids, zone, weight, stage, before, ...rest }) => {
    const settled = configurationOf(
      ids.map((id, i) => memberOf(id, i === 0 ? { zone, weight, stage } : {})),
      rest,
    )
    if (before === undefined) return settled
    return { ...settled, transition: { before: before.map((id) => memberOf(id)) } }
  })

describe('a configuration on the wire', () => {
  test('comes back equal', () => {
    fc.assert(
      fc.property(configurations, (configuration) => {
        const wire: unknown = JSON.parse(JSON.stringify(toTuple(configuration)))
        expect(fromTuple(wire)).toEqual(configuration)
      }),
    )
  })

  test('is arrays, strings and numbers only', () => {
    expect(toTuple(valid)).toEqual([
      valid.cluster,
      9,
      1024,
      3,
      [
        ['a', identityOf('a'), '', 1, 0],
        ['b', identityOf('b'), 'z', 2.5, 1],
        ['c', identityOf('c'), '', 1, 2],
      ],
      [identityOf('gone')],
      0,
      null,
    ])
    const before = [memberOf('a')]
    expect(toTuple({ ...valid, transition: { before } })[7]).toEqual([
      ['a', identityOf('a'), '', 1, 1],
    ])
  })

  test('never throws for any decoded value, and says what is wrong in a sentence', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(typeof fromTuple(value)).toBe('string')
        expect(typeof checkConfiguration(value)).toBe('string')
      }),
      { numRuns: 500 },
    )
  })

  test('with one damaged part is refused, or a ring can still be built of it', () => {
    fc.assert(
      fc.property(configurations, fc.nat(), fc.anything(), (configuration, at, junk) => {
        const wire = structuredClone<unknown>(toTuple(configuration)) as unknown[]
        const member = (wire[4] as unknown[][])[0]!
        const place = at % (wire.length + member.length)
        if (place < wire.length) wire[place] = junk
        else member[place - wire.length] = junk
        const result = fromTuple(wire)
        if (typeof result === 'string') return
        expect(new Ring(result).owners(0).length).toBeGreaterThan(0)
      }),
      { numRuns: 500 },
    )
  })
})

describe('the check of a configuration', () => {
  test('gives a copy of a valid one without fields that it does not know', () => {
    const extra = { ...valid, extra: 1, members: valid.members.map((m) => ({ ...m, extra: 1 })) }
    expect(checkConfiguration(extra)).toEqual(valid)
    expect(checkConfiguration(valid)).not.toBe(valid)
  })

  const xs = (count: number): string => 'x'.repeat(count)
  const { membersMax, weightMax, weightMin } = configurationLimits

  test.each<[string, unknown]>([
    ['an epoch of 1', { ...valid, epoch: 1 }],
    ['the greatest epoch', { ...valid, epoch: Number.MAX_SAFE_INTEGER }],
    ['one partition', { ...valid, partitions: 1 }],
    ['65536 partitions', { ...valid, partitions: 65_536 }],
    ['n of 15', { ...valid, n: 15 }],
    ['an id of 128 bytes', withOne({ id: xs(128) })],
    ['an id of 42 characters of 3 bytes', withOne({ id: '環'.repeat(42) })],
    ['the least weight', withOne({ weight: weightMin })],
    ['the greatest weight', withOne({ weight: weightMax })],
    [
      '4096 departed',
      { ...valid, departed: Array.from({ length: 4096 }, (_, i) => identityOf(`${i}`)) },
    ],
  ])('lets through %s', (_, value) => {
    expect(checkConfiguration(value)).toEqual(value)
  })

  test.each<[string, unknown, string]>([
    ['another cluster id', { ...valid, cluster: 'abc' }, 'cluster'],
    ['capitals in an identity', { ...valid, cluster: 'A'.repeat(32) }, 'cluster'],
    ['an epoch of 0', { ...valid, epoch: 0 }, 'epoch'],
    ['an epoch that is not exact', { ...valid, epoch: 2 ** 53 }, 'epoch'],
    ['half an epoch', { ...valid, epoch: 1.5 }, 'epoch'],
    ['a bigint epoch', { ...valid, epoch: 9n }, 'epoch'],
    ['no partitions', { ...valid, partitions: 0 }, 'power of two'],
    ['1000 partitions', { ...valid, partitions: 1000 }, 'power of two'],
    ['131072 partitions', { ...valid, partitions: 131_072 }, 'power of two'],
    ['n of 0', { ...valid, n: 0 }, 'n is not'],
    ['n of 65', { ...valid, n: 65 }, 'n is not'],
    ['no members', { ...valid, members: [] }, 'at least one'],
    ['members in another order', { ...valid, members: valid.members.toReversed() }, 'ascending'],
    ['a member twice', { ...valid, members: [memberOf('a'), memberOf('a')] }, 'ascending'],
    [
      'one storage in two members',
      { ...valid, members: [memberOf('a'), memberOf('b', { store: identityOf('a') })] },
      'same store',
    ],
    ['a hole among the members', { ...valid, members: Array.from({ length: 2 }) }, 'member 0'],
    [
      'too many members',
      { ...valid, members: Array.from({ length: membersMax + 1 }) },
      '10001 members',
    ],
    ['an empty id', withOne({ id: '' }), 'id'],
    ['an id of 129 bytes', withOne({ id: xs(129) }), 'id'],
    ['an id of 43 characters of 3 bytes', withOne({ id: '環'.repeat(43) }), 'id'],
    ['a lone surrogate in an id', withOne({ id: '\ud800' }), 'id'],
    ['a zone of 129 bytes', withOne({ zone: xs(129) }), 'zone'],
    ['a number as zone', withOne({ zone: 1 }), 'zone'],
    ['no weight', withOne({ weight: 0 }), 'weight'],
    ['a weight that is no number', withOne({ weight: Number.NaN }), 'weight'],
    ['an endless weight', withOne({ weight: Infinity }), 'weight'],
    ['a weight over the limit', withOne({ weight: weightMax * 1.01 }), 'weight'],
    [
      'weights that add up to too many tokens',
      {
        ...valid,
        members: Array.from({ length: 257 }, (_, i) => memberOf(`${1000 + i}`, { weight: 64 })),
      },
      'add up',
    ],
    ['an unknown stage', withOne({ stage: 'gone' }), 'stage'],
    ['a short store', withOne({ store: '00' }), 'store'],
    ['a member that has departed', { ...valid, departed: [identityOf('b')] }, '"b" has departed'],
    ['a departed store of another shape', { ...valid, departed: ['gone'] }, 'departed store'],
    ['a hole among the departed', { ...valid, departed: Array(1) }, 'departed store'],
    ['4097 departed', { ...valid, departed: Array(4097) }, 'too many'],
    ['nothing', null, 'object'],
    ['moves that are no count', { ...valid, moves: -1 }, 'moves'],
    ['a transition that is none', { ...valid, transition: 1 }, 'transition'],
    ['nobody before', { ...valid, transition: { before: [] } }, 'before the transition'],
    [
      'a damaged member before',
      { ...valid, transition: { before: [{ ...memberOf('a'), weight: 0 }] } },
      'before the transition: member 0',
    ],
  ])('refuses %s', (_, value, reason) => {
    expect(checkConfiguration(value)).toContain(reason)
  })

  test('refuses tuples of another length, and stages that are no index', () => {
    const wire: readonly unknown[] = toTuple(valid)
    expect(fromTuple(wire.slice(0, 7))).toContain('tuple of 8')
    expect(fromTuple([...wire, 0])).toContain('tuple of 8')
    for (const stage of [3, -1, 0.5, 'normal', '0', null]) {
      const members = [['a', identityOf('a'), '', 1, stage]]
      expect(fromTuple(wire.with(4, members))).toContain('stage')
    }
  })
})
