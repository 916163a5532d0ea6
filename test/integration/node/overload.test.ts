/** Three real processes, of which one is offered three times what gets done (HAZARDS K1). */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { LimitOptions } from '../../../src/index.ts'
import type { OverloadReport } from './overload-child.ts'

const child = fileURLToPath(new URL('overload-child.ts', import.meta.url))

function overload(limits: LimitOptions): Promise<OverloadReport> {
  const flags = ['--import', 'tsx', '--unhandled-rejections=strict']
  const driver = spawn(process.execPath, [...flags, child, 'drive', JSON.stringify(limits)], {
    timeout: 100_000,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  driver.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  return new Promise((resolve, reject) => {
    driver.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(output) as OverloadReport)
      else reject(new Error(`the driver ended with ${code}`))
    })
  })
}

test.each<[string, LimitOptions]>([
  ['operations in flight are bounded', { inFlightMax: 2_000, eventLoopLagMaxMs: 1_000_000 }],
  ['the lag of the event loop is', { inFlightMax: 1_000_000, eventLoopLagMaxMs: 50 }],
])(
  'three times too much, where %s: refused in part, served in time, bounded, and over soon after',
  { timeout: 120_000 },
  async (_, limits) => {
    const report = await overload(limits)
    const { offered, done, failed, refused, afterwards } = report
    expect(Object.keys(failed)).toEqual(['ERR_OVERLOADED'])
    expect(done + failed['ERR_OVERLOADED']!).toBe(offered)
    // Either this node refused before any work, or the lanes of the owners were full.
    expect(refused + report.failedCounted).toBeGreaterThanOrEqual(failed['ERR_OVERLOADED']!)
    expect(done).toBeGreaterThan(1_000)
    expect(report.p99Ms).toBeLessThan(4_000)
    // How much a collector lets lie hangs on the machine and on the version of Node: 20 to 350 MiB were seen.
    for (const growthMiB of report.growthMiB) expect(growthMiB).toBeLessThan(600)
    expect(report.inFlightAfterwards).toBe(0)
    // That clients are served again, not how fast: how fast is up to the machine.
    expect(afterwards.failed).toBe(0)
    expect(afterwards.there).toBe(afterwards.puts)
  },
)
