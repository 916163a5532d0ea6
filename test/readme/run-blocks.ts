/**
 * Runs every code block of the pages below as a reader would: `npx tsx test/readme/run-blocks.ts <folder>`, where the
 * folder is a project that has the package installed. Each ts, js or bash block is a program of its own that must end
 * well within a minute. A comment `<!-- not run: reason -->` on the line before a block exempts it.
 */

import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const pages = ['README.md', 'docs/TEST-YOUR-SERVICE.md']
const root = fileURLToPath(new URL('../..', import.meta.url))
const blockTimeMaxMs = 60_000

interface Block {
  readonly page: string
  readonly language: string
  readonly code: string
  readonly line: number
  readonly exemption: string | undefined
}

function blocksOf(page: string): Block[] {
  const markdown = readFileSync(join(root, page), 'utf8')
  const found: Block[] = []
  const pattern = /(?:<!-- not run: (.+?) -->\n+)?^```(\w+)[^\n]*\n([\s\S]*?)^```$/gm
  for (const match of markdown.matchAll(pattern)) {
    const [text, exemption, language = '', code = ''] = match
    const start = match.index + text.indexOf('```')
    const line = markdown.slice(0, start).split('\n').length
    found.push({ page, language, code, line, exemption })
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
  const { page, line, language, code } = block
  const name = `${basename(page, '.md').toLowerCase()}-line-${line}.${endings[language] ?? ''}`
  const file = join(folder, name)
  writeFileSync(file, code)
  const [command, ...args] = runners[language]!(file)
  const cwd = language === 'bash' ? root : folder
  const result = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: blockTimeMaxMs })
  if (result.status === 0) return true
  console.log(`${page}:${line} failed (${result.status ?? result.signal ?? 'not started'})`)
  console.log(`${result.stdout}${result.stderr}`)
  return false
}

function isWell(page: string, folder: string): boolean {
  const blocks = blocksOf(page)
  const failed = blocks.filter((block) => {
    if (block.exemption === undefined) return !run(block, folder)
    console.log(`${page}:${block.line} not run: ${block.exemption}`)
    return false
  })
  console.log(`${page}: ${blocks.length - failed.length} of ${blocks.length} blocks are well`)
  return failed.length === 0 && blocks.length > 0
}

const folder = process.argv[2]
if (folder === undefined) throw new Error('usage: npx tsx test/readme/run-blocks.ts <folder>')
const results = pages.map((page) => isWell(page, resolve(folder)))
process.exitCode = results.every(Boolean) ? 0 : 1
