/**
 * The ceiling as plain JavaScript, in a temporary folder. A loader that compiles on the way, as tsx does, gives each
 * function its name whenever one is made, which costs a program as bare as this one a quarter of its speed.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Compiled, to be run by plain node; `remove` it in the end. */
export interface CompiledCeiling {
  readonly path: string
  readonly remove: () => void
}

/** Compiles without checking types: that is the type check's affair. */
export async function compileCeiling(): Promise<CompiledCeiling> {
  const folder = mkdtempSync(join(tmpdir(), 'coterie-ceiling-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  try {
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
    const project = join(folder, 'tsconfig.json')
    writeFileSync(project, JSON.stringify(configuration(folder)))
    const compiler = fileURLToPath(
      new URL('bin/tsc', import.meta.resolve('typescript/package.json')),
    )
    await promisify(execFile)(process.execPath, [compiler, '-p', project])
  } catch (error) {
    remove()
    throw error
  }
  return { path: join(folder, 'bench/ceiling/main.js'), remove }
}

function configuration(outDir: string): object {
  return {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      noEmit: false,
      noCheck: true,
      declaration: false,
      isolatedDeclarations: false,
      types: [],
      paths: {},
      rootDir: root,
      outDir,
    },
    include: [],
    files: [join(root, 'bench/ceiling/main.ts')],
  }
}
