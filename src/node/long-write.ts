/** A write of a long value waits until those before it have had their share of the event loop. */
import { OverloadedError } from '../base/errors.ts'
import { routePut } from '../coordinator/forward.ts'
import type { PutRequest } from '../coordinator/put-request.ts'
import type { Receipt } from '../coordinator/receipt.ts'
import { timeLeft } from './abort.ts'
import type { BucketNode } from './bucket-node.ts'

/**
 * Starts a write that was counted in, once it is its turn.
 * @throws {OverloadedError} by rejection, as the other one: the turn did not come in time; nothing changed.
 * @throws {ClosedError} the node was closed meanwhile; nothing changed.
 */
export async function startInTurn(
  node: BucketNode,
  turn: Promise<void>,
  put: PutRequest,
): Promise<Receipt> {
  const { coordination } = node
  const { timeoutMs } = put
  let leftMs: number
  try {
    leftMs = await timeLeft(turn, coordination.clock, timeoutMs)
    node.assertServing()
    if (leftMs === 0) {
      throw new OverloadedError(
        `too many long values are written at once: its turn did not come within ${timeoutMs} ms`,
      )
    }
  } catch (error) {
    coordination.stats.inFlight -= 1
    throw error
  }
  return routePut(coordination, { ...put, timeoutMs: leftMs }, node.writeId)
}
