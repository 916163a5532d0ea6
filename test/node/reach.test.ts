/** Who is thought to answer. */
import { expect, test } from 'vitest'
import type { Status } from '../../src/membership/claim.ts'
import { Reach } from '../../src/node/reach.ts'
import { Ring } from '../../src/ring/ring.ts'
import { configurationOf, memberOf } from '../ring/kit.ts'

function reachOf(members: readonly string[], statuses: Readonly<Record<string, Status>>): Reach {
  const ring = new Ring(configurationOf(members.map((id) => memberOf(id))))
  const member = (id: string): { readonly status: Status } | undefined =>
    id in statuses ? { status: statuses[id]! } : undefined
  return new Reach({ keeper: { ring }, gossip: { changes: 1, member } })
}

test('a member that is alive or suspected is thought to answer', () => {
  const reach = reachOf(['a', 'b', 'c', 'd'], { a: 'alive', b: 'suspect', c: 'dead' })
  expect(['a', 'b', 'c', 'd'].filter((id) => reach.isReachable(id))).toEqual(['a', 'b'])
})

// Found by seed 196673886 of the storm: owners left the handing over to such a process, which had nothing.
test('a process that has the name of a removed member is no member that answers', () => {
  const reach = reachOf(['a', 'b'], { a: 'alive', b: 'alive', c: 'alive' })
  expect(reach.isReachable('c')).toBe(false)
  expect(reach.everyone()).toBe(true)
})
