/**
 * What troubles do to the latencies and to the throughput of a cluster of three processes, second by second. An open
 * loop goes on whatever happens, and latencies count from when operations were due.
 *
 *     npm run bench:trouble -- --help
 */
import { fork } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { answerOf, aroundMsMax } from '../answer.ts'
import { ensureBuilt } from '../library.ts'
import { root } from '../options.ts'
import { runFacts } from '../run-facts.ts'
import { withScratch } from '../scratch.ts'
import { keepTrouble, troubleFile } from './kept.ts'
import { readOptions, usage, type TroubleOptions } from './options.ts'
import type { Told } from './scenario.ts'
import { linesOf, summaryOf, type Variant } from './story.ts'
import { withoutHedging } from './without-hedging.ts'

async function runOnce(options: TroubleOptions): Promise<Told> {
  const child = fork(new URL('./scenario.ts', import.meta.url), [JSON.stringify(options)])
  const told = await answerOf<Told>(child, aroundMsMax + options.seconds * 3000)
  child.disconnect()
  return told
}

async function runAll(options: TroubleOptions, directory: string): Promise<Variant[]> {
  const { scenario, dist, runs } = options
  const variants: Variant[] = [{ name: 'coterie', dist, told: [] }]
  if (scenario === 'late') {
    const other = withoutHedging(dist, directory)
    variants.push({ name: 'without hedging', dist: other, told: [] })
  }
  for (let run = 1; run <= runs; run++) {
    for (const { name, dist: itsDist, told } of variants) {
      const once = await runOnce({ ...options, dist: itsDist })
      told.push(once)
      for (const line of linesOf(`${name}, run ${run} of ${runs}`, once)) console.log(line)
    }
  }
  return variants
}

function keep(args: readonly string[], options: TroubleOptions, variants: Variant[]): void {
  const path = join(root, 'bench', 'results', troubleFile)
  const command = ['npm run bench:trouble --', ...args].join(' ')
  const { scenario, mix, valueBytes, load } = options
  const results = variants.map(({ name, told }) => ({ name, told }))
  const about = { command, scenario, mix, valueBytes, load }
  keepTrouble(path, { ...runFacts(), options: about, results })
  console.log(`kept in ${path}`)
}

async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args)
  if (options === 'help') {
    console.log(usage)
    return
  }
  ensureBuilt(options.dist)
  const variants = await withScratch(tmpdir(), (directory) => runAll(options, directory))
  for (const line of summaryOf(options.scenario, variants)) console.log(line)
  if (options.keep) keep(args, options, variants)
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  console.error(`bench: ${(error as Error).message}`)
  process.exitCode = 1
}
