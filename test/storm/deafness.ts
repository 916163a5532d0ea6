/**
 * A node that sends and hears nothing, while nothing else is wrong. It holds all others to be dead in
 * the end, and tells them so. They do the same with it; but nobody else may be held to be dead
 * because of what it says (HAZARDS E12).
 */

import { seesAll, waitFor } from './machine-faults.ts'
import type { Tools } from './nemesis.ts'
import type { FaultPlan } from './plan.ts'

/** How long what was said before goes around, milliseconds. */
const echoMs = 2000

/** How often it is looked what the others hold. */
const lookMs = 100

/** False when the others do not come to rest first. */
export async function deafen(plan: FaultPlan, tools: Tools): Promise<boolean> {
  const { world, network } = tools
  const { cluster } = world
  const [deaf = ''] = plan.nodes
  const others = cluster.names.filter((name) => name !== deaf)
  const sleep = cluster.sleep.bind(cluster)
  if (!(await waitFor(() => cluster.names.every((name) => seesAll(name, tools)), sleep))) {
    return false
  }
  const end = network.begin(() => others.forEach((other) => cluster.clog(other, deaf)))
  const endMs = cluster.now() + plan.forMs
  let calmSinceMs = Infinity
  while (cluster.now() < endMs) {
    await sleep(lookMs)
    const accused = firstAccused(deaf, others, tools)
    if (accused === undefined) calmSinceMs = Math.min(calmSinceMs, cluster.now())
    else if (cluster.now() - calmSinceMs > echoMs) {
      world.found(`${accused} because of ${deaf}, which is dead`)
      break
    } else calmSinceMs = Infinity
  }
  world.checks += 1
  end()
  return true
}

/** What keeps the others from holding the deaf node to be dead and each other to be alive. */
function firstAccused(deaf: string, others: readonly string[], tools: Tools): string | undefined {
  for (const name of others) {
    for (const { id, status } of tools.operators.nodeOf(name)?.members() ?? []) {
      const expected = id === deaf ? 'dead' : 'alive'
      if (status !== expected) return `${name} holds ${id} to be ${status}`
    }
  }
  return undefined
}
