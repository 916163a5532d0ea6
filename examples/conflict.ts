/**
 * Two clients change the same value without seeing each other's change. coterie keeps both and shows both: somebody who
 * knows what they mean settles it. A bucket with a `merge` policy does that by itself.
 *
 *     npx tsx examples/conflict.ts
 */
import assert from 'node:assert/strict'
import {
  ConflictError,
  createNode,
  memoryNetwork,
  memoryTransport,
  merge,
  type ConflictPolicy,
} from 'coterie'

const network = memoryNetwork()
const n1 = await createNode({ transport: memoryTransport(network) })
const seeds = [n1.address]
const n2 = await createNode({ seeds, transport: memoryTransport(network) })
const n3 = await createNode({ seeds, transport: memoryTransport(network) })

type Items = readonly string[]
const union = (a: Items, b: Items): Items => [...new Set([...a, ...b])].toSorted()

// Ann has her cart open twice, on the phone and on the laptop. Both have read the same state.
const phone = n1.bucket<Items>('carts')
const laptop = n2.bucket<Items>('carts')
const shop = n3.bucket<Items>('carts')
await phone.put('ann', ['book'])
const onPhone = await phone.get('ann')
const onLaptop = await laptop.get('ann')

// A write replaces what its context covers: what its writer had seen. Neither has seen the other's.
await phone.put('ann', ['book', 'lamp'], { context: onPhone.context })
await laptop.put('ann', ['book', 'rug'], { context: onLaptop.context })

const seen = await shop.get('ann')
console.log('siblings:', seen.siblings)
assert.equal(seen.siblings.length, 2)
assert.throws(() => seen.value(), ConflictError)

// The context of a read covers all that was read, so a write with it replaces all of that.
await shop.put('ann', seen.siblings.reduce(union), { context: seen.context })
console.log('settled:', (await phone.get('ann')).value())
assert.deepEqual((await phone.get('ann')).value(), ['book', 'lamp', 'rug'])

// `update` is the same in one call: it reads, changes, and writes with the context that it read.
await laptop.update('ann', (siblings) => union(siblings.reduce(union, []), ['vase']))
assert.deepEqual((await shop.get('ann')).siblings, [['book', 'lamp', 'rug', 'vase']])

// Where a rule is good for every conflict, give it to the bucket, on each node. It must not matter in which order
// nodes merge, or how often: commutative, associative, idempotent, like the union of sets.
const conflicts: ConflictPolicy<Items> = merge(union)
const wishes = [n1, n2, n3].map((node) => node.bucket<Items>('wishes', { conflicts }))
await Promise.all(wishes.map((bucket, i) => bucket.put('ann', [`wish ${i}`], { context: null })))
for (const bucket of wishes) {
  const merged = (await bucket.get('ann')).value()
  console.log('merged:', merged)
  assert.deepEqual(merged, ['wish 0', 'wish 1', 'wish 2'])
}

await Promise.all([n1, n2, n3].map((node) => node.close()))
