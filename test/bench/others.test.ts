/** The pure parts of the comparison with other stores. */

import { describe, expect, test } from 'vitest'
import { putRequest, rangeRequest, valueInRange } from '../../bench/others/etcd-wire.ts'
import { formsOf, ours } from '../../bench/others/forms.ts'
import { readOptions } from '../../bench/others/options.ts'
import { ratioOf, tableOf, type Measurements } from '../../bench/others/report.ts'

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

  test.each([
    [['--bytes', '0'], '--bytes takes whole numbers from 1 to 16384, not "0"'],
    [['--bytes', '16385'], '--bytes takes whole numbers from 1 to 16384, not "16385"'],
    [['--pairs', '1.5'], '--pairs takes whole numbers from 1 to 1000, not "1.5"'],
    [['--in-flight', '64,'], '--in-flight takes whole numbers from 1 to 2048, not ""'],
    [['--seconds', 'x'], '--seconds takes a number above 0, 60 at most, not "x"'],
    [['--only', 'mongo'], '--only takes redis and etcd, not "mongo"'],
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

describe('forms and report', () => {
  const rates = (...all: readonly number[]): Measurements['figures'] =>
    all.map((opsPerSecond) => ({ opsPerSecond, p50Us: 1, p99Us: 2 }))

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
    const measured = { form, inFlight: 8, figures: rates(10, 20, 40), ours: rates(20, 10, 30) }
    expect(ratioOf(measured)).toBe(0.75)
    expect(ratioOf({ ...measured, ours: [] })).toBeUndefined()
  })

  test('the table has a row for each form, and a ratio for those of others', () => {
    const mine = { form: ours.get, inFlight: 8, figures: rates(1500), ours: [] }
    const theirs = {
      ...mine,
      form: formsOf(['etcd'], 'get')[0]!,
      figures: rates(1000),
      ours: mine.figures,
    }
    const [head, first, second] = tableOf([mine, theirs])
    expect(head).toMatch(/^store +form +mix +in flight +ops\/s +p50 µs +p99 µs +coterie ÷ other$/)
    expect(first).toMatch(/^coterie +R = 2 of 3 +get +8 +1,500 +1 +2$/)
    expect(second).toMatch(/^etcd +linearizable.* +get +8 +1,000 +1 +2 +1\.50$/)
  })
})
