/** Pages as replicas tell them, written in short. */
import type { ScannedRange, ScannedRecord } from '../../src/replica/scan-page.ts'
import { encodeRecord } from '../../src/versions/record-codec.ts'
import { headsOf, type RecordView } from '../../src/versions/record-heads.ts'
import { contextOf, dotOf } from '../versions/kit.ts'

export const prefix = 'b\0'

export function recordOf(dot: string, text: string = dot): RecordView {
  const value = Buffer.from(text)
  const sibling = { dot: dotOf(dot), tombstone: false, value, stamp: 0, expiresAtMs: 0 }
  const bytes = encodeRecord({ kind: 'siblings', context: contextOf(dot), siblings: [sibling] })
  return { form: 'record', bytes, start: 0, end: bytes.length }
}

function headsView(record: RecordView): RecordView {
  const bytes = headsOf(record)
  return { form: 'heads', bytes, start: 0, end: bytes.length }
}

/** `k1:a1 k2:!`: the key k1 with the first write of actor a, the key k2 damaged. */
export function range(text: string, how: 'whole' | 'cut' = 'whole'): ScannedRange {
  const records = text.split(' ').filter(Boolean).map(recordFrom)
  return { records, isComplete: how === 'whole' }
}

function recordFrom(text: string): ScannedRecord {
  const [key, dot] = text.split(':')
  return { key: prefix + key, found: dot === '!' ? 'damaged' : recordOf(dot!) }
}

/** The same, without the values. */
export function heads({ records, isComplete }: ScannedRange): ScannedRange {
  const bare: ScannedRecord[] = records.map(({ key, found }) => ({
    key,
    found: found === 'damaged' ? found : headsView(found),
  }))
  return { records: bare, isComplete }
}
