/**
 * The floors: arrows go down only. Each folder of `src` may import the folders named here and itself, nothing else
 * (docs/ARCHITECTURE.md draws the picture).
 */

import { dirname, join } from 'node:path'
import { codeLines, isSource, type Rule, type TextFile } from './rule.ts'

const pure = ['ring', 'versions', 'quorum', 'membership', 'merkle']
const shell = ['base', 'ports', ...pure, 'rpc', 'replica']

/** Which folders each folder may import, besides itself. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  base: [],
  ports: ['base'],
  ...Object.fromEntries(pure.map((folder) => [folder, ['base']])),
  rpc: ['base', 'ports', ...pure],
  replica: ['base', 'ports', ...pure, 'rpc'],
  coordinator: shell,
  upkeep: shell,
  node: [...shell, 'coordinator', 'upkeep', 'adapters'],
  adapters: ['base', 'ports'],
  conformance: ['base', 'ports', 'adapters'],
  sim: [...shell, 'coordinator', 'upkeep', 'adapters', 'node', 'index.ts'],
  'index.ts': ['base', 'ports', ...pure, 'coordinator', 'node', 'adapters'],
  'lmdb.ts': ['adapters', 'ports'],
}

/** Modules that touch the world: sockets, files, true randomness, clocks. */
const worldly = new RegExp(
  `^node:(?:${[
    'net|tls|dgram|https?|http2|fs|crypto|timers|perf_hooks',
    'os|process|child_process|cluster|worker_threads|diagnostics_channel',
  ].join('|')})(?:/|$)`,
)

export const importRules: readonly Rule[] = [
  {
    name: 'imports go down the floors only',
    appliesTo: isSource,
    check: (file) => localImports(file).flatMap((one) => upwards(file.path, one)),
    mutant: { path: 'src/ring/x.ts', text: "import { a } from '../rpc/peers.ts'" },
  },
  {
    name: 'the replica never calls another node',
    appliesTo: (path) => path.startsWith('src/replica/'),
    check: (file) => {
      const calling = localImports(file).filter((one) => one.target === 'src/rpc/peers.ts')
      return calling.map((one) => `${one.line}: imports rpc/peers`)
    },
    mutant: { path: 'src/replica/x.ts', text: "import type { Peers } from '../rpc/peers.ts'" },
  },
  {
    name: 'sockets, files, randomness and clocks are imported by adapters alone',
    appliesTo: (path) => isSource(path) && !path.startsWith('src/adapters/'),
    check: (file) => {
      const found = imports(file).filter((one) => worldly.test(one.target))
      return found.map((one) => `${one.line}: ${one.target}`)
    },
    mutant: { path: 'src/rpc/x.ts', text: "import net from 'node:net'" },
  },
  {
    name: 'local imports end in .ts',
    appliesTo: (path) => path.endsWith('.ts'),
    check: (file) => {
      const bare = imports(file).filter(
        (one) => one.target.startsWith('.') && !/\.(?:ts|json)$/.test(one.target),
      )
      return bare.map((one) => `${one.line}: ${one.target}`)
    },
    mutant: { path: 'test/x.ts', text: "import { a } from './a.js'" },
  },
]

interface Import {
  readonly target: string
  readonly line: number
}

function imports(file: TextFile): Import[] {
  const found: Import[] = []
  for (const [index, code] of codeLines(file).entries()) {
    if (!/\b(?:from|import)\b/.test(code)) continue
    const target = /\b(?:from|import) ?\(?'([^']+)'/.exec(file.lines[index]!)?.[1]
    if (target !== undefined) found.push({ target, line: index + 1 })
  }
  return found
}

/** Imports of files of the project, as paths from the root. */
function localImports(file: TextFile): Import[] {
  const local = imports(file).filter((one) => one.target.startsWith('.'))
  return local.map((one) => ({ target: join(dirname(file.path), one.target), line: one.line }))
}

function upwards(path: string, { target, line }: Import): string[] {
  const from = folderOf(path)
  const to = folderOf(target)
  const may = allowed[from]
  if (may === undefined) return [`${line}: ${from} is no floor`]
  return from === to || may.includes(to) ? [] : [`${line}: ${from} imports ${to}`]
}

function folderOf(path: string): string {
  return path.split('/')[1] ?? path
}
