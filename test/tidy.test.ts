/**
 * Style as a test: reads the tree and holds it to the rules of docs/ARCHITECTURE.md. Each rule
 * has a mutant, a small file that it must catch, so that a rule that went blind is noticed.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { docRules } from './tidy/doc-rules.ts'
import { importRules } from './tidy/import-rules.ts'
import { maskedCode } from './tidy/mask.ts'
import { packageRules, unexplainedDependencies } from './tidy/package-rules.ts'
import { textFile, violations } from './tidy/rule.ts'
import { sizeRules } from './tidy/size-rules.ts'
import { readTree, root } from './tidy/tree.ts'
import { wordRules } from './tidy/word-rules.ts'

const rules = [...sizeRules, ...importRules, ...wordRules, ...docRules, ...packageRules]
const files = readTree()

describe('the tree', () => {
  test.each(rules)('$name', (rule) => {
    expect(files.some((file) => rule.appliesTo(file.path))).toBe(true)
    expect(violations(rule, files)).toEqual([])
  })

  test('each runtime dependency has its reason in docs/decisions', () => {
    const manifest = readFileSync(join(root, 'package.json'), 'utf8')
    expect(unexplainedDependencies(manifest, files)).toEqual([])
  })
})

describe('a breach is noticed', () => {
  test.each(rules)('$name', (rule) => {
    const { path, text } = rule.mutant
    expect(rule.appliesTo(path)).toBe(true)
    expect(violations(rule, [textFile(path, text)])).not.toEqual([])
  })

  test('a dependency without a reason', () => {
    const pages = [textFile('docs/decisions/a.md', '# Why known')]
    const manifest = '{ "dependencies": { "known": "1.0.0", "sudden": "1.0.0" } }'
    expect(unexplainedDependencies(manifest, pages)).toEqual(['sudden'])
  })
})

test.each([
  ['a // Date.now()', 'a              '],
  ['a /* x */ b', 'a         b'],
  [`f('x', "y")`, 'f(   ,    )'],
  [`'it\\'s' + a`, '        + a'],
  ['`a${b}c` + d', '    b    + d'],
  ['`${{ x: `${y}` }}` + d', '   { x:    y   }   + d'],
  ['a / b / c', 'a / b / c'],
  ['return /a[/]b/.test(x)', 'return        .test(x)'],
])('the code in %s is %s', (source, code) => {
  expect(maskedCode(source)).toBe(code)
})
