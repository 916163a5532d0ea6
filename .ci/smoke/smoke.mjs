/** Uses the installed package by import: three nodes of one process, a put and a get. */

import assert from 'node:assert/strict'
import { createNode, memoryNetwork, memoryTransport } from 'coterie'
import { storageSuite } from 'coterie/conformance'
import { simulate } from 'coterie/sim'

const network = memoryNetwork()
const first = await createNode({ transport: memoryTransport(network) })
const seeds = [first.address]
const second = await createNode({ transport: memoryTransport(network), seeds })
const third = await createNode({ transport: memoryTransport(network), seeds })

await first.bucket('carts').put('ann', { items: ['book'] })
const entry = await third.bucket('carts').get('ann')
assert.deepEqual(entry.value(), { items: ['book'] })

await Promise.all([first, second, third].map((node) => node.close()))
assert.equal(typeof simulate, 'function')
assert.equal(typeof storageSuite, 'function')
