/** Uses the installed package by require. */

const assert = require('node:assert/strict')
const { createNode, memoryNetwork, memoryTransport } = require('coterie')

async function main() {
  const node = await createNode({ transport: memoryTransport(memoryNetwork()) })
  await node.bucket('carts').put('ann', { items: ['book'] })
  const entry = await node.bucket('carts').get('ann')
  assert.deepEqual(entry.value(), { items: ['book'] })
  await node.close()
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
