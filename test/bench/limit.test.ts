/** How the limit of what is moved in a second is read and told. */
import { expect, test } from 'vitest'
import { describeLimit, readLimit } from '../../bench/micro/limit.ts'

test.each([
  [undefined, {}, "the library's default"],
  ['none', { bytesPerSecondMax: Number.MAX_SAFE_INTEGER }, 'none'],
  ['32', { bytesPerSecondMax: 33_554_432 }, '33554432 B/s'],
  ['0.5', { bytesPerSecondMax: 524_288 }, '524288 B/s'],
])('the limit %s is the option %j, told as %s', (text, option, told) => {
  expect(readLimit(text)).toEqual(option)
  expect(describeLimit(option)).toBe(told)
})

test.each(['0', '-1', 'much', '', 'Infinity'])(
  'refuses the limit %j and says what it may be',
  (text) => {
    expect(() => readLimit(text)).toThrow('--limit must be MiB a second, more than 0, or none')
  },
)
