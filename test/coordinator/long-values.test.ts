/** Long values take turns. */
import { expect, test } from 'vitest'
import { LongValues } from '../../src/coordinator/long-values.ts'
import { HandClock } from '../rpc/kit.ts'

const mib = 1024 * 1024

/** The turns in which values of these lengths had theirs. */
async function turnsOf(lengths: readonly number[]): Promise<number[]> {
  const clock = new HandClock()
  const long = new LongValues(clock)
  const turns: number[] = []
  let turn = 0
  lengths.forEach((bytes, i) => {
    const wait = long.turn(bytes)
    if (wait === undefined) turns[i] = turn
    else void wait.then(() => (turns[i] = turn))
  })
  while (clock.pending > 0) {
    turn += 1
    clock.passTurn()
    await Promise.resolve()
  }
  return turns
}

test('one of any length, or two mebibytes of them, and then a turn for all others', async () => {
  expect(await turnsOf([8 * mib, 8 * mib, 8 * mib])).toEqual([0, 2, 4])
  expect(await turnsOf([mib, mib, mib, mib, mib])).toEqual([0, 0, 2, 2, 4])
  expect(await turnsOf([mib, 8 * mib, mib])).toEqual([0, 2, 0])
})

test('nobody waits when nothing was done meanwhile', async () => {
  const clock = new HandClock()
  const long = new LongValues(clock)
  expect(long.turn(8 * mib)).toBe(undefined)
  clock.passTurn()
  clock.passTurn()
  expect(clock.pending).toBe(0)
  expect(long.turn(8 * mib)).toBe(undefined)
})
