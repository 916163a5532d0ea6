/** The form of a tidy rule: one small check of one file, with an example that it must catch. */

import { maskedCode } from './mask.ts'

/** A text file of the project, by its path from the root. */
export interface TextFile {
  readonly path: string
  readonly text: string
  readonly lines: readonly string[]
}

/** A rule, checked on every file that it applies to. */
export interface Rule {
  /** A sentence that completes "the tree keeps to this: …". */
  readonly name: string
  readonly appliesTo: (path: string) => boolean
  /** Each violation as `line: what`, or just what. */
  readonly check: (file: TextFile) => readonly string[]
  /** A file that breaks the rule, so that a rule that went blind is noticed. */
  readonly mutant: { readonly path: string; readonly text: string }
}

export function textFile(path: string, text: string): TextFile {
  return { path, text, lines: text.split('\n') }
}

/** All violations of a rule in these files, as `path:line: what`. */
export function violations(rule: Rule, files: readonly TextFile[]): string[] {
  const concerned = files.filter((file) => rule.appliesTo(file.path))
  return concerned.flatMap((file) => rule.check(file).map((found) => `${file.path}:${found}`))
}

/** The lines that match, as violations. */
export function matchingLines(lines: readonly string[], pattern: RegExp, what = ''): string[] {
  const found: string[] = []
  for (const [index, line] of lines.entries()) {
    const match = pattern.exec(line)
    if (match !== null) found.push(`${index + 1}: ${what === '' ? match[0].trim() : what}`)
  }
  return found
}

const masked = new WeakMap<TextFile, readonly string[]>()

/** The lines of a file without comments, strings and regular expressions. */
export function codeLines(file: TextFile): readonly string[] {
  let lines = masked.get(file)
  if (lines === undefined) {
    lines = maskedCode(file.text).split('\n')
    masked.set(file, lines)
  }
  return lines
}

export const isSource = (path: string): boolean => path.startsWith('src/') && path.endsWith('.ts')
export const isTest = (path: string): boolean => path.startsWith('test/') && path.endsWith('.ts')
export const isTypeScript = (path: string): boolean => path.endsWith('.ts')
export const isMarkdown = (path: string): boolean => path.endsWith('.md')
