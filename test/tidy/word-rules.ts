/** Words that have no place: leftovers, escapes from the types, the world's clock outside of the adapters. */

import {
  codeLines,
  isSource,
  isTest,
  isTypeScript,
  matchingLines,
  type Rule,
  type TextFile,
} from './rule.ts'

/** Reads of clock, chance or surroundings. Outside of the adapters they come in through the ports. */
const worldly = new RegExp(
  `(?<![.\\w#])(?:${[
    'Date\\.now\\b',
    'new Date\\(\\)',
    'performance\\.',
    'Math\\.random\\b',
    '(?:set|clear)(?:Timeout|Interval|Immediate)\\b',
    'queueMicrotask\\b',
    'process\\.(?:env|nextTick|hrtime|uptime|stdout|stderr|exit|cwd|pid|argv)\\b',
    'console\\.',
    'crypto\\.',
    'AbortSignal\\.timeout\\b',
  ].join('|')})`,
)

/** The files that may touch the real world all the same, and what of it. */
const allowances: Readonly<Record<string, string>> = {
  // Lets the real event loop run dry between two virtual moments.
  'src/sim/turn.ts': 'setImmediate',
  // Fails the test of an adapter that hangs: the suite runs in real time, like the adapters.
  'src/conformance/transport-probe.ts': 'AbortSignal.timeout',
}

/** Written so that this file does not match itself. */
const leftover = /\b(?:T[O]DO|F[I]XME|X[X]X)\b/

/** Folders that only one machine has. */
const machinePath = /(?<![\w.:/-])\/(?:work|home|root|Users|tmp\/\w)[/\w]/

export const wordRules: readonly Rule[] = [
  {
    name: 'clock, chance and surroundings are read by adapters alone',
    appliesTo: (path) => isSource(path) && !path.startsWith('src/adapters/'),
    check: (file) =>
      matchingLines(codeLines(file), worldly).filter((found) => !isAllowed(file, found)),
    mutant: { path: 'src/rpc/x.ts', text: 'const now = Date.now()' },
  },
  {
    name: 'there are no leftover notes',
    appliesTo: () => true,
    check: ({ lines }) => matchingLines(lines, leftover),
    mutant: { path: 'docs/x.md', text: ['TO', 'DO: write'].join('') },
  },
  {
    name: 'no test is singled out, or left out without a reason beside it',
    appliesTo: isTest,
    check: (file) => [
      ...matchingLines(codeLines(file), /\b(?:test|it|describe|suite)(?:\.\w+)*\.only\b/),
      ...skips(file),
    ],
    mutant: { path: 'test/x.test.ts', text: 'test.skip(name, () => {})' },
  },
  {
    name: 'nothing has the type any',
    appliesTo: isTypeScript,
    check: (file) =>
      matchingLines(codeLines(file), /(?:[:<|&(,=[]|\bas|\bextends)\s*any\b(?!\s*[:(.])/),
    mutant: { path: 'src/base/x.ts', text: 'const a = b as any' },
  },
  {
    name: 'there are no enums and namespaces',
    appliesTo: isTypeScript,
    check: (file) =>
      matchingLines(codeLines(file), /^\s*(?:export |declare |const )*(?:enum|namespace) \w/),
    mutant: { path: 'src/base/x.ts', text: 'export enum Colour {}' },
  },
  {
    name: 'there are no default exports',
    appliesTo: isSource,
    check: (file) => matchingLines(codeLines(file), /^export default\b|\bas default\b/),
    mutant: { path: 'src/base/x.ts', text: 'export default 1' },
  },
  {
    name: 'no checker is switched off without a reason',
    appliesTo: isTypeScript,
    check: ({ lines }) =>
      matchingLines(lines, /@ts-(?:ignore|nocheck)|(?:oxlint|eslint)-disable(?!.* -- \S)/),
    mutant: {
      path: 'src/base/x.ts',
      text: ['// oxlint', 'disable', 'next-line no-eval'].join('-'),
    },
  },
  {
    name: 'no path of one machine stands in the tree',
    appliesTo: () => true,
    check: ({ lines }) => matchingLines(lines, machinePath),
    mutant: { path: 'README.md', text: `cd ${['', 'home', 'me', 'coterie'].join('/')}` },
  },
]

function isAllowed(file: TextFile, found: string): boolean {
  return found.replace(/^\d+: /, '') === allowances[file.path]
}

/** Skips need a comment on their line or the one before. */
function skips(file: TextFile): string[] {
  const found = matchingLines(codeLines(file), /\.(?:skip|skipIf|todo|fails)\b\s*\(/)
  return found.filter((one) => {
    const index = Number.parseInt(one, 10) - 1
    return !/\/\/|\*\//.test(`${file.lines[index - 1] ?? ''}${file.lines[index] ?? ''}`)
  })
}
