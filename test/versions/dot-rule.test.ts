/**
 * The dot rule loses no value and invents no sibling, whatever a node forgets (HAZARDS A2 to A5): random histories
 * against an oracle that knows only who had read what before writing.
 *
 * A failing history prints its seed and the steps that are left after cutting it down; `historyOf(seed)` is the whole.
 */
import { describe, expect, it } from 'vitest'
import { mutants } from './dot-rule-mutants.ts'
import { cutDown, historyOf, theRule, violationOf, type Rule, type Step } from './dot-rule-world.ts'

const histories = 100_000

/** The first seed whose history goes wrong under a rule. */
function firstViolation(rule: Rule): { seed: number; violation: string } | undefined {
  for (let seed = 0; seed < histories; seed++) {
    const violation = violationOf(historyOf(seed), rule)
    if (violation !== undefined) return { seed, violation }
  }
  return undefined
}

function told({ deed, node, other, key, pick }: Step): string {
  return `${deed} node ${node} (other ${other}) key ${key} pick ${pick.toFixed(3)}`
}

describe('the dot rule', () => {
  it(`shows exactly the values that nobody replaced, in ${histories} histories`, () => {
    const found = firstViolation(theRule)
    const steps = found && cutDown(historyOf(found.seed)).map(told)
    expect({ ...found, steps }).toEqual({ steps: undefined })
  }, 240_000)
})

describe('the histories show the fault of', () => {
  it.each(mutants)('$name', (mutant) => {
    const found = firstViolation(mutant)
    expect(found).toBeDefined()
    const steps = cutDown(historyOf(found!.seed), mutant).length
    console.info(`${mutant.name}: seed ${found!.seed}, ${steps} steps suffice: ${found!.violation}`)
  })
})
