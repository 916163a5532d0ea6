import { execFile } from 'node:child_process'
import { env, execPath } from 'node:process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { everyFault } from './every-fault.ts'

const seeds = [1, 4, 8]

/** Their hashes, one after the other in this process: run once, for all that is compared with them. */
const alone = once(async (): Promise<string[]> => {
  const hashes: string[] = []
  for (const seed of seeds) hashes.push((await everyFault(seed)).traceHash)
  return hashes
})

function once<T>(run: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined
  return () => (running ??= run())
}

/** The hashes of the seeds, one after the other, in a process of their own. */
async function hashesIn(node: string): Promise<string[]> {
  const script = `
    import { everyFault } from './test/sim/every-fault.ts'
    for (const seed of [${seeds.join()}]) console.log((await everyFault(seed)).traceHash)`
  const options = ['--import', 'tsx', '--input-type=module', '--eval', script]
  const { stdout } = await promisify(execFile)(node, options)
  return stdout.trim().split('\n')
}

describe('with every kind of fault, the same seed takes the same way', () => {
  test('twice in one process, whether anybody watches or not', async () => {
    const first = await everyFault(6)
    const lines: string[] = []
    const again = await everyFault(6, (line) => void lines.push(line))
    expect(again).toEqual(first)
    expect(lines.length).toBeGreaterThan(first.events)
    const missing = Object.entries(first.faults).filter(([, count]) => count === 0)
    expect(missing).toEqual([])
    expect(first.value).toContain('ok')
  })

  test('while other simulations run in the same process', async () => {
    const hashes = await alone()
    const together = await Promise.all([...seeds, 1].map((seed) => everyFault(seed)))
    expect(together.map(({ traceHash }) => traceHash)).toEqual([...hashes, hashes[0]])
    expect(new Set(hashes).size).toBe(seeds.length)
  })

  test('in different processes', async () => {
    expect(await hashesIn(execPath)).toEqual(await alone())
  })

  // Needs a second version of Node: OTHER_NODE is the path of its executable.
  test.skipIf(env['OTHER_NODE'] === undefined)('on another version of Node', async () => {
    expect(await hashesIn(env['OTHER_NODE'] ?? '')).toEqual(await alone())
  })
})
