/** What a write asks for. */
import type { AlsoWrite, AppliedWrite } from '../replica/replica-store.ts'
import type { LocalWrite } from '../replica/stored-record.ts'
import type { Ring } from '../ring/ring.ts'
import type { ContextContent } from '../versions/context.ts'
import type { RecordKind } from '../versions/sibling-set.ts'
import type { Settler } from './caller.ts'
import type { Coordination, KeyRequest } from './coordination.ts'
import type { Receipt } from './receipt.ts'
import type { ReplicaCall } from './replica-calls.ts'
import type { Deadline } from './timer-wheel.ts'

/** One write, with every option settled. */
export interface PutRequest extends KeyRequest {
  readonly kind: RecordKind
  readonly value: Uint8Array
  /** Whether the value is the caller's own array, who may change it as soon as the call has returned. */
  readonly isBorrowed: boolean
  readonly tombstone: boolean
  readonly expiresAtMs: number
  readonly replaces: 'all' | ContextContent
  /** W. */
  readonly needed: number
}

/** The same write, of a value that stays as it is. */
export function withOwnValue(request: PutRequest): PutRequest {
  if (!request.isBorrowed) return request
  return { ...request, value: Buffer.from(request.value), isBorrowed: false }
}

/** What of a write concerns the storage of the node that coordinates it. */
export function localWrite(node: Coordination, request: PutRequest): LocalWrite {
  const { kind, value, tombstone, expiresAtMs, replaces } = request
  const { dots, hybridClock, clock, siblingsMax } = node
  return {
    kind,
    value,
    tombstone,
    expiresAtMs,
    replaces,
    dots,
    siblingsMax,
    stampAbove: kind === 'lww' ? (above) => hybridClock.next(clock.wallMs(), above) : undefined,
  }
}

/** A write that this node, an owner, has stored, and that was sent to all other owners. */
export interface BegunPut extends Settler<Receipt> {
  readonly ring: Ring
  readonly applied: AppliedWrite
  /** This node's number among the owners. */
  readonly self: number
  /** The requests, by owner; undefined for one that could not be asked. */
  readonly calls: readonly (ReplicaCall | undefined)[]
  /** Owners that have the write, as a mask, and those of them that have it durably. */
  readonly storedMask: number
  readonly durableMask: number
  /** Whether the caller was answered. */
  readonly isSettled: boolean
  /** The deadline is another's from now on. */
  handOver(to: Deadline): void
}

/** Hints for these owners, in the batch of the record. */
export function hintsWith(
  node: Coordination,
  { partition, storageKey: key }: PutRequest,
  owners: readonly string[],
): AlsoWrite {
  return (storedBytes) =>
    owners.flatMap((target) => {
      const writes = node.hints.add({ target, partition, key }, storedBytes, node.clock.wallMs())
      if (writes.length > 0) node.hinted(target)
      return writes
    })
}
