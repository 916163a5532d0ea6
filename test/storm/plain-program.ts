/**
 * A program and all that it imports as plain JavaScript, in a temporary folder, for a process of its own. A loader that
 * compiles on the way, as tsx does, gives each function its name whenever one is made: a storm, or the bare ceiling of
 * the bench, takes a quarter longer.
 */

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Compiled, to be run by plain node; `remove` it in the end. */
export interface PlainProgram {
  readonly path: string
  readonly remove: () => void
}

/**
 * Compiles without checking types: sources with a planted fault run as well.
 * @param entry the file to run, from the root of the repository.
 */
export async function compileProgram(entry: `${string}.ts`): Promise<PlainProgram> {
  const folder = mkdtempSync(join(tmpdir(), 'coterie-program-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  try {
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
    const project = join(folder, 'tsconfig.json')
    writeFileSync(project, JSON.stringify(configuration(folder, entry)))
    const compiler = fileURLToPath(
      new URL('bin/tsc', import.meta.resolve('typescript/package.json')),
    )
    await promisify(execFile)(process.execPath, [compiler, '-p', project])
  } catch (error) {
    remove()
    throw error
  }
  return { path: join(folder, entry.replace(/\.ts$/, '.js')), remove }
}

function configuration(outDir: string, entry: string): object {
  return {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      noEmit: false,
      noCheck: true,
      declaration: false,
      isolatedDeclarations: false,
      inlineSourceMap: true,
      types: [],
      paths: {},
      rootDir: root,
      outDir,
    },
    include: [],
    files: [join(root, entry)],
  }
}
