/** The planted faults themselves: each can be planted, and each was caught. `npm run mutants` plants them all. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { mutants } from './all.ts'
import { edited } from './plant.ts'
import { catches, table } from './table.ts'

const root = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

describe('the mutants', () => {
  test('are at least 25, each with a name of its own', () => {
    expect(mutants.length).toBeGreaterThanOrEqual(25)
    expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length)
  })

  test.each(mutants.map((mutant) => [mutant.name, mutant] as const))(
    '%s can be planted',
    (_, mutant) => {
      const texts = new Map<string, string>()
      for (const edit of mutant.edits) {
        const before = texts.get(edit.file) ?? read(`src/${edit.file}`)
        const after = edited(before, edit)
        expect(after).not.toBe(before)
        texts.set(edit.file, after)
      }
    },
  )

  test('were all caught within 500 seeds', () => {
    const seedsOf = (name: string): number =>
      catches.find((each) => each.name === name)?.seeds ?? Infinity
    expect(mutants.filter(({ name }) => seedsOf(name) > 500).map(({ name }) => name)).toEqual([])
  })

  test('stand with what caught them in docs/TESTING.md', () => {
    expect(read('docs/TESTING.md')).toContain(table(mutants, catches))
  })
})
