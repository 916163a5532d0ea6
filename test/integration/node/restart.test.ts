/** Real sockets and directories: clusters that are stopped, killed and started again. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { createNode, tcpTransport, type CoterieNode, type NodeOptions } from '../../../src/index.ts'
import { lmdbStorage } from '../../../src/lmdb.ts'

const open = new Set<CoterieNode>()
const directories: string[] = []

afterEach(async () => {
  await Promise.all([...open].map((node) => node.close()))
  open.clear()
  for (const path of directories.splice(0)) rmSync(path, { recursive: true, force: true })
})

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'coterie-restart-'))
  directories.push(path)
  return path
}

async function start(
  path: string,
  options: NodeOptions & { port?: number } = {},
): Promise<CoterieNode> {
  const { port = 0, ...rest } = options
  const storage = lmdbStorage({ path })
  const node = await createNode({
    storage,
    transport: tcpTransport({ port }),
    partitions: 64,
    ...rest,
  })
  open.add(node)
  return node
}

async function stop(node: CoterieNode): Promise<void> {
  open.delete(node)
  await node.close()
}

function portOf({ address }: CoterieNode): number {
  return Number(address.split(':').at(-1))
}

async function three(): Promise<{ paths: string[]; nodes: CoterieNode[] }> {
  const paths = [directory(), directory(), directory()]
  const first = await start(paths[0]!, { id: 'n1' })
  const seeds = [first.address]
  const others = [
    await start(paths[1]!, { id: 'n2', seeds }),
    await start(paths[2]!, { id: 'n3', seeds }),
  ]
  return { paths, nodes: [first, ...others] }
}

async function untilAllAlive(nodes: readonly CoterieNode[]): Promise<void> {
  const size = nodes.length
  const isReady = (node: CoterieNode): boolean =>
    node.members().filter(({ status }) => status === 'alive').length === size
  const deadline = Date.now() + 20_000
  while (!nodes.every(isReady)) {
    if (Date.now() > deadline) throw new Error(JSON.stringify(nodes.map((node) => node.members())))
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

describe('a cluster on disk', () => {
  test('a node that is started again on its directory needs no seed, and has its data', async () => {
    const { paths, nodes } = await three()
    await nodes[0]!.bucket('b').put('k', 'kept', { w: 3 })
    const { id } = nodes[1]!
    await stop(nodes[1]!)
    await nodes[0]!.bucket('b').put('l', 'meanwhile')
    const again = await start(paths[1]!)
    expect(again.id).toBe(id)
    await untilAllAlive([nodes[0]!, again, nodes[2]!])
    const bucket = again.bucket('b')
    expect((await bucket.get('k', { r: 3 })).value()).toBe('kept')
    expect((await bucket.get('l', { r: 3 })).value()).toBe('meanwhile')
  })

  test('all three at once, with nothing but their directories and ports, find each other', async () => {
    const { paths, nodes } = await three()
    const ports = nodes.map(portOf)
    for (const node of nodes) await node.bucket('b').put(`by ${node.id}`, node.id, { w: 3 })
    await Promise.all(nodes.map(stop))
    const again = await Promise.all(paths.map((path, i) => start(path, { port: ports[i]! })))
    expect(again.map(({ id }) => id)).toEqual(['n1', 'n2', 'n3'])
    await untilAllAlive(again)
    for (const node of again) {
      for (const id of ['n1', 'n2', 'n3']) {
        expect((await node.bucket('b').get(`by ${id}`, { r: 3 })).value()).toBe(id)
      }
    }
  })

  test('a directory in use is refused, and its node goes on', async () => {
    const path = directory()
    const node = await start(path)
    await expect(start(path)).rejects.toMatchObject({ code: 'ERR_STORAGE' })
    await node.bucket('b').put('k', 1)
  })
})

describe('certificates', () => {
  const read = (name: string): string =>
    readFileSync(new URL(`../transport/fixtures/${name}`, import.meta.url), 'utf8')

  function secured(name: string, options: NodeOptions): Promise<CoterieNode> {
    const tls = {
      cert: read(`${name}.cert.pem`),
      key: read(`${name}.key.pem`),
      ca: read('ca.cert.pem'),
    }
    return createNode({ transport: tcpTransport({ tls }), partitions: 64, ...options })
  }

  test('a node is let in under the name of its certificate, and under no other', async () => {
    const first = await secured('n1', { id: 'n1' })
    open.add(first)
    const seeds = [first.address]
    const second = await secured('n2', { id: 'n2', seeds })
    open.add(second)
    await untilAllAlive([first, second])
    await second.bucket('b').put('k', 1, { w: 2 })
    const impostor = secured('n2', { id: 'n3', seeds, joinTimeoutMs: 3_000 })
    await expect(impostor).rejects.toMatchObject({ code: 'ERR_PROTOCOL' })
    await expect(impostor).rejects.toThrow('the certificate of "n3" names')
    expect(first.members()).toHaveLength(2)
  })
})
