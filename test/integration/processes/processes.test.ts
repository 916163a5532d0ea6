/**
 * Five real processes, TCP over loopback, LMDB on disk with every commit synced, and real faults: SIGKILL of one and of
 * all, SIGSTOP, orderly restarts, ways that are blocked in one or both directions or slow, connections that are reset,
 * and full disks. Clients record what they were told, and the checkers of `coterie/sim` judge it.
 *
 * One round of 50 s of faults; its seed is drawn anew and printed. By environment:
 *
 *     COTERIE_LONG=1                 ten rounds of 90 s
 *     COTERIE_ROUNDS=200             so many rounds (some 100 take five hours with COTERIE_LONG=1)
 *     COTERIE_SEED=1234              the seed of the first round; the others follow. It fixes what is drawn (faults,
 *                                    their length, actions), but not the scheduling of processes: no replay
 *     COTERIE_INJECT_ENOSPC=1        full disks are pretended by the storage, as where nothing can be mounted
 *
 * A round that fails leaves its histories as JSON in the directory for temporary files, and tells where.
 */
import { randomInt } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { check } from '../../../src/sim/index.ts'
import { faultNames } from './faults.ts'
import { figures } from './log.ts'
import { playRound, type Aftermath } from './round.ts'
import { judge, withALostWrite, withAReturn, type Verdict } from './verdict.ts'

const isLong = process.env['COTERIE_LONG'] === '1'
const stormMs = isLong ? 90_000 : 50_000
const rounds = Number(process.env['COTERIE_ROUNDS'] ?? (isLong ? 10 : 1))
const firstSeed = Number(process.env['COTERIE_SEED'] ?? randomInt(1, 1_000_000))
const seeds = Array.from({ length: rounds }, (_, i) => firstSeed + i)

/** Ends a round that hangs; far more than one takes on a busy machine. */
const roundTimeoutMs = 10 * 60_000

test.each(seeds)(
  'five processes keep what they promise whatever befalls them (seed %i)',
  async (seed) => {
    const aftermath = await playRound(seed, stormMs)
    const verdict = judge(aftermath.histories)
    const problems = [...aftermath.log.problems, ...verdict.problems]
    console.log(report(aftermath, verdict))
    if (problems.length > 0) console.error(`histories: ${saved(aftermath)}`)
    expect(problems).toEqual([])
    expect([...aftermath.log.faults.keys()]).toEqual(expect.arrayContaining([...faultNames]))
    expect(aftermath.log.refused.size).toBeGreaterThan(0)
    expect(verdict.registers).toBeGreaterThan(0)
    expectBite(aftermath)
  },
  roundTimeoutMs,
)

/** The same history with one acknowledged write less, or with a replaced value back, is refused. */
function expectBite({ histories }: Aftermath): void {
  for (const history of Object.values(histories)) {
    const lost = withALostWrite(history)
    const back = withAReturn(history)
    expect(lost && check(lost, 'no-lost-write').violations).toHaveLength(1)
    expect(back && check(back, 'causal').ok).toBe(false)
  }
}

function report({ seed, log, histories, diskKind }: Aftermath, verdict: Verdict): string {
  const { strict, loose } = histories
  const operations = strict.operations.length + loose.operations.length
  return [
    `seed ${seed}: ${operations} operations recorded, ${verdict.checks} checks, ` +
      `${verdict.registers} registers, ${log.problems.length + verdict.problems.length} problems`,
    `  outcomes  ${figures(log.outcomes)}`,
    `  faults    ${figures(log.faults)}`,
    `  disks     ${diskKind}; writes refused ${figures(log.refused)}`,
  ].join('\n')
}

function saved({ seed, histories }: Aftermath): string {
  const file = join(tmpdir(), `coterie-processes-${seed}.json`)
  writeFileSync(file, JSON.stringify(histories))
  return file
}
