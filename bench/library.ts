/** The built library: what users run, and without the cost of a loader that compiles on the way. */
import { spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as coterie from '../src/index.ts'
import type * as lmdb from '../src/lmdb.ts'
import { root } from './options.ts'

/** The door `coterie`. */
export type Library = typeof coterie

/** The library that was built into that directory. */
export async function loadLibrary(dist: string): Promise<Library> {
  return (await import(pathToFileURL(join(dist, 'index.js')).href)) as Library
}

/** The door `coterie/lmdb` of it. */
export async function loadLmdb(dist: string): Promise<typeof lmdb> {
  return (await import(pathToFileURL(join(dist, 'lmdb.js')).href)) as typeof lmdb
}

/**
 * Builds the repository's own `dist` when it is missing or older than the sources; leaves any other alone.
 * @throws {Error} when the build fails, and for another one that is not there.
 */
export function ensureBuilt(dist: string): void {
  if (dist !== join(root, 'dist')) {
    if (modifiedMs(join(dist, 'index.js')) > 0) return
    throw new Error(`there is no built library in ${dist}: no index.js`)
  }
  const builtMs = modifiedMs(join(dist, 'index.js'))
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  const isFresh = sources.every((path) => modifiedMs(join(root, 'src', path)) <= builtMs)
  if (isFresh) return
  console.log('building dist …')
  const { status } = spawnSync('npm', ['run', 'build', '--silent'], { cwd: root, stdio: 'inherit' })
  if (status !== 0) throw new Error('the build failed: npm run build')
}

/** 0 for a file that does not exist. */
function modifiedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}
