import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ClosedError, InvalidArgumentError, StorageError } from '../../src/base/errors.ts'
import { majoritiesRing, simulate } from '../../src/sim/index.ts'
import type { SimCluster } from '../../src/sim/index.ts'
import { everyFault } from './every-fault.ts'

const durable = { nodes: 3, storage: 'durable' } as const

test('a node is up once it has started and until it goes down, also while it is paused', async () => {
  await simulate({ nodes: 3 }, async (cluster) => {
    cluster.pause('n2')
    expect(cluster.isUp('n2')).toBe(true)
    await cluster.crash('n2')
    expect(cluster.isUp('n2')).toBe(false)
    const starting = cluster.restart('n2')
    expect(cluster.isUp('n2')).toBe(false)
    await starting
    expect(cluster.isUp('n2')).toBe(true)
    expect(() => cluster.isUp('n4')).toThrow(InvalidArgumentError)
  })
})

describe('a second process on a copy of a disk', () => {
  test('has the same id and another address, and the nodes find out', async () => {
    await simulate(durable, async (cluster) => {
      const errors: string[] = []
      await cluster.node('n1').bucket('b').put('k', 'before', { w: 'all' })
      const original = cluster.node('n1')
      original.on('background-error', ({ task }) => errors.push(task))
      const twin = await cluster.duplicate('n1', 'n1-copy')
      twin.on('background-error', ({ task }) => errors.push(task))
      expect([twin.id, twin.address]).toEqual(['n1', 'n1-copy:1'])
      expect(cluster.node('n1-copy')).toBe(twin)
      expect(cluster.names).toEqual(['n1', 'n2', 'n3'])
      expect((await twin.bucket('b').get('k')).value()).toBe('before')
      const puts = [original, twin].map((node, i) =>
        node.bucket('b').put('k', i, { context: null }),
      )
      await Promise.allSettled(puts)
      await cluster.sleep(10_000)
      expect(errors).toContain('identity')
    })
  })

  test('can be crashed, closed and started again, and the original goes on', async () => {
    await simulate(durable, async (cluster) => {
      await cluster.duplicate('n1', 'copy')
      await cluster.crash('copy')
      expect(() => cluster.node('copy')).toThrow(ClosedError)
      const again = await cluster.restart('copy')
      await again.close()
      await cluster.restart('n1')
      await cluster.sleep(10_000)
      await cluster.node('n1').bucket('b').put('k', 'v', { w: 'all' })
      await cluster.settle()
      expect([...cluster.records('b', 'k').keys()]).toEqual(['n1', 'n2', 'n3'])
      expect(cluster.faults()['disk-duplicated']).toBe(1)
    })
  })

  test('needs a disk, and a name of its own', async () => {
    await simulate(durable, async (cluster) => {
      await expect(cluster.duplicate('n1', 'n2')).rejects.toThrow(InvalidArgumentError)
      await cluster.duplicate('n1', 'copy')
      await expect(cluster.duplicate('n1', 'copy')).rejects.toThrow('exists already')
      await expect(cluster.add('copy')).rejects.toThrow('exists already')
    })
    await simulate({ nodes: 1 }, async (cluster) => {
      await expect(cluster.duplicate('n1', 'copy')).rejects.toThrow(InvalidArgumentError)
    })
  })
})

describe('wall clocks', () => {
  /** What is found of a value that lives for 10 s: by n2, n1 and n2 after 9 s, and by n1, n2 and n1 after 20 s. */
  async function expiry(fault: (cluster: SimCluster) => void): Promise<boolean[]> {
    const { value } = await simulate(durable, async (cluster) => {
      await cluster.node('n2').bucket('b').put('k', 'v', { ttlMs: 10_000, w: 'all' })
      fault(cluster)
      const found: boolean[] = []
      const ask = async (...names: string[]): Promise<void> => {
        for (const name of names) {
          found.push((await cluster.node(name).bucket('b').get('k')).found)
        }
      }
      await cluster.sleep(9000)
      await ask('n2', 'n1', 'n2')
      await cluster.sleep(11_000)
      await ask('n1', 'n2', 'n1')
      return found
    })
    return value
  }

  test.each([
    { what: 'right', fault: () => {}, found: [true, true, true, false, false, false] },
    {
      what: 'too fast',
      fault: (cluster: SimCluster) => cluster.driftClock('n1', 200_000),
      found: [true, false, false, false, false, false],
    },
    {
      what: 'frozen',
      fault: (cluster: SimCluster) => cluster.freezeClock('n1'),
      found: [true, true, true, true, false, false],
    },
  ])(
    'that are $what decide what one node finds expired, and so for all',
    async ({ fault, found }) => {
      expect(await expiry(fault)).toEqual(found)
    },
  )

  test('refuse what is no number', async () => {
    await simulate({ nodes: 1 }, async (cluster) => {
      expect(() => cluster.skewClock('n1', NaN)).toThrow(InvalidArgumentError)
      expect(() => cluster.driftClock('n1', Infinity)).toThrow(InvalidArgumentError)
    })
  })
})

test('a ring of majorities takes every write, and heals', async () => {
  await simulate({ node: { replication: { sloppy: false } } }, async (cluster) => {
    cluster.partition(...majoritiesRing(cluster.names))
    await cluster.sleep(30_000)
    const puts = cluster.names.map((name) => cluster.node(name).bucket('b').put(name, name))
    const outcomes = await Promise.allSettled(puts)
    cluster.heal()
    expect(outcomes.some(({ status }) => status === 'fulfilled')).toBe(true)
    expect(cluster.faults()['frame-partitioned']).toBeGreaterThan(0)
    await cluster.sleep(30_000)
    for (const name of cluster.names) await cluster.node('n1').bucket('b').get(name, { r: 'all' })
    await cluster.settle()
  })
})

test('connections that are reset are opened anew, and nothing acknowledged is lost', async () => {
  await simulate(durable, async (cluster) => {
    const bucket = cluster.node('n1').bucket<number>('b')
    const stored: string[] = []
    for (let i = 0; i < 50; i++) {
      const put = bucket.put(`k${i}`, i, { timeoutMs: 500 }).then(
        () => stored.push(`k${i}`),
        () => {},
      )
      await cluster.sleep(cluster.random() * 40)
      cluster.reset('n1', 'n2')
      cluster.reset('n3', 'n1')
      await put
    }
    expect(stored.length).toBeGreaterThan(10)
    await cluster.sleep(10_000)
    const entries = stored.map((key) => cluster.node('n2').bucket('b').get(key))
    for (const entry of await Promise.all(entries)) expect(entry.found).toBe(true)
    expect(cluster.faults()['connection-reset']).toBeGreaterThan(50)
  })
})

test('a node whose disk cannot be read does not say that there is nothing', async () => {
  await simulate({ nodes: 1, storage: 'durable' }, async (cluster) => {
    const bucket = cluster.node('n1').bucket('b')
    await bucket.put('k', 'v')
    cluster.disk('n1').failReads(1)
    const entry = await bucket.get('k').catch((error: Error) => error)
    expect(entry).toBeInstanceOf(Error)
    expect(entry).not.toBeInstanceOf(StorageError)
    expect((await bucket.get('k')).value()).toBe('v')
  })
})

describe('the trace', () => {
  test('has the documented columns and kinds, and what the nodes tell', async () => {
    const lines: string[] = []
    await everyFault(4, (line) => void lines.push(line))
    const source = readFileSync(new URL('../../src/sim/trace.ts', import.meta.url), 'utf8')
    const documented = new Set(source.slice(0, source.indexOf('*/')).match(/[a-z-]+/g))
    const kinds = new Set<string>()
    for (const line of lines) {
      const [, kind] = /^\d+(?:\.\d+)? (?:n\d(?:-copy)?|-) ([a-z-]+) /.exec(line) ?? []
      if (kind === undefined) throw new Error(`not in columns: ${line}`)
      kinds.add(kind)
    }
    for (const kind of kinds) expect(documented).toContain(kind)
    for (const kind of ['send', 'frame', 'lose', 'duplicate', 'delay', 'damage', 'event']) {
      expect(kinds).toContain(kind)
    }
  })

  test('takes notes of the scenario, which count', async () => {
    const run = (text: string) => simulate({ nodes: 1 }, async (cluster) => cluster.note(text))
    const [one, again, other] = [await run('a'), await run('a'), await run('b')]
    expect(again.traceHash).toBe(one.traceHash)
    expect(other.traceHash).not.toBe(one.traceHash)
  })
})
