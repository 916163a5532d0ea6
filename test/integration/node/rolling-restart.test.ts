/** A rolling restart over real sockets and directories: five nodes, each restarted once, under load. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { createNode, type Bucket, type CoterieNode } from '../../../src/index.ts'
import { lmdbStorage } from '../../../src/lmdb.ts'

const nodeCount = 5
const clientCount = 16
const restMs = 150

const root = mkdtempSync(join(tmpdir(), 'coterie-rolling-'))
const nodes = new Map<string, CoterieNode>()

afterEach(async () => {
  await Promise.all([...nodes.values()].map((node) => node.close()))
  rmSync(root, { recursive: true, force: true })
})

function start(id: string): Promise<CoterieNode> {
  const storage = lmdbStorage({ path: join(root, id), durability: 'os' })
  const seeds = [...nodes.values()].slice(0, 1).map(({ address }) => address)
  return createNode({ id, seeds, storage, partitions: 64 })
}

const rest = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, restMs))

test('fails no request, and nothing that was acknowledged is missing', async () => {
  const ids = Array.from({ length: nodeCount }, (_, i) => `n${i + 1}`)
  for (const id of ids) nodes.set(id, await start(id))
  const failures: string[] = []
  const latest = new Map<string, number>()
  let operations = 0
  let isOver = false
  /** Asked for each operation: who closes takes no new one. */
  const any = (turn: number): Bucket<number> => {
    const serving = [...nodes.values()]
    return serving[turn % serving.length]!.bucket<number>('b')
  }
  /** Writes its own keys, and reads them back, through whoever serves. */
  const client = async (number: number): Promise<void> => {
    for (let i = 1; !isOver; i++) {
      const key = `${number}-${i % 20}`
      operations += 2
      try {
        await any(i).put(key, i)
        latest.set(key, i)
        await any(i + 1).get(`${number}-${(i + 7) % 20}`)
      } catch (error) {
        failures.push(String(error))
      }
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }
  const clients = Array.from({ length: clientCount }, (_, number) => client(number))
  for (const id of ids) {
    await rest()
    const node = nodes.get(id)!
    nodes.delete(id)
    const { operations: givenUp, hints } = await node.close({ drain: true })
    expect({ givenUp, hints }, id).toEqual({ givenUp: 0, hints: 0 })
    await rest()
    nodes.set(id, await start(id))
  }
  isOver = true
  await Promise.all(clients)
  expect(failures).toEqual([])
  expect(operations).toBeGreaterThan(200)
  for (const [key, value] of latest) {
    const { siblings } = await nodes.get('n1')!.bucket<number>('b').get(key, { r: 3 })
    expect(siblings, key).toContain(value)
  }
}, 60_000)
