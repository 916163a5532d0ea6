/** Storages in directories of their own, removed when their test ends. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A path under which nothing is yet. */
export function freshPath(): string {
  const parent = mkdtempSync(join(tmpdir(), 'coterie-storage-'))
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }))
  return join(parent, 'data')
}
