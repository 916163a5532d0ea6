import { describe, expect, test } from 'vitest'
import { ClosedError, InvalidArgumentError, UnavailableError } from '../../src/base/errors.ts'
import { simulate } from '../../src/sim/index.ts'
import type { SimCluster, SimOptions } from '../../src/sim/index.ts'

/** Many small writes and reads with faults of every kind in between. */
async function storm(cluster: SimCluster): Promise<string> {
  const outcomes: string[] = []
  for (let round = 0; round < 60; round++) {
    const name = cluster.names[Math.floor(cluster.random() * cluster.names.length)] ?? 'n1'
    if (round % 10 === 3) cluster.partition(['n1', 'n2'], ['n3', 'n4', 'n5'])
    if (round % 10 === 6) cluster.heal()
    if (round === 20) await cluster.crash('n4')
    if (round === 30) await cluster.restart('n4')
    if (round === 35) cluster.pause('n5')
    if (round === 45) cluster.resume('n5')
    if (name === 'n4' && round >= 20 && round < 30) continue
    if (name === 'n5' && round >= 35 && round < 45) continue
    const bucket = cluster.node(name).bucket<number>('numbers')
    const key = `k${round % 7}`
    const put = bucket.put(key, round, { timeoutMs: 500 }).then(
      () => 'ok',
      (e: Error) => e.name,
    )
    outcomes.push(await put)
    await cluster.sleep(cluster.random() * 200)
  }
  return outcomes.join()
}

const faulty: SimOptions = {
  storage: 'durable',
  network: { latencyMs: 2, jitterMs: 5, loss: 0.01, duplicate: 0.02 },
}

describe('one seed, one run', () => {
  test('the same seed gives the same trace, outcome and time, another seed another', async () => {
    const first = await simulate({ ...faulty, seed: 11 }, storm)
    const again = await simulate({ ...faulty, seed: 11 }, storm)
    const other = await simulate({ ...faulty, seed: 12 }, storm)
    expect(again).toEqual(first)
    expect(other.traceHash).not.toBe(first.traceHash)
    expect(first.value).toContain('ok')
  })

  test('what the trace listener sees is the same too, line by line', async () => {
    const run = async (): Promise<string[]> => {
      const lines: string[] = []
      const trace = (line: string): void => void lines.push(line)
      await simulate({ nodes: 3, seed: 5, trace }, async (cluster) => {
        await cluster.node('n1').bucket('b').put('k', 'v')
      })
      return lines
    }
    const lines = await run()
    expect(lines.length).toBeGreaterThan(50)
    expect(await run()).toEqual(lines)
  })
})

describe('the cluster of a scenario', () => {
  test('has its nodes joined, named and dealt to the zones', async () => {
    const { value } = await simulate({ nodes: 4, zones: ['east', 'west'] }, async (cluster) => {
      const zones = cluster
        .node('n3')
        .members()
        .map(({ id, zone, status }) => [id, zone, status])
      return { names: cluster.names, zones, seed: cluster.seed }
    })
    expect(value.names).toEqual(['n1', 'n2', 'n3', 'n4'])
    expect(value.seed).toBe(1)
    expect(value.zones).toEqual([
      ['n1', 'east', 'alive'],
      ['n2', 'west', 'alive'],
      ['n3', 'east', 'alive'],
      ['n4', 'west', 'alive'],
    ])
  })

  test('stores on the owners what any node writes, and shows what each really stores', async () => {
    await simulate({}, async (cluster) => {
      const receipt = await cluster.node('n2').bucket('b').put('k', { a: 1 })
      expect(receipt.acknowledged.length).toBeGreaterThanOrEqual(2)
      await cluster.settle()
      const owners = cluster.node('n1').preferenceList('b', 'k').slice(0, 3)
      const records = cluster.records('b', 'k')
      expect([...records.keys()].toSorted()).toEqual(owners.map(({ id }) => id).toSorted())
      const clocks = new Set([...records.values()].map(({ clock }) => clock))
      expect(clocks.size).toBe(1)
      for (const view of records.values()) {
        expect(view).toMatchObject({ siblings: [{ a: 1 }], tombstones: 0, role: 'primary' })
      }
      await cluster.node('n3').bucket('b').delete('k')
      await cluster.settle()
      for (const view of cluster.records('b', 'k').values()) {
        expect(view).toMatchObject({ siblings: [], tombstones: 1 })
      }
    })
  })

  test('does not let a minority write when quorums are strict, and heals', async () => {
    await simulate({ nodes: 3, node: { replication: { sloppy: false } } }, async (cluster) => {
      cluster.partition(['n1'])
      await cluster.sleep(30_000)
      const bucket = cluster.node('n1').bucket('b')
      await expect(bucket.put('k', 1)).rejects.toThrow(UnavailableError)
      await cluster.node('n2').bucket('b').put('k', 2)
      cluster.heal()
      await cluster.settle()
      expect((await bucket.get('k')).value()).toBe(2)
    })
  })

  test('forgets a record on one node, which a read repairs', async () => {
    await simulate({ nodes: 3 }, async (cluster) => {
      const bucket = cluster.node('n1').bucket('b')
      await bucket.put('k', 'v', { w: 'all' })
      cluster.forget('n2', 'b', 'k')
      expect([...cluster.records('b', 'k').keys()]).toEqual(['n1', 'n3'])
      await expect(cluster.settle({ withinMs: 100 })).rejects.toThrow('"k" in bucket "b"')
      await bucket.get('k', { r: 'all' })
      await cluster.settle()
      expect(cluster.records('b', 'k').size).toBe(3)
    })
  })

  test('damages a record on one node, at a bit that it is told or draws from the seed', async () => {
    const damagedBits = async (seed: number): Promise<string[]> => {
      const flips: string[] = []
      const trace = (line: string): void => void (line.includes(' - flip ') && flips.push(line))
      await simulate({ nodes: 3, storage: 'durable', seed, trace }, async (cluster) => {
        const bucket = cluster.node('n1').bucket('b')
        expect(cluster.damage('n2', 'b', 'k')).toBe(false)
        await bucket.put('k', 'v', { w: 'all' })
        expect(cluster.damage('n2', 'b', 'k')).toBe(true)
        expect(cluster.damage('n3', 'b', 'k', 3)).toBe(true)
        const clocks = [...cluster.records('b', 'k').values()].map(({ clock }) => clock)
        expect(clocks.map((clock) => clock === 'damaged')).toEqual([false, true, true])
        expect(cluster.damage('n3', 'b', 'k', 3)).toBe(true)
        expect(cluster.records('b', 'k').get('n3')?.clock).not.toBe('damaged')
        expect(cluster.faults()['bit-flipped']).toBe(3)
        expect(() => cluster.damage('n3', 'b', 'k', -1)).toThrow(InvalidArgumentError)
        expect(() => cluster.damage('n3', 'b', 'k', 0.5)).toThrow(InvalidArgumentError)
        expect(() => cluster.damage('n9', 'b', 'k')).toThrow(InvalidArgumentError)
        expect((await bucket.get('k')).value()).toBe('v')
      })
      return flips
    }
    const flips = await damagedBits(1)
    expect(flips[2]).toMatch(/ - flip n3 b k 3$/)
    expect(await damagedBits(1)).toEqual(flips)
    expect((await damagedBits(2))[1]).not.toBe(flips[1])
    await simulate({ nodes: 1 }, async (cluster) => {
      expect(() => cluster.damage('n1', 'b', 'k')).toThrow('is no disk, but memory')
    })
  })

  test('has 16 partitions, unless it is told another number', async () => {
    const partitionsOf = async (options: SimOptions): Promise<number> => {
      const { value } = await simulate(options, async (cluster) => cluster.node('n1').ring())
      return value.partitions
    }
    expect(await partitionsOf({ nodes: 1 })).toBe(16)
    expect(await partitionsOf({ nodes: 1, node: { timeoutMs: 100 } })).toBe(16)
    expect(await partitionsOf({ nodes: 1, node: { partitions: 64 } })).toBe(64)
  })

  test('may have more nodes than partitions', async () => {
    await simulate({ nodes: 20 }, async (cluster) => {
      await cluster.node('n20').bucket('b').put('k', 'v')
      expect((await cluster.node('n19').bucket('b').get('k')).value()).toBe('v')
    })
  })

  test('takes in one more node', async () => {
    await simulate({ nodes: 3 }, async (cluster) => {
      await cluster.node('n1').bucket('b').put('k', 'v')
      const node = await cluster.add('n4', { zone: 'far', weight: 2 })
      expect(cluster.names).toContain('n4')
      expect((await node.bucket('b').get('k')).value()).toBe('v')
      await expect(cluster.add('n4')).rejects.toThrow(InvalidArgumentError)
    })
  })

  test('skews one wall clock and no other', async () => {
    await simulate({ nodes: 3, storage: 'durable' }, async (cluster) => {
      cluster.skewClock('n1', 3_600_000)
      await cluster.node('n1').bucket('b').put('k', 'v', { ttlMs: 1000 })
      await cluster.sleep(2000)
      const at = (name: string) => cluster.node(name).bucket('b').get('k')
      expect((await at('n2')).found).toBe(true)
      expect((await at('n1')).found).toBe(false)
    })
  })

  test('refuses names that do not exist and numbers that make no sense', async () => {
    const wrong: SimOptions[] = [
      { nodes: 0 },
      { seed: -1 },
      { seed: 0.5 },
      { network: { loss: 2 } },
    ]
    for (const options of wrong) {
      await expect(simulate(options, async () => {})).rejects.toThrow(InvalidArgumentError)
    }
    await simulate({ nodes: 1 }, async (cluster) => {
      expect(() => cluster.node('n2')).toThrow(InvalidArgumentError)
      expect(() => cluster.partition(['n1', 'n9'])).toThrow(InvalidArgumentError)
      await expect(cluster.crash('n9')).rejects.toThrow(InvalidArgumentError)
    })
  })
})

describe('crash and restart', () => {
  test('durable nodes keep what they acknowledged, all at once', async () => {
    await simulate({ nodes: 3, storage: 'durable' }, async (cluster) => {
      for (let i = 0; i < 20; i++) await cluster.node('n1').bucket('b').put(`k${i}`, i)
      await Promise.all(cluster.names.map((name) => cluster.crash(name)))
      expect(() => cluster.node('n1')).toThrow(ClosedError)
      expect(cluster.records('b', 'k3').size).toBeGreaterThanOrEqual(2)
      await Promise.all(cluster.names.map((name) => cluster.restart(name)))
      await cluster.sleep(5000)
      for (let i = 0; i < 20; i++) {
        expect((await cluster.node('n2').bucket('b').get(`k${i}`)).value()).toBe(i)
      }
    })
  })

  test('a memory node comes back empty and is filled again', async () => {
    await simulate({ nodes: 3 }, async (cluster) => {
      await cluster.node('n1').bucket('b').put('k', 'v', { w: 'all' })
      await cluster.crash('n3')
      expect([...cluster.records('b', 'k').keys()]).toEqual(['n1', 'n2'])
      await cluster.restart('n3')
      await cluster.sleep(5000)
      expect((await cluster.node('n3').bucket('b').get('k')).value()).toBe('v')
    })
  })

  test('ends what the scenario waits for on the crashed node', async () => {
    await simulate({ nodes: 3, storage: 'durable' }, async (cluster) => {
      const put = cluster.node('n1').bucket('b').put('k', 'v')
      const outcome = put.then(
        () => 'stored',
        (error: Error) => error.name,
      )
      await cluster.crash('n1')
      expect(await outcome).not.toBe('stored')
    })
  })

  test('a disk from the past can be put back, but only while the node is down', async () => {
    await simulate({ nodes: 3, storage: 'durable' }, async (cluster) => {
      const bucket = cluster.node('n1').bucket('b')
      await bucket.put('k', 'old', { w: 'all' })
      const disk = cluster.saveDisk('n2')
      await bucket.put('k', 'new', { w: 'all' })
      expect(() => cluster.restoreDisk('n2', disk)).toThrow(InvalidArgumentError)
      await cluster.crash('n2')
      cluster.restoreDisk('n2', disk)
      expect(cluster.records('b', 'k').get('n2')?.siblings).toEqual(['old'])
      await cluster.restart('n2')
      await cluster.sleep(5000)
      expect((await cluster.node('n2').bucket('b').get('k', { r: 'all' })).value()).toBe('new')
    })
  })

  test('a restart of a node that is up closes it first', async () => {
    await simulate({ nodes: 3, storage: 'durable' }, async (cluster) => {
      const before = cluster.node('n1')
      let isClosed = false
      before.once('close', () => {
        isClosed = true
      })
      expect(await cluster.restart('n1')).not.toBe(before)
      expect(isClosed).toBe(true)
    })
  })
})

describe('the end of a simulation', () => {
  test('closes every node', async () => {
    const closed: string[] = []
    await simulate({ nodes: 3 }, async (cluster) => {
      for (const name of cluster.names) cluster.node(name).once('close', () => closed.push(name))
      await cluster.crash('n2')
      closed.length = 0
    })
    expect(closed.toSorted()).toEqual(['n1', 'n3'])
  })

  test('throws what the scenario throws, of its class, with the seed in the message', async () => {
    const failing = simulate({ nodes: 1, seed: 77 }, async () => {
      throw new RangeError('too far')
    })
    await expect(failing).rejects.toThrow(RangeError)
    await expect(failing).rejects.toThrow('too far [simulated with seed 77]')
    const stack = await failing.catch((error: Error) => error.stack)
    expect(stack).toMatch(/^RangeError: too far \[simulated with seed 77\]\n/)
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- as careless scenarios do
    const odd = simulate({ nodes: 1, seed: 78 }, () => Promise.reject('text'))
    await expect(odd).rejects.toThrow('text [simulated with seed 78]')
  })

  test('tells when nothing can happen any more although the scenario waits', async () => {
    const hanging = simulate({ nodes: 2, seed: 79 }, async (cluster) => {
      await cluster.crash('n1')
      cluster.pause('n2')
      await new Promise(() => {})
    })
    await expect(hanging).rejects.toThrow(/nothing can happen.*paused: n2.*seed 79/)
  })

  test('gives up a scenario that waits too long', async () => {
    const endless = simulate({ nodes: 1, virtualMsMax: 60_000 }, () => new Promise(() => {}))
    await expect(endless).rejects.toThrow(/still waits at virtual ms \d+/)
  })

  test('gives up one that waits for something real, and tells what to look for', async () => {
    const unreal = simulate({ nodes: 3, seed: 80 }, () => new Promise(() => {}))
    await expect(unreal).rejects.toThrow(
      /at virtual ms 3[56]\d{5}, the limit of virtualMsMax.*a real timer, fetch.*seed 80/,
    )
  })

  test('waits for a node that the scenario left starting', async () => {
    const lines: string[] = []
    const trace = (line: string): void => void lines.push(line)
    await simulate({ nodes: 2, storage: 'durable', trace }, async (cluster) => {
      void cluster.add('n3')
      void cluster.restart('n1')
      await cluster.sleep(1)
    })
    expect(lines.some((line) => line.includes(' n3 start '))).toBe(true)
  })

  test('tells why a node that the scenario left starting did not start', async () => {
    const listeners = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection')
    const failing = simulate({ nodes: 1, storage: 'durable', seed: 81 }, async (cluster) => {
      await cluster.crash('n1')
      cluster.disk('n1').failReads(1000)
      void cluster.restart('n1')
    })
    await expect(failing).rejects.toThrow(/nobody handles: .*(disk|read).*seed 81/)
    for (const listener of listeners) process.on('unhandledRejection', listener)
  })

  test('a restart waits for a start that is under way', async () => {
    await simulate({ nodes: 2, storage: 'durable' }, async (cluster) => {
      await cluster.crash('n1')
      const first = cluster.restart('n1')
      await cluster.sleep(1)
      const second = await cluster.restart('n1')
      expect(await first).not.toBe(second)
      expect(cluster.node('n1')).toBe(second)
    })
  })
})
