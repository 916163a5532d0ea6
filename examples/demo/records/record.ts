/** What the demo loads, wherever it comes from. */

export interface DemoRecord {
  readonly key: string
  readonly value: unknown
}

export interface RecordSet {
  /** What it is and where it comes from, for people. */
  readonly source: string
  /** Invariant: no key occurs twice. */
  readonly records: readonly DemoRecord[]
  /** How much text the records hold, in bytes. */
  readonly bytes: number
}

/** The data cannot be used; the message says where and why. */
export class DataError extends Error {}

export function recordSet(source: string, records: readonly DemoRecord[]): RecordSet {
  if (records.length === 0) throw new DataError(`there are no records in ${source}`)
  let bytes = 0
  for (const { value } of records) {
    bytes += Buffer.byteLength(typeof value === 'string' ? value : JSON.stringify(value))
  }
  return { source, records, bytes }
}
