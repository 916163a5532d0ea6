import { describe, expect, test } from 'vitest'
import { check, type Model } from '../../src/sim/checkers/check.ts'
import { createHistory, type History } from '../../src/sim/history/history.ts'
import { record } from '../../src/sim/history/record.ts'
import { simulate } from '../../src/sim/index.ts'

const models: readonly Model[] = [
  'no-lost-write',
  'causal',
  'read-your-writes',
  'monotonic',
  'register',
]

/** Two sides of a partition replace the same value; it heals, and a client merges what it sees. */
async function partitioned(history: History): Promise<readonly string[]> {
  const { value } = await simulate({ seed: 7 }, async (cluster) => {
    const names = ['n1', 'n5'] as const
    const [left, right] = names.map((name) =>
      record(cluster.node(name).bucket<string>('cart'), history),
    )
    await left!.put('42', 'milk')
    const seen = await right!.get('42')
    cluster.partition(['n1', 'n2'], ['n3', 'n4', 'n5'])
    await cluster.sleep(30_000)
    await Promise.all([
      left!.put('42', 'eggs', { context: seen.context }),
      right!.put('42', 'bread', { context: seen.context.toString() }),
    ])
    cluster.heal()
    await cluster.settle()
    const both = await left!.get('42')
    await right!.update('42', (siblings) => siblings.toSorted().join('+'))
    await left!.get('42')
    return both.siblings
  })
  return value.toSorted()
}

describe('a simulated cluster', () => {
  test('keeps both values of a partition, and every promise', async () => {
    const history = createHistory()
    expect(await partitioned(history)).toEqual(['bread', 'eggs'])
    for (const model of models) expect(check(history, model).violations).toEqual([])
    expect(history.operations.at(-1)).toMatchObject({ kind: 'get', siblings: ['"bread+eggs"'] })
  })

  test('is caught when all replicas lose a record', async () => {
    const history = createHistory()
    await simulate({ nodes: 3 }, async (cluster) => {
      const bucket = record(cluster.node('n1').bucket<string>('cart'), history)
      await bucket.put('42', 'milk')
      await cluster.settle()
      for (const name of cluster.names) cluster.forget(name, 'cart', '42')
      await bucket.get('42')
    })
    expect(check(history, 'no-lost-write').violations[0]?.message).toBe(
      '"milk" of "42" in bucket "cart" is lost: session 1 put "milk" (1 to 2), ' +
        'session 1 read nothing (3 to 4), and nothing in the history can have replaced it',
    )
    expect(check(history, 'read-your-writes').ok).toBe(false)
    expect(check(history, 'register').ok).toBe(false)
    expect(check(history, 'causal').ok).toBe(true)
  })
})

/** Reads in turn at nodes whose clocks differ, while a writer puts values that live for 20 s each. */
async function expiring(history: History, readRepair: 'blocking' | 'off'): Promise<void> {
  const node = { replication: { sloppy: false, readRepair } }
  await simulate({ seed: 3, nodes: 3, node, storage: 'durable' }, async (cluster) => {
    const open = (name: string) =>
      record(cluster.node(name).bucket<number>('b', { ttlMs: 20_000 }), history, { expires: true })
    const [writer, ...readers] = ['n1', 'n1', 'n2', 'n3'].map(open)
    cluster.skewClock('n2', -15_000)
    cluster.skewClock('n3', 10_000)
    cluster.driftClock('n2', 50_000)
    for (let round = 1; round <= 4; round++) {
      await writer!.update('k', () => round)
      for (let i = 0; i < 30; i++) {
        await readers[Math.floor(cluster.random() * 3)]!.get('k')
        await cluster.sleep(1_300)
      }
    }
    await cluster.settle()
    await record(cluster.node('n2').bucket<number>('b'), history, { final: true }).get('k')
  })
}

describe('values that expire on clocks that differ', () => {
  test('keep every promise', async () => {
    const history = createHistory()
    await expiring(history, 'blocking')
    for (const model of models) {
      const { violations, checked } = check(history, model, { across: 'sessions' })
      expect(violations, model).toEqual([])
      // A value that may go at any time is owed to nobody.
      if (model !== 'no-lost-write') expect(checked.reads, model).toBeGreaterThan(0)
    }
  })

  test('are caught coming back where reads repair nothing', async () => {
    const history = createHistory()
    await expiring(history, 'off')
    const [first] = check(history, 'monotonic', { across: 'sessions' }).violations
    expect(first?.message).toMatch(
      /goes back in time: .* read nothing .*, when \d was gone already/,
    )
    expect(check(history, 'register').ok).toBe(false)
    expect(check(history, 'no-lost-write').ok).toBe(true)
  })
})
