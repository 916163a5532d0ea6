/** Whether enough replicas can be reached, asked before anything is done. */
import { UnavailableError } from '../base/errors.ts'
import type { Ring } from '../ring/ring.ts'
import type { Coordination } from './coordination.ts'

/** How many replicas that would count are thought to be reachable; counts no further than needed. */
export function reachableReplicas(
  node: Pick<Coordination, 'selfId' | 'isReachable'>,
  ring: Ring,
  wanted: { partition: number; sloppy: boolean; needed: number },
): number {
  let count = 0
  for (const id of ring.owners(wanted.partition)) {
    if (id === node.selfId || node.isReachable(id)) count += 1
  }
  if (count >= wanted.needed || !wanted.sloppy) return count
  const owners = ring.owners(wanted.partition)
  for (const id of ring.preferenceList(wanted.partition)) {
    if (owners.includes(id)) continue
    if (id === node.selfId || node.isReachable(id)) count += 1
    if (count >= wanted.needed) break
  }
  return count
}

export function unavailable(
  what: 'read' | 'write',
  request: { key: string; sloppy: boolean },
  { needed, alive, cause }: { needed: number; alive: number; cause?: unknown },
): UnavailableError {
  const which = request.sloppy ? 'nodes' : 'owners'
  return new UnavailableError(
    `a ${what} of ${JSON.stringify(request.key)} needs ${needed} replicas, ${alive} ${which} can be reached`,
    { needed, alive, cause },
  )
}
