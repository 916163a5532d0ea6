/** What the value codecs cost: nanoseconds for each encode and decode of a few common values. */

import { bytesCodec } from '../../src/adapters/bytes-codec.ts'
import { jsonCodec } from '../../src/adapters/json-codec.ts'
import { msgpackCodec } from '../../src/adapters/msgpack-codec.ts'
import type { ValueCodec } from '../../src/ports/value-codec.ts'

const rounds = 300_000

const values: Readonly<Record<string, unknown>> = {
  'small object': { a: 1, b: 'x' },
  cart: {
    user: 'u-123456',
    items: [
      { sku: 'abc-1', quantity: 2, price: 9.99 },
      { sku: 'abc-2', quantity: 1, price: 19.5 },
    ],
    total: 39.48,
    open: true,
  },
  'text of 100': 'x'.repeat(100),
  '100 bytes': new Uint8Array(100),
  'Buffer of 100': Buffer.alloc(100),
  '64 numbers': Array.from({ length: 64 }, (_, i) => i * 1000),
}

/** Keeps results alive, so that the engine does not drop the work. */
const sink: { last: unknown } = { last: undefined }

function nanosecondsOf(work: () => unknown): number {
  for (let i = 0; i < rounds / 10; i++) sink.last = work()
  const start = performance.now()
  for (let i = 0; i < rounds; i++) sink.last = work()
  return Math.round(((performance.now() - start) * 1e6) / rounds)
}

function measure<V>(codec: ValueCodec<V>, label: string, value: V): void {
  const bytes = codec.encode(value)
  const encodeNs = nanosecondsOf(() => codec.encode(value))
  const decodeNs = nanosecondsOf(() => codec.decode(bytes))
  const row = { codec: codec.name, value: label, bytes: bytes.length, encodeNs, decodeNs }
  console.log(JSON.stringify(row))
}

for (const [label, value] of Object.entries(values)) measure(msgpackCodec(), label, value)
for (const label of ['small object', 'cart', 'text of 100'])
  measure(jsonCodec(), label, values[label])
measure(bytesCodec(), '100 bytes', new Uint8Array(100))
