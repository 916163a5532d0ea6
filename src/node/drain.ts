/**
 * Before a node closes for a restart: whatever depends on it alone comes to an end, or to others. The data of the
 * partitions that it owns stays; other owners have it too.
 *
 * 1. What others lack and can take now is delivered, while they still count on this node.
 * 2. They are told that it goes, and ask others from then on, without waiting for it.
 * 3. What is under way ends, and what it leaves to be done for members that are away goes to others, who keep hints.
 * 4. What was written is on the disk.
 */
import { solePartitions, type CloseOptions } from './close.ts'
import { sleep } from './join.ts'
import type { NodeCore } from './node-core.ts'

const limitMs = 10_000
const pollMs = 10
/** Time for what is on its way between this node and others to arrive. */
const farewellMs = 100

/** Resolves when nothing depends on this node, or nothing more can be done about it. Never rejects. */
export async function drain(
  core: NodeCore,
  { timeoutMs = limitMs }: CloseOptions,
  isHurried: () => boolean,
): Promise<void> {
  const { clock, storage } = core.ports
  const deadlineMs = clock.monotonicMs() + timeoutMs
  const isOver = (): boolean =>
    isHurried() || core.expulsion !== undefined || clock.monotonicMs() >= deadlineMs
  const until = async (isDone: () => boolean): Promise<void> => {
    while (!isDone() && !isOver()) await sleep(clock, pollMs)
  }
  await until(() => !owesAnybodyPresent(core))
  core.gossip?.farewell()
  if (!isOver()) await sleep(clock, farewellMs)
  await until(() => core.underWayCount === 0)
  let isStuck = false
  if (!isOver()) {
    core.handoff.drained().catch(() => {
      isStuck = true
    })
  }
  await until(() => {
    const { hints, underWayCount } = core
    if (underWayCount > 0) return false
    const isHandedOver = hints.targets.length === 0 && solePartitions(core) === 0
    return isHandedOver || isStuck || !hasCompany(core)
  })
  try {
    await storage.write([])
  } catch (error) {
    core.fail('close', error as Error)
  }
}

/** Whether this node keeps something for a member that answers, and so is about to take it. */
function owesAnybodyPresent(core: NodeCore): boolean {
  const present = core.hints.targets.filter((id) => core.isReachable(id))
  for (const id of present) core.handoff.deliver(id)
  return present.length > 0
}

/** Whether any other member answers. */
function hasCompany(core: NodeCore): boolean {
  return core.others().some((id) => core.isReachable(id))
}
