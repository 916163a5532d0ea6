/** How a write ends: it counts itself out, and its caller gets a receipt or an error. */
import type { ValueRegion } from '../ports/storage.ts'
import type { AppliedWrite } from '../replica/replica-store.ts'
import { storedHeaderBytes } from '../replica/stored-record.ts'
import { recordHead, type ContextSource } from '../versions/context.ts'
import type { Settler } from './caller.ts'
import type { Coordination } from './coordination.ts'
import type { BegunPut, PutRequest } from './put-request.ts'
import { createReceipt, type Receipt, type WriteOutcome } from './receipt.ts'

const nobody: readonly string[] = Object.freeze([])

/** What a whole operation has come to. */
export function endWrite(
  node: Coordination,
  request: PutRequest,
  caller: Settler<Receipt> | undefined,
  { stored, replaced }: AppliedWrite,
  outcome: WriteOutcome,
): void {
  end(node, request, caller, replaced ?? recordHead(stored, storedHeaderBytes), outcome)
}

/**
 * What a write has come to that went no further than its owners, and left no hint.
 * @param replaced where that is told by something else than the record itself
 */
export function endBegunWrite(
  node: Coordination,
  request: PutRequest,
  begun: BegunPut & ValueRegion,
  replaced: ContextSource | undefined,
): void {
  const { ring, storedMask, durableMask, bytes, start } = begun
  const source = replaced ?? recordHead(bytes, start + storedHeaderBytes)
  const nodes = ring.replicas(request.partition)
  const outcome = { nodes, storedMask, fallbackMask: 0, durableMask, hinted: nobody }
  end(node, request, begun, source, outcome)
}

function end(
  node: Coordination,
  { bucket, key }: PutRequest,
  caller: Settler<Receipt> | undefined,
  source: ContextSource,
  outcome: WriteOutcome,
): void {
  node.stats.inFlight -= 1
  caller?.resolve(createReceipt({ cluster: node.cluster(), bucket, key }, source, outcome))
}

/** Ends a write for which too few replicas are known to have it, or none. */
export function failWrite(
  node: Coordination,
  caller: Settler<Receipt> | undefined,
  error: Error,
): void {
  node.stats.inFlight -= 1
  node.stats.failed += 1
  caller?.reject(error)
}
