/** Members that come and go while everything else happens. */

import { StoreError } from '../../src/index.ts'
import { Draw } from './draw.ts'
import type { Tools } from './nemesis.ts'
import type { FaultPlan } from './plan.ts'

/** Most nodes of a cluster that others join. */
const nodesMax = 10

/** Most nodes that join at once. */
const joinsMax = 3

/** What a node may weigh when it is started again. */
const weights = [0.5, 1, 2]

/** How long the others get to notice that a member is dead, milliseconds. */
const noticeMs = 20_000

/** Changes the ring, or tries to. */
export async function strikeRing(plan: FaultPlan, tools: Tools): Promise<boolean> {
  const [name = ''] = plan.nodes
  if (plan.fault === 'join') return join(plan, tools)
  if (plan.fault === 'leave') return leave(name, plan, tools)
  if (plan.fault === 'takeover') return takeOver(name, plan, tools)
  if (plan.fault === 'reweight') return reweight(name, plan, tools)
  return remove(name, plan, tools)
}

/** One node joins, or several at once. */
async function join({ level }: FaultPlan, { world, operators }: Tools): Promise<boolean> {
  const count = world.cluster.names.length
  const wanted = 1 + Math.floor(level * joinsMax)
  const names = Array.from({ length: wanted }, (_, i) => `n${count + 1 + i}`)
  const added = names.slice(0, nodesMax - count)
  await Promise.all(
    added.map((name, i) => operators.add(name, { weight: 1 + ((count + i) % 3 === 0 ? 1 : 0) })),
  )
  return added.length > 0
}

/** The node leaves and comes back with an empty disk, as a new member. */
async function leave(name: string, { forMs }: FaultPlan, tools: Tools): Promise<boolean> {
  const { world, operators } = tools
  const node = operators.nodeOf(name)
  if (node === undefined || !operators.serving().includes(name)) return false
  if (!operators.takeVote(name)) return false
  operators.hold(name)
  operators.expectDeparture(name)
  const hasLeft = await succeeds(node.leave(), `the leave of ${name}`, tools)
  if (hasLeft) {
    await operators.empty(name)
    await world.cluster.sleep(forMs)
  }
  operators.release(name)
  return hasLeft
}

/** A member dies, another one takes it out, and it comes back with an empty disk. */
async function remove(name: string, { level }: FaultPlan, tools: Tools): Promise<boolean> {
  const { world, operators } = tools
  if (!operators.takeVote(name)) return false
  await operators.crash(name, { lose: 'unsynced' })
  operators.expectDeparture(name)
  await world.cluster.sleep(level * noticeMs)
  const [peer] = operators.serving()
  const node = peer === undefined ? undefined : operators.nodeOf(peer)
  const force = level > 0.5
  const removing = node?.removeMember(name, { force }) ?? Promise.resolve()
  const isRemoved = await succeeds(removing, `the removal of ${name}`, tools)
  // Whether it was or not, this disk is not coming back.
  await operators.empty(name)
  operators.release(name)
  return isRemoved && node !== undefined
}

/** A member dies, and a newcomer takes over its place; the dead one wakes on its old disk, or comes with none. */
async function takeOver(name: string, plan: FaultPlan, tools: Tools): Promise<boolean> {
  const { world, operators } = tools
  const draw = Draw.ofSeed(world.plan.seed, `takeover ${plan.atMs}`)
  const isDurable = world.plan.cluster.storage === 'durable'
  if (world.cluster.names.length >= nodesMax || !operators.takeVote(name)) return false
  // One that is down may have got another disk meanwhile, which nobody knows yet.
  const hasMembersDisk = isDurable && operators.isUp(name)
  await operators.crash(name, { lose: 'unsynced' })
  operators.expectDeparture(name)
  await world.cluster.sleep(plan.level * noticeMs)
  const heir = `n${world.cluster.names.length + 1}`
  world.rings.expectTakeover({ from: name, to: heir })
  const isShaken = isDurable && draw.chance(0.4)
  const shaking = isShaken ? shake(heir, draw, tools) : undefined
  const isTaken = await operators.add(heir, { replaces: name })
  if (isTaken && hasMembersDisk && draw.chance(0.5)) operators.expectFenced(name)
  else await operators.empty(name)
  operators.release(name)
  await shaking
  return isTaken
}

/** The newcomer dies in the middle of it, and is back soon, or so late that it is out again. */
async function shake(heir: string, draw: Draw, { world, operators }: Tools): Promise<void> {
  await world.cluster.sleep(draw.magnitude([20, 10_000]))
  await operators.crash(heir, { lose: 'unsynced' })
  await world.cluster.sleep(draw.magnitude([100, 40_000]))
  operators.release(heir)
}

/** The node is started again with another weight than it has or, where there are zones, in another one. */
async function reweight(name: string, plan: FaultPlan, tools: Tools): Promise<boolean> {
  const { world, operators } = tools
  const draw = Draw.ofSeed(world.plan.seed, `reweight ${plan.atMs}`)
  const own = operators
    .nodeOf(name)
    ?.members()
    .find(({ id }) => id === name)
  if (own === undefined || !(await operators.stop(name))) return false
  const zones = world.plan.cluster.zones.filter((zone) => zone !== own.zone)
  if (zones.length > 0 && draw.chance(0.5)) operators.wish(name, { zone: draw.pick(zones) })
  else operators.wish(name, { weight: draw.pick(weights.filter((each) => each !== own.weight)) })
  operators.release(name)
  return true
}

async function succeeds(work: Promise<void>, what: string, { world }: Tools): Promise<boolean> {
  try {
    await work
    return true
  } catch (error) {
    const isOwn = error instanceof StoreError && error.code === 'ERR_INVALID_ARGUMENT'
    if (!isOwn) world.expectable(what, error)
    return false
  }
}
