/**
 * What many keys at once cost beside one: `getMany` and `putMany` of 100 keys over three processes' worth of nodes on
 * loopback TCP, in this one process. Latencies are medians, of single and of many in turn.
 *
 *     npx tsx bench/micro/batch.ts
 */
import { bytesCodec, createNode, tcpTransport } from '../../src/index.ts'
import { median } from '../cases.ts'

const rounds = 400
const keys: readonly string[] = Array.from({ length: 100 }, (_, i) => `k${i}`)
const value: Uint8Array = Buffer.alloc(100, 7)

async function timeUs(work: () => Promise<unknown>): Promise<number> {
  const beganMs = performance.now()
  await work()
  return (performance.now() - beganMs) * 1000
}

async function compare(
  name: string,
  one: () => Promise<unknown>,
  many: () => Promise<unknown>,
): Promise<void> {
  const ones: number[] = []
  const manies: number[] = []
  for (let i = 0; i < rounds; i++) {
    ones.push(await timeUs(one))
    manies.push(await timeUs(many))
  }
  const tail = (all: readonly number[]): number => median(all.slice(rounds / 2))
  const [single, hundred] = [tail(ones), tail(manies)]
  const ratio = (hundred / single).toFixed(2)
  console.log(
    `${name}: one ${single.toFixed(0)} µs, 100 at once ${hundred.toFixed(0)} µs: ${ratio} ×`,
  )
}

const transport = (): ReturnType<typeof tcpTransport> =>
  tcpTransport({ host: '127.0.0.1', port: 0 })
const first = await createNode({ id: 'n1', transport: transport() })
const others = await Promise.all(
  ['n2', 'n3'].map((id) => createNode({ id, seeds: [first.address], transport: transport() })),
)
const bucket = first.bucket<Uint8Array>('b', { codec: bytesCodec() })
const writes = keys.map((key) => ({ key, value }))
await bucket.putMany(writes, { w: 'all' })
await compare(
  'get',
  () => bucket.get('k7'),
  () => bucket.getMany(keys),
)
await compare(
  'put',
  () => bucket.put('k7', value),
  () => bucket.putMany(writes),
)
await Promise.all([first, ...others].map((node) => node.close()))
