/**
 * Draws the kept results of the benchmark as one HTML page that needs no network and no script.
 *
 * A line that cannot be read is left out, with a warning here and a note on the page: results are appended by many
 * runs, and one that was cut off must not hide the others. Bad options, and paths that cannot be read or written, end
 * with exit code 2.
 *
 *     npm run bench:report -- --help
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from './options.ts'
import { pageOf } from './page-document.ts'
import { readRuns } from './page-runs.ts'
import { readTroubles, troubleFile } from './trouble/kept.ts'

const usage = `npm run bench:report -- [options]

  --out FILE           the page to write              bench/results/report.html
  --results DIRECTORY  where the .jsonl files are     bench/results
`

function draw(args: readonly string[]): void {
  const { values } = parseArgs({
    args: [...args],
    options: {
      out: { type: 'string' },
      results: { type: 'string', default: join(root, 'bench', 'results') },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(usage)
    return
  }
  const out = resolve(values.out ?? join(root, 'bench', 'results', 'report.html'))
  const read = readRuns(values.results)
  const troubles = readTroubles(join(values.results, troubleFile))
  const problems = [...read.problems, ...troubles.problems]
  for (const problem of problems) console.error(`left out: ${problem}`)
  if (read.runs.length === 0) console.error(`no results in ${values.results}: the page says so`)
  mkdirSync(dirname(out), { recursive: true })
  writeFileSync(out, pageOf({ runs: read.runs, problems }, troubles.runs))
  console.log(`${read.runs.length + troubles.runs.length} runs drawn in ${out}`)
}

try {
  draw(process.argv.slice(2))
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 2
}
