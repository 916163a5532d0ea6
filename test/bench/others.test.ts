/** The pure parts of the comparison with other stores. */

import { tmpdir } from 'node:os'
import { describe, expect, test } from 'vitest'
import { putRequest, rangeRequest, valueInRange } from '../../bench/others/etcd-wire.ts'
import { formsOf, ours } from '../../bench/others/forms.ts'
import { notesOf } from '../../bench/others/notes.ts'
import { readOptions } from '../../bench/others/options.ts'
import { measurementsOf, ratioOf, tableOf, troublesOf } from '../../bench/others/report.ts'
import type { Figures } from '../../bench/others/loops.ts'
import type { Outcome } from '../../bench/rounds.ts'

/** Without the spaces that tell the parts of a message apart. */
function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex')
}

describe('options', () => {
  test('have defaults', () => {
    expect(readOptions(['--dist', 'd'])).toEqual({
      valueBytes: 100,
      inFlight: [64, 256],
      seconds: 1,
      pairs: 5,
      only: ['redis', 'etcd'],
      diskRoot: undefined,
      keep: true,
      dist: 'd',
    })
  })

  test('are taken, each number and store once', () => {
    const args = ['--in-flight', '8,16,8', '--seconds', '0.2', '--only', 'etcd,etcd', '--no-keep']
    expect(readOptions(args)).toMatchObject({
      inFlight: [8, 16],
      seconds: 0.2,
      only: ['etcd'],
      keep: false,
    })
  })

  test('on disk leave Redis out, and take the directory for temporary files unless they name one', () => {
    expect(readOptions(['--fsync'])).toMatchObject({ only: ['etcd'], diskRoot: tmpdir() })
    expect(readOptions(['--fsync', '--data', 'test', '--only', 'etcd'])).toMatchObject({
      only: ['etcd'],
      diskRoot: 'test',
    })
  })

  test.each([
    [['--bytes', '0'], '--bytes takes whole numbers from 1 to 16384, not "0"'],
    [['--bytes', '16385'], '--bytes takes whole numbers from 1 to 16384, not "16385"'],
    [['--pairs', '1.5'], '--pairs takes whole numbers from 1 to 1000, not "1.5"'],
    [['--in-flight', '64,'], '--in-flight takes whole numbers from 1 to 2048, not ""'],
    [['--seconds', 'x'], '--seconds takes a number above 0, 60 at most, not "x"'],
    [['--only', 'mongo'], '--only takes redis and etcd, not "mongo"'],
    [['--only', 'redis', '--fsync'], '--fsync compares with etcd alone, for redis is measured'],
    [['--only', 'etcd,redis', '--fsync'], 'leave redis out of --only, or --fsync'],
    [['--data', '.'], '--data says where --fsync keeps data on disk: give both, or neither'],
    [['--fsync', '--data', 'no/such'], '--data: there is no directory no/such'],
    [['--fsync', '--data', 'package.json'], '--data: there is no directory package.json'],
    [['--fast'], "Unknown option '--fast'"],
  ])('%j: %s', (args, message) => {
    expect(() => readOptions(args)).toThrow(message)
  })
})

describe('messages of etcd', () => {
  test('a put is a frame around key and value', () => {
    const frame = putRequest('k', Buffer.from('vw'))
    expect(frame).toEqual(bytesOf('0000000007 0a016b 12027677'))
  })

  test('lengths above 127 take two bytes', () => {
    const frame = putRequest('k', Buffer.alloc(200))
    expect(frame.subarray(5, 11)).toEqual(bytesOf('0a016b 12c801'))
    expect(frame.readUInt32BE(1)).toBe(frame.length - 5)
  })

  test('a read of the own copy alone says so', () => {
    const linearizable = rangeRequest('k', { serializable: false })
    const serializable = rangeRequest('k', { serializable: true })
    expect(linearizable).toEqual(bytesOf('0000000003 0a016b'))
    expect(serializable).toEqual(bytesOf('0000000005 0a016b 3801'))
  })

  // Header with a member of ten bytes, one key-value with all of its fields, and the count.
  const header = '0a0d 10ffffffffffffffffff01 180f'
  const keyValue = '120d 0a016b 1002 1803 2001 2a027677'
  const answer = (hex: string): Buffer => {
    const message = bytesOf(hex)
    const prefix = Buffer.alloc(5)
    prefix.writeUInt32BE(message.length, 1)
    return Buffer.concat([prefix, message])
  }

  test('the value is found behind the other fields', () => {
    expect(Buffer.from(valueInRange(answer(`${header}${keyValue}2001`))!).toString()).toBe('vw')
  })

  test('a key that is not there has no value, one without a value field an empty one', () => {
    expect(valueInRange(answer(header))).toBeUndefined()
    expect(valueInRange(answer('1203 0a016b'))).toEqual(new Uint8Array(0))
  })

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['a frame that is cut', answer(keyValue).subarray(0, -1)],
    ['a compressed frame', Buffer.concat([Buffer.of(1), answer(keyValue).subarray(1)])],
    ['a number without an end', answer('08ff')],
    ['a field of 8 bytes', answer('090000000000000000')],
  ])('%s is refused', (_, frame) => {
    expect(() => valueInRange(frame)).toThrow(/^etcd sent/)
  })
})

describe('notes', () => {
  test('say of coterie that all is in memory, unless it is on the same disk as the other', () => {
    const inMemory = notesOf(['redis', 'etcd'], { diskRoot: undefined }).join('\n')
    expect(inMemory).toContain('coterie has all in memory')
    const onDisk = notesOf(['etcd'], { diskRoot: '/disk' }).join('\n')
    expect(onDisk).toContain('All nodes of either keep their data in /disk')
    expect(onDisk).not.toMatch(/in memory|Redis/)
  })
})

describe('forms and report', () => {
  const succeeded = (...rates: readonly number[]): Outcome<Figures>[] =>
    rates.map((opsPerSecond) => ({ figures: { opsPerSecond, p50Us: 1, p99Us: 2 } }))

  test('only installed stores have forms', () => {
    expect(formsOf([], 'put')).toEqual([])
    expect(formsOf(['etcd'], 'put').map(({ store }) => store)).toEqual(['etcd'])
    expect(formsOf(['redis'], 'put').map(({ name }) => name)).toEqual([
      'pipelined',
      'batched',
      'each',
    ])
  })

  test('the ratio is the median over the pairs, not that of the medians', () => {
    const form = formsOf(['redis'], 'get')[0]!
    const loads = [ours.get, form].map((each) => ({ form: each, inFlight: 8 }))
    const [mine, theirs] = measurementsOf(loads, [succeeded(20, 10, 30), succeeded(10, 20, 40)])
    expect(ratioOf(theirs!)).toBe(0.75)
    expect(ratioOf(mine!)).toBeUndefined()
  })

  test('a measurement that failed is told, and takes its round out of the ratio alone', () => {
    const loads = [ours.put, ...formsOf(['etcd'], 'put')].map((form) => ({ form, inFlight: 8 }))
    const gone = { failure: 'etcd ended (1)' }
    const [mine, theirs] = measurementsOf(loads, [
      succeeded(20, 30, 40),
      [gone, ...succeeded(10, 10)],
    ])
    expect([mine!.figures.length, theirs!.figures.length]).toEqual([3, 2])
    expect(theirs!.ratios).toEqual([3, 4])
    expect(troublesOf([mine!, theirs!])).toEqual([
      'etcd, gRPC, one connection to the leader, put, 8 in flight: failed: etcd ended (1)',
    ])
    const [, , row] = tableOf(measurementsOf(loads, [succeeded(20), [gone]]))
    expect(row).toMatch(/^etcd .* put +8 +failed$/)
  })

  test('the table has a row for each form, and a ratio for those of others', () => {
    const loads = [ours.get, formsOf(['etcd'], 'get')[0]!].map((form) => ({ form, inFlight: 8 }))
    const all = measurementsOf(loads, [succeeded(1500), succeeded(1000)])
    const [head, first, second] = tableOf(all)
    expect(head).toMatch(/^store +form +mix +in flight +ops\/s +p50 µs +p99 µs +coterie ÷ other$/)
    expect(first).toMatch(/^coterie +R = 2 of 3 +get +8 +1,500 +1 +2$/)
    expect(second).toMatch(/^etcd +linearizable.* +get +8 +1,000 +1 +2 +1\.50$/)
  })
})
