/** How evenly ownership, work and data lie on the members: those who answer are asked. */
import { loadRates, type LoadRates } from '../ring/load-rates.ts'
import type { RingMember } from '../ring/configuration.ts'
import type { Ring } from '../ring/ring.ts'
import { isFailure, request } from '../rpc/request.ts'
import type { NodeCore } from './node-core.ts'
import { sizesOf } from './partition-sizes.ts'

/** Asks a member how much it has done. */
export const loadCall = 'load'

/** How evenly the load lies. Plain, and safe for JSON. */
export interface Balance {
  /** The epoch of the ring that was looked at. */
  readonly epoch: number
  /** By partitions owned; its `balance` is that of `RingView`. */
  readonly ownership: LoadRates
  /**
   * By operations for each second since the start of the member: reads and writes that clients asked of it, and those
   * of other coordinators that it answered as a replica.
   */
  readonly operations: LoadRates
  /**
   * By bytes of the partitions that it owns, keys and records. Each member reads 20 000 records, 32 MiB or for a second
   * at most; partitions that it did not read are taken to hold the average of those that it did.
   */
  readonly bytes: LoadRates
  /** Members that did not tell in time, sorted: they are missing in `operations` and `bytes`. */
  readonly missing: readonly string[]
}

const timeoutMaxMs = 2_000

/** Asks all members of the ring. Those that do not answer in time are missing. */
export async function balanceOf(
  core: NodeCore,
  { timeoutMs = timeoutMaxMs }: { readonly timeoutMs?: number },
): Promise<Balance> {
  core.assertOpen()
  const ring = core.coordination.ring()
  const members = ring.members.filter(
    ({ id, stage }) => ring.ownedCount(id) > 0 || stage !== 'leaving',
  )
  const owned = ownedPartitions(ring)
  const told = await Promise.all(
    members.map(async (member) => {
      const partitions = owned.get(member.id) ?? []
      const [operations, bytes] = await Promise.all([
        operationsOf(core, member.id, timeoutMs),
        bytesOf(core, member.id, { partitions, timeoutMs }),
      ])
      return { member, operations, bytes }
    }),
  )
  const present = told.filter((each) => each.operations !== undefined && each.bytes !== undefined)
  const missing = told.filter((each) => !present.includes(each)).map(({ member }) => member.id)
  return {
    epoch: ring.epoch,
    ownership: loadRates(members.map((member) => loadOf(member, ring.ownedCount(member.id)))),
    operations: loadRates(present.map(({ member, operations }) => loadOf(member, operations!))),
    bytes: loadRates(present.map(({ member, bytes }) => loadOf(member, bytes!))),
    missing,
  }
}

function loadOf(
  { id, weight }: RingMember,
  load: number,
): { id: string; weight: number; load: number } {
  return { id, weight, load }
}

function ownedPartitions(ring: Ring): ReadonlyMap<string, readonly number[]> {
  const owned = new Map<string, number[]>(ring.memberIds.map((id) => [id, []]))
  for (let partition = 0; partition < ring.partitions; partition++)
    for (const id of ring.ownersToBe(partition)) owned.get(id)!.push(partition)
  return owned
}

/** The answer to `loadCall`: operations, and in how many milliseconds. */
export function loadAnswer(core: NodeCore): readonly [operations: number, forMs: number] {
  const { puts, gets } = core.coordination.stats
  const operations = puts + gets + core.dispatch.answeredCount
  return [operations, core.ports.clock.monotonicMs() - core.startedMs]
}

/** Operations a second; undefined when the member does not tell. */
async function operationsOf(
  core: NodeCore,
  id: string,
  timeoutMs: number,
): Promise<number | undefined> {
  const wait = { clock: core.ports.clock, timeoutMs, epoch: core.keeper.ring?.epoch ?? 0 }
  const isSelf = id === core.identity.id
  const outcome = isSelf
    ? loadAnswer(core)
    : await request(core.peers.control(id), [loadCall], wait)
  if (isFailure(outcome)) return undefined
  const [operations, forMs] = outcome
  if (!isAmount(operations) || !isAmount(forMs)) return undefined
  return (operations * 1000) / Math.max(forMs, 1)
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < Infinity
}

/** Bytes of all its partitions, from those that it has read; undefined when the member does not tell. */
async function bytesOf(
  core: NodeCore,
  id: string,
  asked: { readonly partitions: readonly number[]; readonly timeoutMs: number },
): Promise<number | undefined> {
  if (asked.partitions.length === 0) return 0
  const sizes = await sizesOf(core, id, asked)
  if (sizes.length === 0) return undefined
  const whole = sizes.filter(({ isWhole }) => isWhole)
  const sample = whole.length > 0 ? whole : sizes
  const sum = sample.reduce((bytes, size) => bytes + size.bytes, 0)
  return (sum / sample.length) * asked.partitions.length
}
