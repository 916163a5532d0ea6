/** What a read asks for, and what it gives. */
import type { RecordKind } from '../versions/sibling-set.ts'
import type { KeyRequest } from './coordination.ts'
import type { ReadRecord } from './divergence.ts'

/** What a read does about replicas that it finds stale. See `ReplicationOptions.readRepair`. */
export type ReadRepairMode = 'blocking' | 'async' | 'off'

/** One read, with every option settled. */
export interface GetRequest extends KeyRequest {
  readonly kind: RecordKind
  /** R. */
  readonly needed: number
  readonly readRepair: ReadRepairMode
}

/** What a read found: the record, or undefined when no replica has one. */
export type ReadResult = ReadRecord | undefined

/** Makes of what was found what the caller gets. The read rejects with what it throws. */
export type TellResult<T> = (request: GetRequest, found: ReadResult) => T
