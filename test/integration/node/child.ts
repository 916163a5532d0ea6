/** A service of its own process, for tests of how it ends. The scenario is named by the first argument. */
import { createNode, tcpTransport, type CoterieNode } from '../../../src/index.ts'
import { lmdbStorage } from '../../../src/lmdb.ts'

async function tcpCluster(size: number): Promise<CoterieNode[]> {
  const first = await createNode({ id: 'n1' })
  const others = Array.from({ length: size - 1 }, (_, i) =>
    createNode({ id: `n${i + 2}`, seeds: [first.address] }),
  )
  return [first, ...(await Promise.all(others))]
}

const scenarios: Readonly<Record<string, (argument: string) => Promise<unknown>>> = {
  /** Works over real sockets and closes its nodes, nothing else. */
  close: async () => {
    const nodes = await tcpCluster(3)
    for (const node of nodes) {
      await node.bucket('b').put(`by ${node.id}`, node.id)
      await node.bucket('b').get('by n1', { r: 3 })
    }
    await Promise.all(nodes.map((node) => node.close()))
    return nodes.map(({ id }) => id)
  },

  /** Closes in the middle of work that nobody waits for. */
  'close at work': async () => {
    const nodes = await tcpCluster(3)
    const bucket = nodes[0]!.bucket('b')
    await bucket.put('k', 0)
    const outcomes: Promise<string>[] = []
    for (let i = 0; i < 2_000; i++) {
      const operation = i % 2 === 0 ? bucket.put(`k${i}`, i) : bucket.get(`k${i}`)
      outcomes.push(operation.then(() => 'done').catch((error: { code: string }) => error.code))
    }
    await Promise.all(nodes.map((node) => node.close()))
    return [...new Set(await Promise.all(outcomes))].sort()
  },

  /** Finds nobody. */
  'cannot join': async () => {
    const outcome = createNode({ seeds: ['127.0.0.1:1'], joinTimeoutMs: 300 })
    return outcome.then(String, (error: { code: string }) => error.code)
  },

  /** Leaves its cluster. */
  leave: async () => {
    const nodes = await tcpCluster(4)
    await nodes[3]!.bucket('b').put('k', 1)
    await nodes[3]!.leave()
    const left = nodes[0]!.members().map(({ id }) => id)
    await Promise.all(nodes.slice(0, 3).map((node) => node.close()))
    return left
  },

  /** Keeps its data in a directory and closes. */
  durable: async (path) => {
    const node = await createNode({ storage: lmdbStorage({ path }) })
    await node.bucket('b').update('count', ([count = 0]) => (count as number) + 1)
    const count = (await node.bucket('b').get('count')).value()
    await node.close()
    return { id: node.id, count }
  },

  /** Cannot listen where somebody listens already. */
  'port in use': async () => {
    const first = await createNode({})
    const port = Number(first.address.split(':')[1])
    const second = createNode({ transport: tcpTransport({ port }) })
    const code = await second.then(String, (error: Error) => error.message)
    await first.close()
    return code.replace(String(port), 'PORT')
  },
}

const [name = '', argument = ''] = process.argv.slice(2)
scenarios[name]!(argument).then(
  (value) => console.log(JSON.stringify(value)),
  (error: unknown) => {
    console.error(error)
    process.exitCode = 1
  },
)
