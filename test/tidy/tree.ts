/** Reads the text files of the project that the tidy rules look at. */

import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { textFile, type TextFile } from './rule.ts'

export const root: string = fileURLToPath(new URL('../..', import.meta.url))

const folders = ['src', 'test', 'bench', 'examples', 'docs', '.ci', '.github']
const textEndings = /\.(?:ts|js|mjs|cjs|json|jsonc|md|ya?ml|sh|txt)$|\/\.ci\/run$/

/** Every text file of the source folders and of the root, in the order of their paths. */
export function readTree(): TextFile[] {
  const atRoot = readdirSync(root, { withFileTypes: true })
  const paths = atRoot.filter((entry) => entry.isFile()).map((entry) => join(root, entry.name))
  for (const folder of folders) paths.push(...filesBelow(folder))
  const texts = paths.filter((path) => textEndings.test(path)).sort()
  return texts.map((path) => textFile(relative(root, path), readFileSync(path, 'utf8')))
}

function filesBelow(folder: string): string[] {
  if (!readdirSync(root).includes(folder)) return []
  const entries = readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
  const files = entries.filter((entry) => entry.isFile())
  return files.map((entry) => join(entry.parentPath, entry.name)).filter(isOurs)
}

function isOurs(path: string): boolean {
  return !path.includes('/node_modules/') && !path.includes('/dist/')
}
