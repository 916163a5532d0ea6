/**
 * A cluster over TCP whose nodes prove to each other that they share a secret. In a service each node is a process of
 * its own, on a host of its own: give it `host`, a fixed `port`, and the addresses of some others as seeds.
 *
 *     npx tsx examples/tcp-cluster.ts
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createNode, tcpTransport, type CoterieNode } from 'coterie'

// From the environment or a vault, in a service. It authenticates; `tls` encrypts as well.
const secret = randomBytes(32)

/** A node in a failure domain of its own: the owners of a key are spread over zones. */
function start(zone: string, seeds: readonly string[]): Promise<CoterieNode> {
  const transport = tcpTransport({ host: '127.0.0.1', port: 0, secret })
  return createNode({ id: `node-in-${zone}`, cluster: 'shop', zone, seeds, transport })
}

const north = await start('north', [])
const east = await start('east', [north.address])
const west = await start('west', [north.address, east.address])

for (const { id, address, zone, status } of west.members()) {
  console.log(`${id} at ${address}, zone ${zone}, ${status}`)
}
const ring = west.ring()
console.log(`${ring.partitions} partitions, ${ring.n} owners each, balance ${ring.balance}`)
assert.equal(west.members().length, 3)

// W and R can be chosen for each operation: here all three owners confirm the write, and any one answers the read.
await east.bucket<number>('stock').put('lamp', 12, { w: 'all' })
const entry = await west.bucket<number>('stock').get('lamp', { r: 'one' })
console.log('lamps in stock:', entry.value())
assert.equal(entry.value(), 12)

// Without the secret nobody gets in.
const stranger = createNode({
  cluster: 'shop',
  seeds: [north.address],
  transport: tcpTransport({ secret: 'a guess' }),
  joinTimeoutMs: 500,
})
await assert.rejects(stranger, { code: 'ERR_JOIN' })
console.log('a node with another secret was turned away')

await Promise.all([north, east, west].map((node) => node.close()))
