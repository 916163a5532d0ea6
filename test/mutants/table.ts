/** What caught each planted fault, as it was found by the last run of `npm run mutants`. */
import { readFileSync } from 'node:fs'
import type { Mutant } from './mutant.ts'

/** How a planted fault was caught. */
export interface Catch {
  readonly name: string
  /** Seeds that the storm needed, the one that failed included. */
  readonly seeds: number
  /** The check that failed first. */
  readonly by: string
}

export const resultsFile: URL = new URL('./caught.json', import.meta.url)

export const catches: readonly Catch[] = JSON.parse(readFileSync(resultsFile, 'utf8')) as Catch[]

/** The table in docs/TESTING.md. */
export function table(mutants: readonly Mutant[], caught: readonly Catch[]): string {
  const rows = mutants.map(({ name, hazard, fault }) => {
    const found = caught.find((each) => each.name === name)
    return `| ${name} | ${hazard} | ${fault} | ${found?.by ?? '–'} | ${found?.seeds ?? '–'} |`
  })
  const head = [
    '| mutant | hazard | what goes wrong | caught by | seeds |',
    '|---|---|---|---|---|',
  ]
  return [...head, ...rows].join('\n')
}
