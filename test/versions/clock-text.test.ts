import { expect, test } from 'vitest'
import { clockText, readClockText } from '../../src/versions/clock-text.ts'

const a = '\0'.repeat(15) + '\x01'
const b = '\xff'.repeat(16)

test('a clock is read again as it was written', () => {
  const clocks = [
    { vector: [], isolated: [] },
    { vector: [{ actor: a, counter: 1 }], isolated: [] },
    {
      vector: [
        { actor: a, counter: 2 ** 32 - 1 },
        { actor: b, counter: 7 },
      ],
      isolated: [
        { actor: b, counter: 9 },
        { actor: b, counter: 12 },
      ],
    },
  ]
  for (const clock of clocks) expect(readClockText(clockText(clock))).toEqual(clock)
  expect(clockText(clocks[2]!)).toBe(
    `${'0'.repeat(31)}1:4294967295 ${'f'.repeat(32)}:7 +${'f'.repeat(32)}:9 +${'f'.repeat(32)}:12`,
  )
})

test.each([
  ' ',
  'x',
  'damaged',
  `${'0'.repeat(32)}:0`,
  `${'0'.repeat(31)}:1`,
  `${'0'.repeat(32)}:1 `,
])('%j is no clock', (text) => {
  expect(readClockText(text)).toBeUndefined()
})
