/**
 * What versioning costs on the hot path: nanoseconds for each merge, coordinated write, check and comparison of records
 * with 100-byte values, by the number of vector entries.
 */
import { DotSource } from '../../src/versions/dot-source.ts'
import { isRecord } from '../../src/versions/record-layout.ts'
import { compareRecords } from '../../src/versions/record-order.ts'
import {
  decodeStored,
  merged,
  openStored,
  sealStored,
  storedHeaderBytes,
  writtenLocally,
  type LocalWrite,
} from '../../src/replica/stored-record.ts'

const rounds = 2_000_000

const value = new Uint8Array(100).fill(7)

/** Keeps results alive, so that the engine does not drop the work. */
const sink: { last: unknown } = { last: undefined }

function nanosecondsOf(work: () => unknown): number {
  for (let i = 0; i < rounds / 10; i++) sink.last = work()
  const start = performance.now()
  for (let i = 0; i < rounds; i++) sink.last = work()
  return ((performance.now() - start) * 1e6) / rounds
}

/** Incarnations as random ones are: different from the first byte on. */
function dotsOf(node: number): DotSource {
  return new DotSource(String.fromCharCode((node * 89) & 255).repeat(12))
}

function plainWrite(dots: DotSource): LocalWrite {
  return {
    kind: 'siblings',
    value,
    tombstone: false,
    expiresAtMs: 0,
    replaces: 'all',
    stampAbove: undefined,
    dots,
    siblingsMax: 100,
  }
}

/** A record that as many nodes have coordinated; the last one holds it with its note. */
function recordOf(entries: number, last: DotSource): Buffer {
  let stored: Buffer | undefined
  for (let node = 1; node < entries; node++) {
    const incoming = stored && merged(undefined, stored, storedHeaderBytes, stored.length)
    stored = writtenLocally(incoming, plainWrite(dotsOf(node))).stored
  }
  return writtenLocally(stored, plainWrite(last)).stored
}

function measure(entries: number): void {
  const dots = dotsOf(99)
  const write = plainWrite(dots)
  const local = recordOf(entries, dots)
  const newer = writtenLocally(local, write).stored
  sealStored(newer, 'key', true)
  const start = storedHeaderBytes
  const replaces = { causal: decodeStored(local).context, stamp: 0 }
  const works: Record<string, () => unknown> = {
    'merged, no local record': () => merged(undefined, newer, start, newer.length),
    'merged, newer replaces': () => merged(local, newer, start, newer.length),
    'merged, nothing new': () => merged(newer, local, start, local.length),
    'writtenLocally, replaces all': () => writtenLocally(local, write),
    'writtenLocally, with context': () => writtenLocally(local, { ...write, replaces }),
    isRecord: () => isRecord(newer, start, newer.length),
    compareRecords: () => compareRecords(local, start, newer, start),
    'sealStored with checksum': () => sealStored(newer, 'key', true),
    'openStored with checksum': () => openStored(newer, 'key'),
  }
  for (const [work, run] of Object.entries(works)) {
    console.log(JSON.stringify({ work, entries, ns: Math.round(nanosecondsOf(run)) }))
  }
}

for (const entries of [1, 3, 10]) measure(entries)
