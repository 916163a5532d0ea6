/**
 * Runs every code block of README.md as a reader would: `npx tsx test/readme/run-blocks.ts <folder>`, where the folder
 * is a project that has the package installed. Each ts, js or bash block is a program of its own that must end well
 * within a minute. A comment `<!-- not run: reason -->` on the line before a block exempts it.
 */

import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const blockTimeMaxMs = 60_000

interface Block {
  readonly language: string
  readonly code: string
  readonly line: number
  readonly exemption: string | undefined
}

function blocksOf(markdown: string): Block[] {
  const found: Block[] = []
  const pattern = /(?:<!-- not run: (.+?) -->\n+)?^```(\w+)[^\n]*\n([\s\S]*?)^```$/gm
  for (const match of markdown.matchAll(pattern)) {
    const [text, exemption, language = '', code = ''] = match
    const start = match.index + text.indexOf('```')
    const line = markdown.slice(0, start).split('\n').length
    found.push({ language, code, line, exemption })
  }
  return found.filter((block) => runners[block.language] !== undefined)
}

/** The command that runs a block, for each language that is run. */
const runners: Readonly<Record<string, (file: string) => readonly [string, ...string[]]>> = {
  ts: (file) => [process.execPath, '--import', tsxLoader, file],
  js: (file) => [process.execPath, file],
  bash: (file) => ['bash', '-euo', 'pipefail', file],
}

const tsxLoader = import.meta.resolve('tsx')
const endings: Readonly<Record<string, string>> = { ts: 'mts', js: 'mjs', bash: 'sh' }

/** Runs a block in the folder; bash blocks run in the checkout, for they are about developing. */
function run(block: Block, folder: string): boolean {
  const file = join(folder, `readme-line-${block.line}.${endings[block.language] ?? ''}`)
  writeFileSync(file, block.code)
  const [command, ...args] = runners[block.language]!(file)
  const cwd = block.language === 'bash' ? root : folder
  const result = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: blockTimeMaxMs })
  if (result.status === 0) return true
  console.log(`README.md:${block.line} failed (${result.status ?? result.signal ?? 'not started'})`)
  console.log(`${result.stdout}${result.stderr}`)
  return false
}

function main(folder: string): void {
  const blocks = blocksOf(readFileSync(join(root, 'README.md'), 'utf8'))
  const failed = blocks.filter((block) => {
    if (block.exemption === undefined) return !run(block, folder)
    console.log(`README.md:${block.line} not run: ${block.exemption}`)
    return false
  })
  console.log(`${blocks.length - failed.length} of ${blocks.length} blocks are well`)
  process.exitCode = failed.length === 0 && blocks.length > 0 ? 0 : 1
}

const folder = process.argv[2]
if (folder === undefined) throw new Error('usage: npx tsx test/readme/run-blocks.ts <folder>')
main(resolve(folder))
