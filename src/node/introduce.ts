/**
 * A node that enters the cluster tells the members so itself, and waits until they know: rumours alone would take a
 * few gossip rounds, in which its share of the writes went to hints.
 */
import { isFailure, request } from '../rpc/request.ts'
import { configurationFrame } from '../upkeep/configuration-spread.ts'
import { policyCall } from './bucket-policies.ts'
import type { NodeCore } from './node-core.ts'

/** A member that does not answer within this time hears of the node by rumour. */
const timeoutMs = 1_000
/** In larger clusters rumours carry the news to the rest. */
const membersMax = 64

/** Resolves with how many members know this node now. */
export async function introduce(core: NodeCore): Promise<number> {
  const others = core.others().slice(0, membersMax)
  const known = await Promise.all(others.map((id) => tell(core, id)))
  return known.filter(Boolean).length
}

async function tell(core: NodeCore, id: string): Promise<boolean> {
  const control = core.peers.control(id)
  const { configuration } = core.keeper
  core.gossip?.introduceTo(id)
  if (configuration !== undefined) control.post(configurationFrame(configuration))
  // Any answer will do: it comes after what was said before.
  const wait = { clock: core.ports.clock, timeoutMs, epoch: 0 }
  return !isFailure(await request(control, [policyCall, ''], wait))
}
