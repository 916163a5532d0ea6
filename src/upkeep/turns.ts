/**
 * Owners of a partition have the same to hand over, and one of them is enough: the others wait until it is done, and
 * then send only what it did not have.
 */
import type { Clock } from '../ports/clock.ts'
import type { Ring } from '../ring/ring.ts'
import type { Channel } from '../rpc/channel.ts'
import { isFailure, request } from '../rpc/request.ts'

/** Asks an owner which of these partitions it still hands over to a member. */
export const markedCall = 'marked'

/** Most partitions of one call. */
const partitionsMax = 1024

/** What it needs of its node. */
export interface TurnsOptions {
  readonly selfId: string
  readonly clock: Clock
  readonly timeoutMs: number
  control(id: string): Channel
  isReachable(id: string): boolean
}

/** The partitions that this node need not leave to an owner before it: all whose turn it is. */
export async function inTurn(
  node: TurnsOptions,
  ring: Ring,
  { target, partitions }: { readonly target: string; readonly partitions: readonly number[] },
): Promise<readonly number[]> {
  const { selfId } = node
  const before = new Map<string, number[]>()
  for (const partition of partitions) {
    const owners = ring.owners(partition)
    const others = owners.slice(0, Math.max(0, owners.indexOf(selfId)))
    const first = others.find((id) => id !== target && node.isReachable(id))
    if (first === undefined) continue
    const known = before.get(first)
    if (known === undefined) before.set(first, [partition])
    else if (known.length < partitionsMax) known.push(partition)
  }
  const waiting = new Set<number>()
  const asked = [...before].map(async ([id, theirs]) => {
    const { clock, timeoutMs } = node
    const wait = { clock, timeoutMs, epoch: ring.epoch }
    const outcome = await request(node.control(id), [markedCall, ring.epoch, target, theirs], wait)
    if (isFailure(outcome) || !Array.isArray(outcome[0])) return
    for (const partition of outcome[0]) waiting.add(Number(partition))
  })
  await Promise.all(asked)
  return partitions.filter((partition) => !waiting.has(partition))
}

/** What this node has to answer by. */
export interface MarkedView {
  readonly marked: readonly number[]
  /** Whether this node may not have marked yet what a ring of that epoch asks for. */
  isBehind(epoch: number): boolean
}

/** The answer to `markedCall`: those of the partitions that are marked, or may be soon. */
export function markedAnswer(
  view: MarkedView,
  epoch: unknown,
  partitions: unknown,
): readonly [readonly unknown[]] {
  if (!Array.isArray(partitions)) return [[]]
  const asked: readonly unknown[] = partitions.slice(0, partitionsMax)
  if (view.isBehind(Number(epoch))) return [asked]
  const known: ReadonlySet<unknown> = new Set(view.marked)
  return [asked.filter((each) => known.has(each))]
}
