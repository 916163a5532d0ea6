/** Chooses what the demo loads, and turns files into records keyed by one of their fields. */
import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { parseCsv } from './csv.ts'
import { packageRecords } from './packages.ts'
import { DataError, recordSet, type DemoRecord, type RecordSet } from './record.ts'

export interface DataOptions {
  /** A CSV or JSON-lines file. @default the packages in `node_modules` */
  readonly file: string | undefined
  /** The field that names a record. @default the first column of CSV, `id` of JSON lines */
  readonly keyField: string | undefined
}

/** @throws {DataError} by rejection, when there is nothing to load or it makes no sense. */
export async function loadRecords({ file, keyField }: DataOptions): Promise<RecordSet> {
  if (file === undefined) return packageRecords(process.cwd())
  const rowsOf = readers[extname(file).toLowerCase()]
  if (rowsOf === undefined) {
    throw new DataError(`${file}: must end in ${Object.keys(readers).join(', ')}`)
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file))
    return recordSet(file, keyed(rowsOf(text, keyField)))
  } catch (error) {
    if (error instanceof DataError) throw new DataError(`${file}: ${error.message}`)
    throw new DataError(`${file}: cannot be read: ${(error as Error).message}`)
  }
}

interface Row {
  readonly line: number
  readonly key: unknown
  readonly value: unknown
}

const readers: Readonly<Record<string, (text: string, keyField?: string) => Row[]>> = {
  '.csv': csvRows,
  '.jsonl': jsonRows,
  '.ndjson': jsonRows,
}

function csvRows(text: string, keyField?: string): Row[] {
  const [header, ...rows] = parseCsv(text)
  if (header === undefined) return []
  const names = header.fields
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new DataError(`two columns are called ${JSON.stringify(twice)}`)
  const column = keyField === undefined ? 0 : names.indexOf(keyField)
  if (column < 0) throw new DataError(`has no column "${keyField}", only ${names.join(', ')}`)
  return rows.map(({ line, fields }) => {
    if (fields.length !== names.length) {
      throw new DataError(`line ${line}: ${fields.length} fields, but ${names.length} columns`)
    }
    const value = Object.fromEntries(names.map((name, index) => [name, fields[index]]))
    return { line, key: fields[column], value }
  })
}

function jsonRows(text: string, keyField = 'id'): Row[] {
  const lines = text.replace(/^\uFEFF/, '').split('\n')
  return lines.flatMap((each, index) => {
    if (each.trim() === '') return []
    const line = index + 1
    const value = parseObject(each, line)
    if (!(keyField in value)) throw new DataError(`line ${line}: has no field "${keyField}"`)
    return [{ line, key: value[keyField], value }]
  })
}

function parseObject(text: string, line: number): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new DataError(`line ${line}: ${(error as Error).message}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DataError(`line ${line}: is no JSON object`)
  }
  return value as Record<string, unknown>
}

/** Writes run at the same time: of two records with one key nobody could say which one stays. */
function keyed(rows: readonly Row[]): DemoRecord[] {
  const lines = new Map<string, number>()
  return rows.map(({ line, key, value }) => {
    if ((typeof key !== 'string' && typeof key !== 'number') || key === '') {
      throw new DataError(`line ${line}: its key is ${JSON.stringify(key)}, not text or a number`)
    }
    const text = String(key)
    const before = lines.get(text)
    if (before !== undefined) {
      throw new DataError(`line ${line}: has the key "${text}" of line ${before}`)
    }
    lines.set(text, line)
    return { key: text, value }
  })
}
