/** Faults of a machine's disk, of the data on it, and of its clock. */

import { Draw } from './draw.ts'
import type { Tools } from './nemesis.ts'
import type { FaultPlan } from './plan.ts'
import type { GroupName } from './plan-workload.ts'

/** How long a replaced disk may take to be filled, milliseconds. */
const fillWithinMs = 60_000

/** Lets a disk fail in a way that it tells. */
export async function strikeDisk(plan: FaultPlan, tools: Tools): Promise<boolean> {
  const { world, operators } = tools
  const [name = ''] = plan.nodes
  const disk = world.cluster.disk(name)
  if (plan.fault === 'failing-writes') disk.failWrites(1 + Math.floor(plan.level * 20))
  if (plan.fault === 'failing-reads') disk.failReads(1 + Math.floor(plan.level * 20))
  if (plan.fault === 'failing-sync') disk.failSyncs(1)
  if (plan.fault === 'full-disk') disk.capacityBytes = disk.bytes + Math.floor(plan.level * 300)
  if (plan.fault === 'slow-disk') disk.slowness = 10 ** (1 + 2 * plan.level)
  await world.cluster.sleep(plan.forMs)
  disk.failReads(0)
  disk.failWrites(0)
  disk.failSyncs(0)
  disk.capacityBytes = Infinity
  disk.slowness = 1
  if (plan.fault !== 'failing-sync') return true
  // Its storage takes no write until it is opened again.
  await operators.crash(name, { lose: 'nothing' })
  operators.release(name)
  return true
}

/** Lets a wall clock be wrong for a while. */
export async function strikeClock(plan: FaultPlan, { world }: Tools): Promise<boolean> {
  const [name = ''] = plan.nodes
  const { cluster } = world
  const way = plan.level - 0.5
  if (plan.fault === 'skew') cluster.skewClock(name, Math.round(way * 7_200_000))
  if (plan.fault === 'drift') cluster.driftClock(name, Math.round(way * 200_000))
  if (plan.fault === 'freeze') cluster.freezeClock(name)
  await cluster.sleep(plan.forMs)
  // Back to the right time at once, which may be a jump backwards.
  cluster.driftClock(name, 0)
  cluster.skewClock(name, 0)
  return true
}

/** Destroys what a node stored. */
export async function strikeData(plan: FaultPlan, tools: Tools): Promise<boolean> {
  const [name = ''] = plan.nodes
  switch (plan.fault) {
    case 'bit-flip':
      return flipBit(name, plan, tools)
    case 'forgetting':
      return forget(name, plan, tools)
    case 'wipe':
      return wipe(name, plan, tools)
    case 'replacement':
      return replace(name, tools)
    case 'twin':
      return twin(name, plan, tools)
    default:
      return restoreOld(name, plan, tools)
  }
}

/** A key of one of the groups that this node has a record of. */
function storedKey(
  name: string,
  groups: readonly GroupName[],
  { plan: fault, tools }: { plan: FaultPlan; tools: Tools },
): { bucket: GroupName; key: string } | undefined {
  const { world } = tools
  const found = world.plan.groups
    .filter((group) => groups.includes(group.name))
    .flatMap(({ name: bucket, keys }) => keys.map((key) => ({ bucket, key })))
    .filter(({ bucket, key }) => world.cluster.records(bucket, key).has(name))
  return found[Math.floor(fault.level * found.length)]
}

/** Often the record is one that another owner has not got yet. */
async function flipBit(name: string, plan: FaultPlan, tools: Tools): Promise<boolean> {
  const draw = Draw.ofSeed(tools.world.plan.seed, `flip ${plan.atMs}`)
  const owed = draw.chance(0.6) ? await awaitOwed(name, draw, tools) : undefined
  const record = owed ?? storedKey(name, ['archive', 'frail'], { plan, tools })
  return record !== undefined && tools.world.cluster.damage(name, record.bucket, record.key)
}

/** A key of the archive that the node has and some owner lacks, if one is seen before long. */
async function awaitOwed(
  name: string,
  draw: Draw,
  { world }: Tools,
): Promise<{ bucket: GroupName; key: string } | undefined> {
  const { groups, cluster } = world.plan
  const keys = groups.find((group) => group.name === 'archive')?.keys ?? []
  const owners = Math.min(cluster.n, cluster.nodes)
  for (let looks = 0; keys.length > 0 && looks < 30; looks++) {
    for (const key of draw.shuffled(keys).slice(0, 16)) {
      const views = world.cluster.records('archive', key)
      if (views.has(name) && views.size < owners) return { bucket: 'archive', key }
    }
    await world.cluster.sleep(100)
  }
  return undefined
}

/**
 * While the node is up, or while it is stopped in good order; often at the worst moment, when others
 * lack what it forgets.
 */
async function forget(name: string, plan: FaultPlan, tools: Tools): Promise<boolean> {
  const { world, operators } = tools
  const draw = Draw.ofSeed(world.plan.seed, `forgetting ${plan.atMs}`)
  const isPatient = draw.chance(0.6)
  const worst = isPatient ? await awaitDifference(name, tools) : undefined
  const record = worst ?? storedKey(name, ['frail'], { plan, tools })
  if (record === undefined) return false
  const mayStop = world.plan.cluster.storage === 'durable' && draw.chance(isPatient ? 0.1 : 0.3)
  const isStopped = mayStop && (await operators.stop(name))
  world.cluster.forget(name, record.bucket, record.key)
  if (isStopped) operators.release(name)
  return true
}

/** A frail key of which another node has an older record, if there is one before long. */
async function awaitDifference(
  name: string,
  { world }: Tools,
): Promise<{ bucket: GroupName; key: string } | undefined> {
  const keys = world.plan.groups.find((group) => group.name === 'frail')?.keys ?? []
  for (let looks = 0; looks < 20; looks++) {
    for (const key of keys) {
      const views = world.cluster.records('frail', key)
      const own = views.get(name)
      const others = [...views].filter(([other]) => other !== name)
      const isAhead = others.some(([, { clock }]) => clock !== own?.clock)
      if (own?.role === 'primary' && isAhead) return { bucket: 'frail', key }
    }
    await world.cluster.sleep(100)
  }
  return undefined
}

async function wipe(name: string, plan: FaultPlan, { world, operators }: Tools): Promise<boolean> {
  if (!operators.takeVote(name)) return false
  await operators.crash(name, { lose: 'unsynced', silent: plan.level > 0.5 })
  await operators.empty(name)
  await world.cluster.sleep(plan.forMs)
  operators.release(name)
  return true
}

/** While nothing else is wrong: the node gets an empty disk and is filled by the others. */
async function replace(name: string, tools: Tools): Promise<boolean> {
  const { world, operators } = tools
  const { cluster } = world
  const sleep = cluster.sleep.bind(cluster)
  const isHealthy = await waitFor(() => cluster.names.every((each) => seesAll(each, tools)), sleep)
  if (!isHealthy || !operators.takeVote(name)) return false
  await operators.crash(name, { lose: 'everything' })
  await operators.empty(name)
  operators.release(name)
  await waitFor(() => cluster.names.every((each) => isAtRest(each, tools)), sleep)
  return true
}

/** Whether the node holds all others to be alive. */
export function seesAll(name: string, { world, operators }: Tools): boolean {
  const members = operators.nodeOf(name)?.members() ?? []
  const isComplete = members.length === world.cluster.names.length
  return isComplete && members.every(({ status }) => status === 'alive')
}

/** Serves, sees all others, and owes nobody anything. */
function isAtRest(name: string, tools: Tools): boolean {
  const handoff = tools.operators.nodeOf(name)?.stats().handoff
  if (handoff === undefined || handoff.hints + handoff.dirtyPartitions > 0) return false
  return seesAll(name, tools)
}

/** Looks every now and then, for a minute. */
export async function waitFor(
  isSo: () => boolean,
  sleep: (ms: number) => Promise<void>,
): Promise<boolean> {
  for (let ms = 0; ms < fillWithinMs; ms += 100) {
    if (isSo()) return true
    await sleep(100)
  }
  return false
}

/** The disk goes back to what it held before; `old-clean-disk`: after a proper shutdown. */
async function restoreOld(name: string, plan: FaultPlan, tools: Tools): Promise<boolean> {
  const { world, operators } = tools
  const { cluster } = world
  if (!operators.takeVote(name)) return false
  const isClean = plan.fault === 'old-clean-disk'
  if (isClean && !(await operators.stop(name))) return false
  if (isClean) await cluster.sleep(1)
  const saved = cluster.saveDisk(name)
  if (isClean) operators.release(name)
  await cluster.sleep(plan.forMs)
  if (isClean && plan.level < 0.5) await operators.stop(name)
  await operators.crash(name, { lose: 'unsynced' })
  if (isClean && plan.level < 0.5) operators.release(name)
  cluster.restoreDisk(name, saved)
  operators.rollBack(name)
  await cluster.sleep(plan.forMs * plan.level)
  operators.release(name)
  return true
}

/** A second process runs on a copy of the disk, and serves; in the end its disk is thrown away. */
async function twin(name: string, plan: FaultPlan, { world, operators }: Tools): Promise<boolean> {
  if (!operators.takeVote(name)) return false
  const as = `${name}-twin-${plan.atMs}`
  try {
    await world.cluster.duplicate(name, as)
  } catch (error) {
    world.expectable(`the start of ${as}`, error)
    return false
  }
  operators.twins.add(as)
  await world.cluster.sleep(plan.forMs)
  operators.twins.delete(as)
  world.ledger.died(as)
  await world.cluster.crash(as, { lose: 'everything' })
  return true
}
