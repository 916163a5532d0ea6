import { expect, test } from 'vitest'
import { judgeConvergence, type Holding } from '../../src/node/convergence.ts'

const actor = '0'.repeat(32)
const other = '1'.repeat(32)

function holding(id: string, clock: string | undefined, given: Partial<Holding> = {}): Holding {
  const record = clock === undefined ? undefined : summary(clock, clock.length)
  const state = record === undefined ? 'absent' : 'record'
  const base: Holding = {
    id,
    role: 'primary',
    state,
    recovering: false,
    hintsFor: [],
    marksFor: [],
  }
  return { ...base, ...(record === undefined ? {} : { record }), ...given }
}

function summary(clock: string, digest: number): NonNullable<Holding['record']> {
  return { siblings: 1, tombstones: 0, expired: 0, bytes: 9, clock, digest }
}

const one = `${actor}:1`
const two = `${actor}:2`
const unknown: Partial<Holding> = { state: 'unknown', problem: 'no answer' }

test.each<[string, readonly Holding[], string, readonly string[]]>([
  [
    'all the same',
    [holding('a', one), holding('b', one)],
    'yes',
    ['"a", "b" hold the same record'],
  ],
  [
    'nothing',
    [holding('a', undefined), holding('b', undefined)],
    'yes',
    ['"a", "b" have no record'],
  ],
  [
    'one behind, with a hint',
    [holding('a', two, { hintsFor: ['b'] }), holding('b', one)],
    'no',
    [
      '"b" lacks writes that others have',
      '"a" keeps a hint for "b", and delivers it when it answers',
    ],
  ],
  [
    'one without a record, with a mark, being filled',
    [holding('a', one, { marksFor: ['b'] }), holding('b', undefined, { recovering: true })],
    'no',
    [
      '"b" has no record: it is still being filled',
      '"a" has marked the whole partition for "b", and sends it',
    ],
  ],
  [
    'two that each lack something',
    [holding('a', one), holding('b', `${other}:1`)],
    'no',
    [
      '"a" lacks writes that others have',
      'nobody who told keeps a hint for "a": a read of the key, or anti-entropy, repairs it',
      '"b" lacks writes that others have',
      'nobody who told keeps a hint for "b": a read of the key, or anti-entropy, repairs it',
    ],
  ],
  [
    'a stand-in that alone has a write',
    [holding('a', undefined), holding('f', one, { role: 'fallback', hintsFor: ['a'] })],
    'no',
    ['"a" has no record', '"f" keeps a hint for "a", and delivers it when it answers'],
  ],
  [
    'a copy that a former owner left behind',
    [holding('a', two), holding('f', one, { role: 'fallback' })],
    'yes',
    ['"a" is the only owner that told'],
  ],
  [
    'one that is silent',
    [holding('a', one, { hintsFor: ['b'] }), holding('b', undefined, unknown)],
    'unknown',
    [
      '"a" is the only owner that told',
      '"b" did not tell what it holds: no answer',
      '"a" still keeps a hint for "b"',
    ],
  ],
  [
    'one clock, two values',
    [holding('a', one), holding('b', one, { record: summary(one, 1) })],
    'no',
    ['"a", "b" hold different values under one clock: write the key anew'],
  ],
  [
    'damage',
    [holding('a', one), holding('b', undefined, { state: 'damaged' })],
    'no',
    [
      '"b" holds a damaged record',
      'nobody who told keeps a hint for "b": a read of the key, or anti-entropy, repairs it',
    ],
  ],
])('%s', (_, holdings, converged, reasons) => {
  expect(judgeConvergence(holdings)).toEqual({ converged, reasons })
})
