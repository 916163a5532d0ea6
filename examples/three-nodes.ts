/**
 * Three nodes in one process, over a network in memory: the smallest cluster with N = 3. Each key is on all of them,
 * any of them takes reads and writes, and one may fall away.
 *
 *     npx tsx examples/three-nodes.ts
 */
import assert from 'node:assert/strict'
import { createNode, memoryNetwork, memoryTransport } from 'coterie'

const network = memoryNetwork()

// The first node founds the cluster; the others join it through its address.
const first = await createNode({ id: 'n1', transport: memoryTransport(network) })
const seeds = [first.address]
const second = await createNode({ id: 'n2', seeds, transport: memoryTransport(network) })
const third = await createNode({ id: 'n3', seeds, transport: memoryTransport(network) })

// A bucket is a name for keys and values. Every node sees the same one.
interface Cart {
  readonly items: readonly string[]
}
const receipt = await first.bucket<Cart>('carts').put('ann', { items: ['book'] })
console.log('stored on', receipt.acknowledged.map(({ node }) => node).join(' and '))

const entry = await third.bucket<Cart>('carts').get('ann')
console.log('read through n3:', entry.value())
assert.deepEqual(entry.value(), { items: ['book'] })

// Who is responsible for the key, in the order in which they are asked.
const owners = second.preferenceList('carts', 'ann').map(({ id }) => id)
console.log('owners of the key:', owners.join(', '))
assert.equal(owners.length, 3)

// A node closes. A majority of the owners is left, and that is enough to go on.
await second.close()
await third.bucket<Cart>('carts').update('ann', (siblings) => {
  // All of them: what is written replaces all. There are several after concurrent writes.
  const items = siblings.flatMap((cart) => cart.items)
  return { items: [...new Set([...items, 'lamp'])] }
})
const after = await first.bucket<Cart>('carts').get('ann')
console.log('without n2:', after.value())
assert.deepEqual(after.value(), { items: ['book', 'lamp'] })

await Promise.all([first.close(), third.close()])
