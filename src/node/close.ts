/** The end of a node: bounded in time, and nothing is left behind. */
import type { NodeCore } from './node-core.ts'
import { sleep } from './join.ts'

/** Options of `close`. */
export interface CloseOptions {
  /**
   * Whether nothing is to depend on this node alone when it goes: what is under way ends, what it keeps for others is
   * handed over to them or to others that keep it, and the members know that it goes. New operations are refused from
   * the first moment. @default false
   */
  readonly drain?: boolean
  /** How long draining may take, milliseconds. What is left then stays on the disk. @default 10_000 */
  readonly timeoutMs?: number
}

/** What a node left behind when it closed. All is 0 when nothing depends on it. */
export interface CloseOutcome {
  /** Operations that were given up. */
  readonly operations: number
  /** Hints that stay here: others do not have them, and the owners wait until this node is back. */
  readonly hints: number
  /** Partitions marked for members that may lack data of them, likewise. */
  readonly dirtyPartitions: number
  /** Partitions of this node of which no other owner answers. */
  readonly solePartitions: number
}

/** How long operations may take to finish. */
const graceMs = 1_000
const pollMs = 5

/** Finishes or gives up what is under way, then closes the parts in the order in which they need each other. */
export async function closeCore(core: NodeCore): Promise<CloseOutcome> {
  const { ports, wheel, handoff, spread, keeper, peers, books, gossip } = core
  const deadlineMs = ports.clock.monotonicMs() + graceMs
  core.coordination.long.close()
  gossip?.farewell()
  core.burden.close()
  while (wheel.size > 0 && ports.clock.monotonicMs() < deadlineMs) await sleep(ports.clock, pollMs)
  const outcome = leftBehind(core)
  wheel.expireAll()
  handoff.close()
  core.antiEntropy.close()
  core.reaper.close()
  core.steadiness.close()
  spread.close()
  core.filling.close()
  core.promotion.close()
  core.steward.close()
  core.strays.close()
  keeper.close()
  await quietly(core, () => core.starts.keep())
  if (gossip !== undefined) await quietly(core, () => gossip.close())
  peers.close()
  await quietly(core, () => ports.transport.close())
  await quietly(core, () => books.closeCleanly())
  await quietly(core, () => ports.storage.close())
  wheel.stop()
  return outcome
}

function leftBehind(core: NodeCore): CloseOutcome {
  const { hints, underWayCount } = core
  return {
    operations: underWayCount,
    hints: hints.count(),
    dirtyPartitions: hints.dirtyCount(),
    solePartitions: solePartitions(core),
  }
}

/** Partitions of this node of which no other owner answers. Where each has one owner only, that is as it should be. */
export function solePartitions(core: NodeCore): number {
  const { ring } = core.keeper
  if (ring === undefined || ring.n < 2 || core.reach.everyone()) return 0
  const { id } = core.identity
  let count = 0
  for (let partition = 0; partition < ring.partitions; partition++) {
    const owners = ring.owners(partition)
    if (!owners.includes(id)) continue
    if (!owners.some((each) => each !== id && core.isReachable(each))) count += 1
  }
  return count
}

/** A part that cannot close must not keep the others from it. */
async function quietly(core: NodeCore, close: () => Promise<void>): Promise<void> {
  try {
    await close()
  } catch (error) {
    core.fail('close', error as Error)
  }
}
