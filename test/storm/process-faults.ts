/** Faults of processes: they end, stop for a while, or start again. */

import type { CrashOptions } from '../../src/sim/index.ts'
import { mute } from './network-faults.ts'
import type { Tools } from './nemesis.ts'
import type { FaultPlan } from './plan.ts'

/** Strikes a process. False when it was not up. */
export async function strikeProcess(plan: FaultPlan, tools: Tools): Promise<boolean> {
  const [name = ''] = plan.nodes
  switch (plan.fault) {
    case 'pause':
      return pause(name, plan, tools)
    case 'restart':
      return restart(name, tools)
    case 'all-restart':
      return restartAll(plan, tools)
    case 'crash':
      return crash(name, plan, { ...tools, lose: 'nothing' })
    case 'brown-out':
      return brownOut(name, plan, tools)
    case 'torn-crash':
      await backUp(name, tools)
      return crash(name, plan, { ...tools, lose: 'some' })
    case 'dark-machine':
      return crash(name, plan, { ...tools, lose: 'unsynced', silent: true })
    default:
      return crash(name, plan, { ...tools, lose: 'unsynced' })
  }
}

async function pause(name: string, plan: FaultPlan, tools: Tools): Promise<boolean> {
  if (!tools.operators.pause(name)) return false
  await tools.world.cluster.sleep(plan.forMs)
  tools.operators.resume(name)
  return true
}

async function restart(name: string, { operators }: Tools): Promise<boolean> {
  if (!(await operators.stop(name))) return false
  operators.release(name)
  return true
}

/**
 * Every machine loses its power at once, with much that is not on its disk yet or with little, and
 * each gets it back at a time of its own.
 */
async function restartAll(plan: FaultPlan, tools: Tools): Promise<boolean> {
  const { nodes, forMs, level } = plan
  const { world, operators } = tools
  if (level > 0.5) await Promise.all(nodes.map((name) => backUp(name, tools)))
  for (const name of nodes) await operators.crash(name, { lose: 'unsynced' })
  const back = nodes.map(async (name, i) => {
    await world.cluster.sleep((forMs * i) / nodes.length)
    operators.release(name)
  })
  await Promise.all(back)
  return true
}

/** What it writes and sends in its last half second, some others have and it has not. */
async function brownOut(name: string, plan: FaultPlan, tools: Tools): Promise<boolean> {
  const { world, network } = tools
  const disk = world.cluster.disk(name)
  const end = network.begin(mute(name, 0.5 + plan.level / 2))
  disk.slowness = 500
  await world.cluster.sleep(500)
  end()
  disk.slowness = 1
  return crash(name, plan, { ...tools, lose: 'unsynced', silent: plan.level < 0.5 })
}

/** Makes the disk so slow for a moment that batches wait in a row. */
async function backUp(name: string, { world }: Tools): Promise<void> {
  const disk = world.cluster.disk(name)
  disk.slowness = 500
  await world.cluster.sleep(1000)
  disk.slowness = 1
}

async function crash(
  name: string,
  { forMs }: FaultPlan,
  { world, operators, ...options }: Tools & CrashOptions,
): Promise<boolean> {
  // Also in the middle of a start.
  const wasUp = operators.isUp(name)
  await operators.crash(name, options)
  await world.cluster.sleep(forMs)
  operators.release(name)
  return wasUp
}
