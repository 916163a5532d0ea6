/** What the package says about itself: dependencies have reasons, the lock file no addresses, the linter its limits. */

import type { Rule, TextFile } from './rule.ts'
import { matchingLines } from './rule.ts'

const functionLinesMax = 70

export const packageRules: readonly Rule[] = [
  {
    name: 'the lock file names no registry',
    appliesTo: (path) => path === 'package-lock.json',
    check: ({ lines }) => matchingLines(lines, /"resolved": "https?:[^"]*/),
    mutant: { path: 'package-lock.json', text: '"resolved": "https://registry.example/a.tgz",' },
  },
  {
    name: `oxlint limits functions to ${functionLinesMax} lines and nothing is just a warning`,
    appliesTo: (path) => path === '.oxlintrc.json',
    check: ({ text }) => {
      const { rules } = JSON.parse(text) as { rules: Record<string, unknown> }
      const levels = Object.entries(rules).map(([name, rule]) => [name, [rule].flat()[0]] as const)
      const soft = levels
        .filter(([, level]) => level === 'warn')
        .map(([name]) => `1: ${name} warns`)
      const [level, options] = [rules['max-lines-per-function']].flat() as [
        unknown,
        { max?: number }?,
      ]
      const isLimited = level === 'error' && options?.max === functionLinesMax
      return isLimited ? soft : [...soft, '1: max-lines-per-function']
    },
    mutant: { path: '.oxlintrc.json', text: '{ "rules": { "max-lines-per-function": "off" } }' },
  },
]

/** The runtime dependencies that no page of `docs/decisions` gives a reason for. */
export function unexplainedDependencies(manifest: string, files: readonly TextFile[]): string[] {
  const { dependencies = {}, peerDependencies = {} } = JSON.parse(manifest) as Record<
    'dependencies' | 'peerDependencies',
    Record<string, string> | undefined
  >
  const decisions = files.filter((file) => file.path.startsWith('docs/decisions/'))
  const names = [...Object.keys(dependencies), ...Object.keys(peerDependencies)]
  return names.filter((name) => !decisions.some((page) => page.text.includes(name)))
}
