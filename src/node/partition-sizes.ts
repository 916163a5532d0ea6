/** Asks members how much they store of some partitions. Who does not answer in time, or not sensibly, tells nothing. */
import { ProtocolError } from '../base/errors.ts'
import {
  measurePartitions,
  type MeasureLimits,
  type PartitionSize,
} from '../replica/partition-sizes.ts'
import { isFailure, request } from '../rpc/request.ts'
import type { NodeCore } from './node-core.ts'

/** Asks a member how much it stores of partitions. */
export const sizesCall = 'sizes'

/** What one member reads at most for one answer. */
const limits: Omit<MeasureLimits, 'timeMs'> = { recordsMax: 20_000, bytesMax: 32 * 1024 * 1024 }
const measureTimeMs = 1_000

/** What this node stores of the partitions, as far as it can be found out within the limits. */
function ownSizes(
  core: NodeCore,
  partitions: readonly number[],
): Promise<readonly PartitionSize[]> {
  return measurePartitions(core.ports, partitions, { ...limits, timeMs: measureTimeMs })
}

/** The answer to `sizesCall`. @throws {ProtocolError} by rejection, for partitions that are none of the ring. */
export async function sizesAnswer(core: NodeCore, list: unknown): Promise<readonly unknown[]> {
  const count = core.keeper.ring?.partitions ?? 0
  const isPartition = (each: unknown): each is number =>
    Number.isSafeInteger(each) && (each as number) >= 0 && (each as number) < count
  if (!Array.isArray(list) || !list.every(isPartition))
    throw new ProtocolError('the size of a partition outside of the ring was asked for')
  const sizes = await ownSizes(core, list)
  return sizes.map(({ partition, records, bytes, isWhole }) => [partition, records, bytes, isWhole])
}

/** What a member stores of the partitions; nothing when it does not tell. Never rejects. */
export async function sizesOf(
  core: NodeCore,
  id: string,
  { partitions, timeoutMs }: { readonly partitions: readonly number[]; readonly timeoutMs: number },
): Promise<readonly PartitionSize[]> {
  if (partitions.length === 0) return []
  if (id === core.identity.id) return ownSizes(core, partitions).catch(() => [])
  const wait = { clock: core.ports.clock, timeoutMs, epoch: core.keeper.ring?.epoch ?? 0 }
  const outcome = await request(core.peers.control(id), [sizesCall, partitions], wait)
  if (isFailure(outcome)) return []
  const asked = new Set(partitions)
  return outcome
    .map(readSize)
    .filter((size) => size !== undefined && asked.has(size.partition)) as PartitionSize[]
}

function readSize(tuple: unknown): PartitionSize | undefined {
  if (!Array.isArray(tuple)) return undefined
  const [partition, records, bytes, isWhole] = tuple as readonly unknown[]
  if (!isCount(partition) || !isCount(records) || !isCount(bytes)) return undefined
  return { partition, records, bytes, isWhole: isWhole === true }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
