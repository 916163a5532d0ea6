/** What a stored record is, without its values: enough to tell whether replicas hold the same. */
import { checksum } from '../base/checksum.ts'
import { clockText } from '../versions/clock-text.ts'
import { decodeStored, storedHeaderBytes } from './stored-record.ts'

/** A stored record, counted and named. */
export interface RecordSummary {
  /** Values that are neither deleted nor expired. */
  readonly siblings: number
  readonly tombstones: number
  /** Values whose time has passed by this node's clock, and that nobody has ended yet. */
  readonly expired: number
  /** Of the record as it travels. */
  readonly bytes: number
  /** The causal context: `<actor>:<counter> …`, equal for equal contexts. */
  readonly clock: string
  /** Checksum of the record: replicas that hold the same have the same. */
  readonly digest: number
}

/** Sums up sound stored bytes. */
export function summarise(stored: Uint8Array, wallMs: number): RecordSummary {
  const { siblings, context } = decodeStored(stored)
  const values = siblings.filter(({ tombstone }) => !tombstone)
  const expired = values.filter(({ expiresAtMs }) => expiresAtMs > 0 && expiresAtMs <= wallMs)
  return {
    siblings: values.length - expired.length,
    tombstones: siblings.length - values.length,
    expired: expired.length,
    bytes: stored.length - storedHeaderBytes,
    clock: clockText(context),
    digest: checksum(stored.subarray(storedHeaderBytes)),
  }
}
