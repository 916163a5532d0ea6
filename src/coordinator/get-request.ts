/** What a read asks for, and what it gives. */
import type { Ring } from '../ring/ring.ts'
import { getFrame, type Frame } from '../rpc/frame-buffer.ts'
import { kindNumber } from '../versions/record-layout.ts'
import type { RecordKind } from '../versions/sibling-set.ts'
import type { Settler } from './caller.ts'
import type { KeyRequest } from './coordination.ts'
import type { ReadRecord } from './divergence.ts'
import type { ReplicaCall } from './replica-calls.ts'
import type { Deadline } from './timer-wheel.ts'

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
export type TellResult<T> = (request: GetRequest, found: ReadResult) => T | Promise<T>

/** The request to another replica, which need not send what is `known` already. */
export function recordRequest(
  { epoch }: Ring,
  { partition, storageKey, kind, timeoutMs }: GetRequest,
  known: ReadRecord | undefined,
): Frame {
  const what = { partition, kind: kindNumber[kind], key: storageKey }
  return getFrame({ epoch, timeLeftMs: timeoutMs }, what, known)
}

/** A read that began with what this node has, and with asking at most one other owner. */
export interface BegunGet<T> extends Settler<T> {
  readonly ring: Ring
  /** This node's number among the owners, and its record; undefined when it has none. */
  readonly self: number
  readonly own: ReadRecord | undefined
  /** The other owner's, and the request that it has not answered yet, or only now. */
  readonly other: number
  readonly call: ReplicaCall | undefined
  /** When it was made, or 0 for a read that is not timed. */
  readonly beganMs: number
  /** The deadline is another's from now on. */
  handOver(to: Deadline): void
}
