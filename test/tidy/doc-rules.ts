/** Documentation: in the code, and the links between the pages. */

import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { codeLines, isMarkdown, isSource, type Rule, type TextFile } from './rule.ts'
import { root } from './tree.ts'

const declaration =
  /^export (?:declare )?(?:abstract )?(?:async )?(?:function\*?|class|interface|type|const|let) (?!\{)(\w+)/

export const docRules: readonly Rule[] = [
  {
    name: 'each source file starts with what it is for',
    appliesTo: isSource,
    check: ({ text }) => (text.startsWith('/**') ? [] : ['1: no head comment']),
    mutant: { path: 'src/base/x.ts', text: "import { a } from './a.ts'" },
  },
  {
    name: 'each exported declaration has a doc comment',
    appliesTo: isSource,
    check: undocumented,
    mutant: { path: 'src/base/x.ts', text: '\nexport function secret(): void {}' },
  },
  {
    name: 'links between documents lead somewhere',
    appliesTo: isMarkdown,
    check: deadLinks,
    mutant: { path: 'README.md', text: 'see [the guide](docs/no-such-guide.md)' },
  },
  {
    name: 'each document has exactly one title',
    appliesTo: isMarkdown,
    check: (file) => {
      const titles = proseLines(file).filter((line) => /^# \S/.test(line)).length
      return titles === 1 ? [] : [`1: ${titles} titles`]
    },
    mutant: { path: 'docs/x.md', text: '# One\n\n# Two' },
  },
]

/** Overloads, and constants on the lines below one another, share the comment above the first. */
function undocumented(file: TextFile): string[] {
  const found: string[] = []
  const lines = codeLines(file)
  let documented:
    | { readonly index: number; readonly isShared: boolean; readonly name: string }
    | undefined
  for (const [index, line] of lines.entries()) {
    const name = declaration.exec(line)?.[1]
    if (name === undefined) continue
    const isNext = documented?.index === index - 1
    const shares = isNext && (documented?.name === name || documented?.isShared === true)
    if (shares || file.lines[index - 1]?.trimEnd().endsWith('*/') === true) {
      documented = { index, isShared: line.startsWith('export const'), name }
    } else {
      found.push(`${index + 1}: ${name}`)
    }
  }
  return found
}

/** The text of a page outside of its code blocks; lines keep their numbers. */
function proseLines({ lines }: TextFile): string[] {
  let inCode = false
  return lines.map((line) => {
    const isFence = /^\s*(?:```|~~~)/.test(line)
    if (isFence) inCode = !inCode
    return isFence || inCode ? '' : line
  })
}

function deadLinks(file: TextFile): string[] {
  const found: string[] = []
  for (const [index, line] of proseLines(file).entries()) {
    for (const [, target = ''] of line.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:|^#/.test(target)) continue
      const path = join(root, dirname(file.path), decodeURI(target.replace(/#.*$/, '')))
      if (!existsSync(path)) found.push(`${index + 1}: ${target}`)
    }
  }
  return found
}
