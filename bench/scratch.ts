/** Temporary directories of measurements: certificates, and the data of nodes that keep it on disk. */
import { mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'

/** The kind of a file system in memory, on Linux (statfs(2)). */
const tmpfsType = 0x01021994

const directories = new Set<string>()
let isWatching = false

/** Gives `use` a fresh directory below `parent`, and removes it when that has ended, whatever way. */
export async function withScratch<T>(
  parent: string,
  use: (directory: string) => Promise<T>,
): Promise<T> {
  removeAllWhenKilled()
  const directory = makeDirectory(parent)
  directories.add(directory)
  try {
    return await use(directory)
  } finally {
    // A node that was cut off may still be writing.
    await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    directories.delete(directory)
  }
}

function makeDirectory(parent: string): string {
  try {
    return mkdtempSync(join(parent, 'coterie-bench-'))
  } catch (cause) {
    throw new Error(`cannot make a directory for the nodes' files in ${parent}`, { cause })
  }
}

/** Whether what lies there is in memory, so that waiting for the disk costs nothing. */
export function isInMemory(directory: string): boolean {
  return statfsSync(directory).type === tmpfsType
}

function removeAllWhenKilled(): void {
  if (isWatching) return
  isWatching = true
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      for (const directory of directories) rmSync(directory, { recursive: true, force: true })
      process.exit(1)
    })
  }
}
