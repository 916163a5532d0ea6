/** Sizes: small files and short lines. The length of functions is oxlint's (see `lint-rules.ts`). */

import { isTypeScript, matchingLines, type Rule } from './rule.ts'

const linesMax = 400
const columnsMax = 120

export const sizeRules: readonly Rule[] = [
  {
    name: `files have at most ${linesMax} lines`,
    appliesTo: isTypeScript,
    check: ({ lines }) =>
      lines.length - 1 > linesMax ? [`${linesMax}: ${lines.length - 1} lines`] : [],
    mutant: { path: 'test/long.ts', text: 'x()\n'.repeat(linesMax + 1) },
  },
  {
    name: `lines have at most ${columnsMax} columns`,
    appliesTo: isTypeScript,
    check: ({ lines }) => matchingLines(lines, new RegExp(`^.{${columnsMax + 1}}`), 'too long'),
    mutant: { path: 'src/base/wide.ts', text: `// ${'x'.repeat(columnsMax)}` },
  },
  {
    name: 'files are named in kebab-case',
    appliesTo: isTypeScript,
    check: ({ path }) => (/(?:^|\/)[a-z0-9.-]+\.ts$/.test(path) ? [] : ['1: not kebab-case']),
    mutant: { path: 'src/base/hashTree.ts', text: '' },
  },
  {
    name: 'there is no inner index.ts but the doors',
    appliesTo: isTypeScript,
    check: ({ path }) => (path.endsWith('/index.ts') && !doors.has(path) ? ['1: inner index'] : []),
    mutant: { path: 'src/ring/index.ts', text: '' },
  },
]

const doors = new Set(['src/index.ts', 'src/sim/index.ts', 'src/conformance/index.ts'])
