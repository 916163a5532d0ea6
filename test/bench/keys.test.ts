/** How many keys the benchmark has, how they are spelt, and what it says of them. */
import { totalmem } from 'node:os'
import { describe, expect, test } from 'vitest'
import { aroundMsMax, aroundMsMaxOf } from '../../bench/answer.ts'
import { casesOf, keyCountOf, medianOf, type Figures } from '../../bench/cases.ts'
import { keysMax, makeKeys, memoryNeeded } from '../../bench/keys.ts'
import { readOptions, type BenchOptions } from '../../bench/options.ts'
import { makeLoad, warmUpOf } from '../../bench/workload.ts'

const usual = { layout: 'tcp-n3', mix: 'put', dist: 'uniform', inFlight: 1 } as const

function optionsOf(...args: readonly string[]): BenchOptions {
  const options = readOptions(args)
  if (options === 'help') throw new Error('asked for help')
  return options
}

test('keys have 16 bytes each, and no two are the same', () => {
  const keys = makeKeys(1001)
  expect([keys[0], keys[1000]]).toEqual(['k000000000000000', 'k000000000001000'])
  expect(new Set(keys).size).toBe(1001)
})

test.each([
  [{ valueBytes: 100 }, 20_000],
  [{ valueBytes: 2 ** 20 }, 128],
  [{ valueBytes: 100, keyCount: 10_000_000 }, 10_000_000],
  [{ valueBytes: 2 ** 20, keyCount: 20_000 }, 20_000],
])('%j are %i keys', (what, keyCount) => {
  expect(keyCountOf(what)).toBe(keyCount)
})

describe('--keys', () => {
  test('is of each case, and of none unless it is given', () => {
    const asked = casesOf(optionsOf('--quick', '--keys', '1000000'))
    expect(asked.every(({ keyCount }) => keyCount === 1_000_000)).toBe(true)
    expect(casesOf(optionsOf('--quick')).some((what) => 'keyCount' in what)).toBe(false)
  })

  test.each([
    ['0', '--keys: not positive numbers: 0'],
    ['1.5', '--keys: not whole numbers: 1.5'],
    ['1,2', '--keys takes one number, not 2'],
    [String(keysMax + 1), '--keys takes 10,000,000 at most, not 10000001'],
  ])('of %s is refused', (keys, message) => {
    expect(() => optionsOf('--keys', keys)).toThrow(message)
  })

  test('is refused when memory does not hold the values, and lets disks hold them', () => {
    const bytes = String(2 ** 20)
    const keys = String(Math.ceil(totalmem() / 3 / 2 ** 20) + 1)
    const args = ['--bytes', bytes, '--keys', keys, '--layout']
    expect(() => optionsOf(...args, 'memory-n3')).toThrow(/in memory-n3.*ask for fewer keys/)
    expect(optionsOf(...args, 'memory-n1').keyCount).toBe(Number(keys))
    expect(optionsOf(...args, 'tcp-n3-lmdb-os').keyCount).toBe(Number(keys))
  })

  test('needs memory for each copy, and for the spelling', () => {
    const keys = { keyCount: 10, valueBytes: 100 }
    expect(memoryNeeded({ ...keys, copies: 0 })).toBe(400)
    expect(memoryNeeded({ ...keys, copies: 3 })).toBe(400 + 3 * 2500)
  })

  test('lets the preload take longer', () => {
    expect(aroundMsMaxOf(10_000_000) - aroundMsMax).toBe(5_000_000)
  })
})

test('a warm-up uses another part of the tape than the measurement begins with', () => {
  const load = makeLoad({ ...usual, valueBytes: 100 })
  const { tape } = warmUpOf(load)
  expect(tape).toHaveLength(load.tape.length / 2)
  expect(tape.buffer).toBe(load.tape.buffer)
  expect(tape.byteOffset).toBe(load.tape.byteOffset)
})

test('memory for each key is told where it was measured', () => {
  const figures: Figures = {
    opsPerSecond: 1,
    p50Us: 1,
    p99Us: 1,
    clientCpuUs: 1,
    replicaCpuUs: 0,
  }
  const weighed = [220.4, 250, 222].map((bytesPerKey) => ({ ...figures, bytesPerKey }))
  expect(medianOf(weighed).bytesPerKey).toBe(222)
  expect(medianOf([figures])).not.toHaveProperty('bytesPerKey')
})
