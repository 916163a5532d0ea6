/** One round: a fresh cluster of five processes, a storm, and the settling. */
import { Draw } from '../../storm/draw.ts'
import { createHistory, record } from '../../../src/sim/index.ts'
import type { History } from '../../../src/sim/index.ts'
import { Client, clientPlans, type ClientPlan } from './clients.ts'
import type { Field } from './faults.ts'
import { Fleet } from './fleet.ts'
import { Log } from './log.ts'
import type { Member } from './member.ts'
import { Nemesis } from './nemesis.ts'
import type { BucketName } from './protocol.ts'
import { RemoteBucket } from './remote-bucket.ts'
import { readEverything, settle } from './settle.ts'

/** How likely a client stays with the node that it asked last. */
const loyalty = 0.7

/** What a round leaves behind. */
export interface Aftermath {
  readonly seed: number
  readonly log: Log
  readonly histories: Readonly<Record<BucketName, History>>
  readonly diskKind: string
}

/**
 * Never rejects for what the cluster does: that is in the log.
 * @param stormMs how long clients work and faults strike, at least.
 */
export async function playRound(seed: number, stormMs: number): Promise<Aftermath> {
  const log = new Log()
  const fleet = new Fleet(log)
  const histories = { strict: createHistory(), loose: createHistory() }
  const atExit = (): void => fleet.destroyNow()
  process.once('exit', atExit)
  try {
    await play({ seed, stormMs, log, fleet, histories })
  } catch (error) {
    log.found(`the round broke off: ${error instanceof Error ? error.stack : String(error)}`)
  } finally {
    await fleet.destroy()
    process.off('exit', atExit)
  }
  return { seed, log, histories, diskKind: fleet.diskKind ?? '' }
}

async function play(round: {
  readonly seed: number
  readonly stormMs: number
  readonly log: Log
  readonly fleet: Fleet
  readonly histories: Aftermath['histories']
}): Promise<void> {
  const { seed, stormMs, log, fleet, histories } = round
  const keys = { strict: new Set<string>(), loose: new Set<string>() }
  await fleet.open()
  const draw = Draw.ofSeed(seed, 'processes')
  const clients = clientPlans.map((plan) => {
    const own = draw.fork(plan.name)
    const bucket = record(roaming(plan, { fleet, log, draw: own }), histories[plan.bucket])
    return new Client({ plan, bucket, draw: own, used: (key) => keys[plan.bucket].add(key) })
  })
  const field: Field = { fleet, log, draw: draw.fork('faults'), held: new Set() }
  const endMs = performance.now() + stormMs
  let isCalm = false
  const working = clients.map((client) =>
    client.run(
      () => isCalm,
      () => fleet.serving.length > 0,
    ),
  )
  await new Nemesis(field).run(() => performance.now() >= endMs)
  isCalm = true
  // All processes run again: each operation ends by its deadline.
  await Promise.all(working)
  if (await settle({ fleet, log, keys })) await readEverything({ fleet, log, keys }, histories)
}

function roaming(
  { bucket }: ClientPlan,
  { fleet, log, draw }: { readonly fleet: Fleet; readonly log: Log; readonly draw: Draw },
): RemoteBucket {
  let last: Member | undefined
  const choose = (): Member => {
    const { serving } = fleet
    const isLoyal = last?.isServing === true && draw.chance(loyalty)
    // A process may have been stopped a moment ago: then it is asked all the same.
    if (!isLoyal) last = draw.pick(serving.length > 0 ? serving : fleet.members)
    return last ?? draw.pick(fleet.members)
  }
  return new RemoteBucket({ name: bucket, log, choose })
}
