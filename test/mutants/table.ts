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

const head = ['| mutant | hazard | what goes wrong | caught by | seeds |', '|---|---|---|---|---|']

/** The table in docs/TESTING.md, wherever it stands. */
export const tableInPage: RegExp = new RegExp(`^${escaped(head.join('\n'))}(\n\\|.*)*`, 'm')

/** The table as it should be there. */
export function table(mutants: readonly Mutant[], caught: readonly Catch[]): string {
  const rows = mutants.map(({ name, hazard, fault }) => {
    const found = caught.find((each) => each.name === name)
    return `| ${name} | ${hazard} | ${fault} | ${found?.by ?? '–'} | ${found?.seeds ?? '–'} |`
  })
  return [...head, ...rows].join('\n')
}

function escaped(text: string): string {
  return text.replaceAll(/[|\\^$.*+?()[\]{}]/g, '\\$&')
}
