/**
 * Plants each fault in a copy of the sources and lets the storm look for it.
 *
 *     npm run mutants                        all of them; writes what caught them to caught.json and docs/TESTING.md
 *     npm run mutants -- --only NAME,NAME    some of them; writes nothing
 *     npm run mutants -- --seeds 500         how many seeds each may need
 */
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { mutants } from './all.ts'
import type { Mutant } from './mutant.ts'
import { plant, root } from './plant.ts'
import { resultsFile, table, tableInPage, type Catch } from './table.ts'

const { values } = parseArgs({
  options: { only: { type: 'string' }, seeds: { type: 'string', default: '500' } },
})

/** What the storm prints when a seed fails: the seed, which counts from 1, and the first problem. */
const failure = /^seed (\d+) failed: .*\n +(.+)$/m

/** Checks of the storm that are no models, by what they say. */
const names: readonly (readonly [RegExp, string])[] = [
  [/after a read of every key|after the hints/, 'owners equal, no hint left'],
  [/had \d+ copies, and is at/, 'no copy goes without another one'],
  [/round of reads repaired/, 'a further round repairs nothing'],
  [/nothing is wrong/, 'what must succeed when all is well'],
  [/after its deadline|has not ended/, 'each operation ends by its deadline'],
  [/one value twice/, 'no value twice in a read'],
  [/with a context of/, 'a context of another key is refused'],
  [/two rings of epoch/, 'one ring for each epoch'],
  [/counted at .* as at an owner/, 'an owner counts as one'],
  [/because of .* which is dead/, 'the dead accuse nobody'],
  [/failed with/, 'no error that no fault explains'],
  [/put out by nobody/, 'nobody is put out of the ring'],
  [/^the takeover of .* moved more/, 'a takeover moves the dead one’s share alone'],
  [/although another one has taken its place/, 'who was replaced stays out'],
]

/** What kind of check a problem comes from. */
function checkOf(told: string): string {
  const problem = told.replace(/^\[\d+\] /, '')
  const model = /^(no-lost-write|causal|read-your-writes|monotonic|register):/.exec(problem)
  if (model !== null) return model[1]!
  if (/broken invariant|\[simulated with seed/.test(problem)) return 'an invariant'
  const bound = /^not within \d+ ms: ([^;]+)/.exec(problem)
  if (bound !== null) return `in time: ${bound[1]}`
  return names.find(([pattern]) => pattern.test(problem))?.[1] ?? problem
}

/** Runs the storm in a folder until the first seed fails. */
async function storm(folder: string, options: readonly string[]): Promise<string> {
  const args = ['--import', 'tsx', 'test/storm/main.ts', '--until-failure', '--workers', '1']
  const child = spawn(process.execPath, [...args, ...options], { cwd: folder })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve))
  if (code !== 0 && !failure.test(output)) throw new Error(`the storm itself failed:\n${output}`)
  return output
}

const failingAnyway = new Map<number, Promise<boolean>>()

/** Whether a seed fails without any planted fault: then it catches nothing. */
function failsAnyway(seed: number): Promise<boolean> {
  const known = failingAnyway.get(seed)
  const failing =
    known ?? storm(root, ['--from', `${seed}`, '--seeds', '1']).then((said) => failure.test(said))
  failingAnyway.set(seed, failing)
  return failing
}

/** Lets the storm loose on one mutant. Undefined when it found nothing. */
async function hunt(mutant: Mutant): Promise<Catch | undefined> {
  const { folder, remove } = plant(mutant)
  const last = Number(values.seeds)
  try {
    for (let from = 1; from <= last;) {
      const output = await storm(folder, ['--from', `${from}`, '--seeds', `${last - from + 1}`])
      const found = failure.exec(output)
      if (found === null) return undefined
      const seeds = Number(found[1])
      if (!(await failsAnyway(seeds))) return { name: mutant.name, seeds, by: checkOf(found[2]!) }
      from = seeds + 1
    }
    return undefined
  } finally {
    remove()
  }
}

function chosen(): readonly Mutant[] {
  if (values.only === undefined) return mutants
  return values.only.split(',').map((name) => {
    const found = mutants.find((mutant) => mutant.name === name)
    if (found === undefined) throw new Error(`there is no mutant "${name}"`)
    return found
  })
}

async function huntAll(): Promise<readonly Catch[]> {
  const waiting = [...chosen()]
  const caught: Catch[] = []
  const work = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const found = await hunt(mutant)
      if (found !== undefined) caught.push(found)
      const outcome = found === undefined ? 'NOT CAUGHT' : `seed ${found.seeds}: ${found.by}`
      console.log(`${mutant.name.padEnd(40)} ${outcome}`)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  return caught
}

/** Keeps what caught the mutants, in the order of their list. */
function keep(caught: readonly Catch[]): void {
  const sorted = mutants.flatMap(({ name }) => caught.filter((each) => each.name === name))
  const page = new URL('../../docs/TESTING.md', import.meta.url)
  const text = readFileSync(page, 'utf8').replace(tableInPage, table(mutants, sorted))
  writeFileSync(resultsFile, `${JSON.stringify(sorted, undefined, 2)}\n`)
  writeFileSync(page, text)
}

const caught = await huntAll()
if (values.only === undefined) keep(caught)
const missed = chosen().length - caught.length
console.log(`${caught.length} mutants caught, ${missed} missed`)
process.exitCode = missed === 0 ? 0 : 1
