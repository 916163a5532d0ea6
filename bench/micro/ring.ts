/**
 * What the ring costs: to build one, to look a partition up, and how evenly it spreads and how little a join moves.
 * Run with `npx tsx bench/micro/ring.ts`.
 */
import type { RingConfiguration } from '../../src/ring/configuration.ts'
import { hashKey, partitionOf } from '../../src/ring/key-hash.ts'
import { place } from '../../src/ring/placement.ts'
import { rangesGained, Ring } from '../../src/ring/ring.ts'

function configurationOf(members: number, partitions: number): RingConfiguration {
  const ids = Array.from({ length: members }, (_, i) => `node-${String(i).padStart(5, '0')}`)
  return {
    cluster: '0'.repeat(32),
    epoch: 1,
    partitions,
    n: 3,
    members: ids.map((id, i) => ({
      id,
      store: String(i).padStart(32, '0'),
      zone: '',
      weight: 1,
      stage: 'normal',
    })),
    departed: [],
    moves: 0,
  }
}

/** The median of several runs, in milliseconds. */
function medianMs(runs: number, run: () => void): number {
  const times = Array.from({ length: runs }, () => {
    const start = performance.now()
    run()
    return performance.now() - start
  })
  return times.toSorted((a, b) => a - b)[runs >> 1]!
}

function nanoseconds(count: number, run: (i: number) => number): string {
  let sink = 0
  for (let i = 0; i < count; i++) sink += run(i)
  const ms = medianMs(5, () => {
    for (let i = 0; i < count; i++) sink += run(i)
  })
  if (sink === 0.5) console.log(sink)
  return `${((ms / count) * 1e6).toFixed(1)} ns`
}

for (const [members, partitions] of [
  [3, 1024],
  [64, 1024],
  [64, 65_536],
  [1000, 65_536],
] as const) {
  const configuration = configurationOf(members, partitions)
  const placeMs = medianMs(7, () => place(configuration))
  const buildMs = medianMs(7, () => new Ring(configuration))
  console.log(
    `${members} members, ${partitions} partitions:`,
    `placed in ${placeMs.toFixed(1)} ms, ring built in ${buildMs.toFixed(1)} ms`,
  )
}

const ring = new Ring(configurationOf(64, 1024))
const mask = ring.partitions - 1
const key = new TextEncoder().encode('a bucket/a key of 24 byt')
for (let partition = 0; partition < ring.partitions; partition++) ring.preferenceList(partition)
console.log(
  'key to partition: ',
  nanoseconds(1e6, () => partitionOf(hashKey(key), 1024)),
)
console.log(
  'owners:           ',
  nanoseconds(1e7, (i) => ring.owners(i & mask).length),
)
console.log(
  'preference list:  ',
  nanoseconds(1e7, (i) => ring.preferenceList(i & mask).length),
)
console.log(
  'owns partition:   ',
  nanoseconds(1e7, (i) => (ring.ownsPartition('node-00007', i & mask) ? 1 : 0)),
)

for (const members of [3, 4, 5, 8, 16, 24, 32]) {
  const before = new Ring(configurationOf(members, 1024))
  const after = new Ring(configurationOf(members + 1, 1024))
  const moved = rangesGained(before, after).reduce((sum, range) => sum + range.gained.length, 0)
  const least = (after.partitions * after.n) / (members + 1)
  console.log(
    `${members} members: balance ${before.balance().toFixed(3)},`,
    `the next join moves ${(moved / least).toFixed(2)} times the least possible`,
  )
}
