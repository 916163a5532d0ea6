/**
 * After the storm: everything is mended, and the cluster must come together. Then every key is read by all, as evidence
 * for the checkers.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bucket } from '../../../src/index.ts'
import { record } from '../../../src/sim/index.ts'
import type { History } from '../../../src/sim/index.ts'
import type { Fleet } from './fleet.ts'
import type { Log } from './log.ts'
import type { Member } from './member.ts'
import type { BucketName, Status } from './protocol.ts'
import { RemoteBucket } from './remote-bucket.ts'

/** Bounds that nothing comes near to unless it never ends, also on a busy machine. */
const settleWithinMs = 120_000
const readAttemptsMax = 20
const retryMs = 250

const readsAtOnce = 32
/** A round of repairs that repairs nothing must come. */
const roundsMax = 10

/** All owners answer, and who lacks something gets it. */
const whole = { r: 'all', sloppy: false, timeoutMs: 10_000 } as const
/** Whichever owner answers: all hold the same by then. */
const single = { r: 'one', sloppy: false, timeoutMs: 10_000 } as const

/** What was written to, by bucket. */
type UsedKeys = Readonly<Record<BucketName, ReadonlySet<string>>>

const bucketNames: readonly BucketName[] = ['strict', 'loose']

/** What the settling of a round needs. */
export interface Remains {
  readonly fleet: Fleet
  readonly log: Log
  readonly keys: UsedKeys
}

/**
 * True when no hint is left and a read of everything from all owners finds nothing to repair. What keeps it from that
 * is a find.
 */
export async function settle({ fleet, log, keys }: Remains): Promise<boolean> {
  await fleet.mend()
  const left = await fleet.until(settleWithinMs, problemOf)
  if (left !== undefined) {
    log.found(`not settled within ${settleWithinMs / 1000} s: ${left}`)
    return false
  }
  for (let round = 0; round < roundsMax; round++) {
    const before = await repairs(fleet)
    for (const name of bucketNames) {
      const member = fleet.members[round % fleet.members.length]!
      const bucket = bucketOf(name, member, log)
      await eachKey(log, keys[name], (key) => bucket.get(key, whole))
    }
    // Repairs that nobody waits for are under way for a moment.
    await sleep(retryMs)
    if ((await repairs(fleet)) === before) return true
  }
  log.found(`${roundsMax} rounds of reads, and each repaired something`)
  return false
}

/** Each node reads each key, from all owners and then from any one. */
export async function readEverything(
  { fleet, log, keys }: Remains,
  histories: Readonly<Record<BucketName, History>>,
): Promise<void> {
  for (const name of bucketNames) {
    for (const member of fleet.members) {
      const bucket = record(bucketOf(name, member, log), histories[name], { final: true })
      await eachKey(log, keys[name], (key) => bucket.get(key, whole))
      await eachKey(log, keys[name], (key) => bucket.get(key, single))
    }
  }
}

/** What is still to be waited for. */
function problemOf(statuses: readonly Status[]): string | undefined {
  for (const { stats, members } of statuses) {
    const strange = members.find(({ status }) => status !== 'alive')
    if (strange !== undefined) return `${stats.id} sees ${strange.id} ${strange.status}`
    if (members.length !== statuses.length) return `${stats.id} sees ${members.length} members`
    const { hints, dirtyPartitions } = stats.handoff
    if (hints + dirtyPartitions > 0) {
      return `${stats.id} keeps ${hints} hints and ${dirtyPartitions} marks`
    }
  }
  const epochs = new Set(statuses.map(({ stats }) => stats.epoch))
  return epochs.size === 1 ? undefined : `epochs ${[...epochs].join(', ')} are in force`
}

async function repairs({ members }: Fleet): Promise<number> {
  const statuses = await Promise.all(members.map((member) => member.ask('status', null)))
  return statuses.reduce((sum, { stats }) => sum + stats.repair.reads, 0)
}

function bucketOf(name: BucketName, member: Member, log: Log): Bucket<string> {
  return new RemoteBucket({ name, log, choose: () => member })
}

/** Does it with each key, some at a time. Nothing is wrong any more: what fails again and again is a find. */
async function eachKey(
  log: Log,
  keys: ReadonlySet<string>,
  read: (key: string) => Promise<unknown>,
): Promise<void> {
  const left = keys.values()
  const work = async (): Promise<void> => {
    for (const key of left) await succeedsSoon(log, key, read)
  }
  await Promise.all(Array.from({ length: readsAtOnce }, work))
}

async function succeedsSoon(
  log: Log,
  key: string,
  read: (key: string) => Promise<unknown>,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await read(key)
      return
    } catch (error) {
      if (attempt === readAttemptsMax) {
        return log.found(`nothing is wrong, but a read of "${key}" failed: ${String(error)}`)
      }
      await sleep(retryMs)
    }
  }
}
