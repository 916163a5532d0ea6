/** The end of a node: bounded in time, and nothing is left behind. */
import type { NodeCore } from './node-core.ts'
import { sleep } from './join.ts'

/** How long operations may take to finish. */
const graceMs = 1_000
const pollMs = 5

/** Finishes or gives up what is under way, then closes the parts in the order in which they need each other. */
export async function closeCore(core: NodeCore): Promise<void> {
  const { ports, wheel, handoff, spread, keeper, peers, books, gossip } = core
  const deadlineMs = ports.clock.monotonicMs() + graceMs
  core.coordination.long.close()
  while (wheel.size > 0 && ports.clock.monotonicMs() < deadlineMs) await sleep(ports.clock, pollMs)
  wheel.expireAll()
  handoff.close()
  spread.close()
  core.filling.close()
  core.promotion.close()
  keeper.close()
  await quietly(core, () => core.starts.keep())
  if (gossip !== undefined) await quietly(core, () => gossip.close())
  peers.close()
  await quietly(core, () => ports.transport.close())
  await quietly(core, () => books.closeCleanly())
  await quietly(core, () => ports.storage.close())
  wheel.stop()
}

/** A part that cannot close must not keep the others from it. */
async function quietly(core: NodeCore, close: () => Promise<void>): Promise<void> {
  try {
    await close()
  } catch (error) {
    core.fail('close', error as Error)
  }
}
