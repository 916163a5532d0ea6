/** What new owners need is marked, whatever the storage does meanwhile. */
import { expect, test } from 'vitest'
import { memoryStorage } from '../../src/adapters/memory-storage.ts'
import { StorageError } from '../../src/base/errors.ts'
import type { Storage } from '../../src/ports/storage.ts'
import { Books } from '../../src/replica/books.ts'
import { HintStore } from '../../src/replica/hint-store.ts'
import { dirtyPartition } from '../../src/replica/places.ts'
import { Ring, ringChange } from '../../src/ring/ring.ts'
import { SeededRandom } from '../../src/sim/seeded-random.ts'
import { GainMarks } from '../../src/upkeep/gain-marks.ts'
import { configurationOf, memberOf } from '../ring/kit.ts'
import { HandClock } from '../rpc/kit.ts'

const partitions = 64
const four = ['n1', 'n2', 'n3', 'n4'].map((id) => memberOf(id))
const given = { partitions, n: 2 }
const before = new Ring(configurationOf(four.slice(0, 3), given))
const configuration = configurationOf(four, { ...given, epoch: 2, moves: 1 })
const after = new Ring(configuration)
const change = ringChange(before, after)
const limits = { bytesPerTargetMax: 1e6, bytesMax: 1e6, windowMs: 1e6 }

/** A node with a record in each partition, which has marked all changes up to the first ring. */
async function nodeWithData() {
  const inner = memoryStorage()
  await inner.open()
  /** What of the storage fails now. */
  const broken: { scan: boolean; write: boolean } = { scan: false, write: false }
  const refuse = (): Promise<never> => Promise.reject(new StorageError('the disk is full'))
  const storage = new Proxy<Storage>(inner, {
    get(_, name: keyof Storage) {
      // A storage whose scans can fail is one on disk: what is there it does not know at once.
      if (name === 'isEmpty' && broken.scan) return undefined
      if (name === 'scan' && broken.scan) return refuse
      if (name === 'write')
        return (writes: Parameters<Storage['write']>[0]) =>
          broken.write && writes.some(({ partition }) => partition === dirtyPartition)
            ? refuse()
            : inner.write(writes)
      const member: unknown = inner[name]
      return typeof member === 'function' ? (member.bind(inner) as unknown) : member
    },
  })
  const value = new Uint8Array(8)
  const keys = Array.from({ length: partitions }, (_, partition) => partition)
  await inner.write(keys.map((partition) => ({ partition, key: 'k', value })))
  const clock = new HandClock()
  const hints = new HintStore(storage, limits)
  const failures: Error[] = []
  const marks = new GainMarks({
    selfId: 'n1',
    books: await Books.open(storage, new SeededRandom(1), { id: 'n1', name: 'test' }),
    hints,
    storage,
    clock,
    intervalMs: 1_000,
    gained: () => undefined,
    rest: () => Promise.resolve(),
    gainsKept: () => Promise.resolve(),
    failed: (error) => failures.push(error),
  })
  await marks.mark({
    configuration: configurationOf(four.slice(0, 3), given),
    after: before,
    change: undefined,
  })
  const pass = async (ms: number): Promise<void> => {
    for (let i = 0; i < ms; i += 50) {
      clock.pass(50)
      for (let turn = 0; turn < 200; turn++) await Promise.resolve()
    }
  }
  const storedMarks = async (): Promise<readonly number[]> => {
    const stored = new HintStore(inner, limits)
    await stored.load()
    return stored.dirtyPartitions('n4')
  }
  return { broken, marks, hints, failures, pass, storedMarks }
}

const gainedByNewcomer = change.ranges
  .filter(({ gained }) => gained.includes('n4'))
  .map(({ partition }) => partition)

test.each(['scan', 'write'] as const)(
  'when a %s fails, marks are pending until they are durable',
  async (what) => {
    const node = await nodeWithData()
    node.broken[what] = true
    void node.marks.mark({ configuration, after, change })
    await expect(node.marks.written()).rejects.toThrow('the disk is full')
    await node.pass(3_000)
    expect(node.marks.arePending).toBe(true)
    expect(node.failures.length).toBeGreaterThan(2)
    node.broken[what] = false
    await node.pass(1_000)
    expect(node.marks.arePending).toBe(false)
    expect(await node.storedMarks()).toEqual(gainedByNewcomer)
    expect(gainedByNewcomer.length).toBeGreaterThan(10)
  },
)

test('nothing is tried any more by a node that was closed', async () => {
  const node = await nodeWithData()
  node.broken.scan = true
  void node.marks.mark({ configuration, after, change })
  await node.pass(500)
  node.marks.close()
  const { length } = node.failures
  await node.pass(5_000)
  expect(node.failures).toHaveLength(length)
})
