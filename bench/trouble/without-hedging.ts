/** The built library without hedging, to see what that is worth. The library has no switch for it: nobody needs one. */
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../options.ts'

const file = join('coordinator', 'hedging.js')
/** Where a read asks whether it may ask one replica more. */
const asked = 'if (this.#saved < 1)'
const refused = 'if (true)'

/** Makes the copy in a directory of its own. Returns its path. @throws {Error} when hedging looks otherwise by now */
export function withoutHedging(dist: string, directory: string): string {
  const copy = join(directory, 'dist')
  cpSync(dist, copy, { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'))
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ type: 'module' }))
  const source = readFileSync(join(copy, file), 'utf8')
  if (source.split(asked).length !== 2) throw new Error(`${file} has no place "${asked}" any more`)
  writeFileSync(join(copy, file), source.replace(asked, refused))
  return copy
}
