/** Brings a record to an owner that a comparison found to lack it. */
import type { Clock } from '../ports/clock.ts'
import type { Channel } from '../rpc/channel.ts'
import { deliverRecord } from './deliver-record.ts'
import type { Throttle } from './throttle.ts'

/** What bringing needs of the node. */
export interface BringOptions {
  readonly clock: Clock
  readonly timeoutMs: number
  readonly throttle: Throttle
  /** Counts what was brought. */
  readonly counts: { repaired: number }
}

/** True when the owner has it durably, by its own word. */
export async function bringRecord(
  { clock, timeoutMs, throttle, counts }: BringOptions,
  channel: Channel,
  record: { partition: number; key: string; stored: Uint8Array; epoch: number },
): Promise<boolean> {
  await throttle.spend(record.stored.length)
  const wait = { clock, timeoutMs, epoch: record.epoch }
  const problem = await deliverRecord(channel, { ...record, hintFor: [] }, wait)
  if (problem === undefined) counts.repaired += 1
  return problem === undefined
}
