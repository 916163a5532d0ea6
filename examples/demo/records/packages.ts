/**
 * Real data that every checkout has: the packages under `node_modules`, nested and scoped ones too. Each field of a
 * `package.json` is a record, and so is each section of a readme.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DataError, recordSet, type DemoRecord, type RecordSet } from './record.ts'

const readmeName = /^readme(?:\.\w+)?$/i
/** Before each Markdown heading. */
const sectionStart = /^(?=#+ )/m
const atOnce = 32

export async function packageRecords(root: string): Promise<RecordSet> {
  const found = await packagesIn(join(root, 'node_modules'), '')
  if (found.length === 0) {
    throw new DataError(`no packages in ${join(root, 'node_modules')}: npm install, or name a file`)
  }
  const records: DemoRecord[] = []
  for (let start = 0; start < found.length; start += atOnce) {
    const read = await Promise.all(found.slice(start, start + atOnce).map(recordsOf))
    records.push(...read.flat())
  }
  return recordSet(`${found.length} packages in node_modules`, records)
}

interface PackageDirectory {
  readonly path: string
  /** Where it is below `node_modules`: `vitest`, `@types/node`, `vitest/node_modules/vite`. Unique. */
  readonly name: string
}

/** Links are not followed: what they lead to is found where it is, and circles have no end. */
async function packagesIn(directory: string, above: string): Promise<PackageDirectory[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => [])
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  const nested = names.map(async (name): Promise<PackageDirectory[]> => {
    const path = join(directory, name)
    if (name.startsWith('@')) return packagesIn(path, `${above}${name}/`)
    if (name.startsWith('.')) return []
    const inner = await packagesIn(join(path, 'node_modules'), `${above}${name}/node_modules/`)
    return [{ path, name: `${above}${name}` }, ...inner]
  })
  return (await Promise.all(nested)).flat()
}

async function recordsOf({ path, name }: PackageDirectory): Promise<DemoRecord[]> {
  const text = await readFile(join(path, 'package.json'), 'utf8').catch(() => undefined)
  if (text === undefined) return []
  const fields = Object.entries(JSON.parse(text) as object)
  const records = fields.map(([field, value]: [string, unknown]) => {
    return { key: `${name}#${field}`, value }
  })
  const readme = (await readdir(path)).find((file) => readmeName.test(file))
  if (readme === undefined) return records
  const sections = (await readFile(join(path, readme), 'utf8')).split(sectionStart)
  return [...records, ...sections.map((value, i) => ({ key: `${name}#:readme:${i}`, value }))]
}
