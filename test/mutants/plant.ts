/** Plants a fault in a copy of the sources, beside a copy of the storm that is to find it. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Edit, Mutant } from './mutant.ts'

/** The project's own folder. */
export const root: string = new URL('../../', import.meta.url).pathname

/** What a copy needs: the library, the storm, and how they are compiled. */
const copied = ['src', 'test/storm', 'package.json', 'tsconfig.json']

/** The text after the edit. @throws {Error} when the text to be replaced does not stand there exactly once. */
export function edited(text: string, { file, find, replace }: Edit): string {
  const parts = text.split(find)
  if (parts.length === 2) return parts.join(replace)
  throw new Error(`src/${file} has ${parts.length - 1} places like ${JSON.stringify(find)}, not 1`)
}

/** The folder of a copy with the fault in it; `remove` it in the end. */
export function plant(mutant: Mutant): { readonly folder: string; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), `coterie-${mutant.name}-`))
  for (const path of copied) cpSync(join(root, path), join(folder, path), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  for (const edit of mutant.edits) {
    const path = join(folder, 'src', edit.file)
    writeFileSync(path, edited(readFileSync(path, 'utf8'), edit))
  }
  return {
    folder,
    remove: () => {
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
