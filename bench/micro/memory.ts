/**
 * What a key costs in memory: `node --expose-gc --import tsx bench/micro/memory.ts`. A node alone, a million keys of
 * 16 bytes with values of 100: bytes for each, of this process's heap and of the arrays beside it.
 */
import { bytesCodec, createNode, memoryNetwork, memoryTransport } from '../../src/index.ts'

const keys = 1_000_000
const batch = 1_000
const keyBytes = 16
const valueBytes = 100

function usedBytes(): number {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const transport = memoryTransport(memoryNetwork())
const node = await createNode({ id: 'n1', transport, replication: { n: 1, r: 1, w: 1 } })
const bucket = node.bucket('bench', { codec: bytesCodec() })
const value = Buffer.alloc(valueBytes, 7)
const before = usedBytes()
for (let i = 0; i < keys; i += batch) {
  const names = Array.from(
    { length: batch },
    (_, j) => `k${String(i + j).padStart(keyBytes - 1, '0')}`,
  )
  await Promise.all(names.map((key) => bucket.put(key, value)))
}
const each = Math.round((usedBytes() - before) / keys)
console.log(`${each} bytes for each key, ${each - keyBytes - valueBytes} beside key and value`)
await node.close()
