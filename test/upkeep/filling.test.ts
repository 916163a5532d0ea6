/** What a new owner lacks, over restarts. */
import { expect, test } from 'vitest'
import { memoryStorage } from '../../src/adapters/memory-storage.ts'
import type { Storage } from '../../src/ports/storage.ts'
import { Books } from '../../src/replica/books.ts'
import { Ring, ringChange } from '../../src/ring/ring.ts'
import { SeededRandom } from '../../src/sim/seeded-random.ts'
import { Filling } from '../../src/upkeep/filling.ts'
import { configurationOf, memberOf } from '../ring/kit.ts'
import { HandClock } from '../rpc/kit.ts'

const five = ['n1', 'n2', 'n3', 'n4', 'n5'].map((id) => memberOf(id))
const given = { partitions: 64, n: 3 }
const rings = [5, 4, 3].map(
  (count, i) =>
    new Ring(configurationOf(five.slice(0, count), { ...given, epoch: i + 1, moves: i })),
)
const changes = [ringChange(rings[0]!, rings[1]!), ringChange(rings[1]!, rings[2]!)]
const gainedBy = (change: (typeof changes)[number]): readonly number[] =>
  change.ranges.filter(({ gained }) => gained.includes('n1')).map(({ partition }) => partition)

/** A run of the node n1 on a storage, in which nobody can be asked. */
async function run(storage: Storage, ring: Ring): Promise<Filling> {
  return new Filling({
    selfId: 'n1',
    books: await Books.open(storage, new SeededRandom(1), { id: 'n1', name: 'test' }),
    clock: new HandClock(),
    ring: () => ring,
    control: () => {
      throw new Error('nobody is asked')
    },
    isReachable: () => false,
    failed: (error) => {
      throw error
    },
  })
}

test('a gain is known to every later run, also when it was found at a start that came to nothing', async () => {
  const storage = memoryStorage()
  await storage.open()
  const first = await run(storage, rings[1]!)
  await first.resume()
  first.gained(changes[0]!)
  await first.kept()
  // It crashed when it had heard of another change, and at its next start when it had found out what that means.
  const second = await run(storage, rings[2]!)
  second.gained(changes[1]!)
  await second.kept()
  const third = await run(storage, rings[2]!)
  await third.resume()
  const expected = [...gainedBy(changes[0]!), ...gainedBy(changes[1]!)]
  expect(gainedBy(changes[0]!).length * gainedBy(changes[1]!).length).toBeGreaterThan(0)
  expect(expected.filter((partition) => third.lackOf(partition) === undefined)).toEqual([])
})

test('a newcomer that starts again before it began lacks everything, whatever changed meanwhile', async () => {
  const storage = memoryStorage()
  await storage.open()
  const first = await run(storage, rings[1]!)
  await first.expect()
  first.gained(changes[0]!)
  await first.kept()
  const second = await run(storage, rings[1]!)
  await second.resume()
  expect(second.isRecovering).toBe(true)
  expect(second.partitions).toBe(rings[1]!.ownedCount('n1'))
})
