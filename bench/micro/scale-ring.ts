/** What it costs to build a ring, by the number of members and of partitions. */
import type { RingConfiguration } from '../../src/ring/configuration.ts'
import { Ring } from '../../src/ring/ring.ts'
import { median } from '../cases.ts'
import { growth, hexOf, printTable, shownMs, whole, type Row } from './scale-table.ts'

/** A cluster of nodes without zones, N = 3. @param names what the members' ids are made of. */
export function configurationOf(
  size: { readonly members: number; readonly partitions: number },
  names = 'node',
): RingConfiguration {
  const ids = Array.from({ length: size.members }, (_, i) => hexOf(`${names}-${i}`, 32))
  return {
    cluster: hexOf('cluster', 32),
    epoch: 2 * size.members,
    partitions: size.partitions,
    n: 3,
    members: ids.toSorted().map((id) => ({
      id,
      store: hexOf(`store of ${id}`, 32),
      zone: '',
      weight: 1,
      stage: 'normal',
    })),
    departed: [],
    moves: 0,
  }
}

/** Milliseconds that the work takes. */
export function timeMs(work: () => unknown): number {
  const startMs = performance.now()
  work()
  return performance.now() - startMs
}

const runs = 5
/** Preference lists that are made to know what one costs. */
const lists = 256

interface Figures {
  readonly coldMs: number
  readonly warmMs: number
  readonly listUs: number
  readonly ring: Ring
}

let drawn = 0

/** Cold: members whose tokens were never hashed in this process. The code is warm in both. */
function measure(members: number, partitions: number): Figures {
  const cold = Array.from({ length: runs }, () => {
    const fresh = configurationOf({ members, partitions }, `fresh-${drawn++}`)
    return timeMs(() => new Ring(fresh))
  })
  const configuration = configurationOf({ members, partitions })
  const ring = new Ring(configuration)
  const warm = Array.from({ length: runs }, () => timeMs(() => new Ring(configuration)))
  const listMs = Array.from({ length: Math.min(lists, partitions) }, (_, partition) =>
    timeMs(() => ring.preferenceList(partition)),
  )
  return { coldMs: median(cold), warmMs: median(warm), listUs: median(listMs) * 1000, ring }
}

const columns: Row = [
  'members',
  'Q',
  'cold ms',
  'growth',
  'warm ms',
  'growth',
  'partitions of a member',
  'hottest',
  'average ÷ hottest',
  'first preference list µs',
]

function rowOf(figures: Figures, before: Figures | undefined): Row {
  const { coldMs, warmMs, listUs, ring } = figures
  const average = (ring.partitions * ring.n) / ring.members.length
  const hottest = Math.max(...ring.memberIds.map((id) => ring.ownedCount(id)))
  return [
    whole(ring.members.length),
    whole(ring.partitions),
    shownMs(coldMs),
    growth(coldMs, before?.coldMs),
    shownMs(warmMs),
    growth(warmMs, before?.warmMs),
    average.toFixed(1),
    whole(hottest),
    ring.balance().toFixed(3),
    listUs.toFixed(1),
  ]
}

function table(title: string, sizes: readonly (readonly [number, number])[]): void {
  const rows: Row[] = []
  let before: Figures | undefined
  for (const [members, partitions] of sizes) {
    const figures = measure(members, partitions)
    rows.push(rowOf(figures, before))
    before = figures
  }
  printTable(title, columns, rows)
}

/** Prints the tables: over members with the fewest partitions, and over partitions for large clusters. */
export function measureRings(members: readonly number[], partitions: readonly number[]): void {
  const first = partitions[0]!
  for (let i = 0; i < 20; i++) void new Ring(configurationOf({ members: 30, partitions: 1024 }))
  table(
    `Building the ring, Q = ${first}, N = 3 (medians of ${runs})`,
    members.map((count) => [count, first]),
  )
  if (partitions.length === 1) return
  for (const count of members.filter((each) => each === 100 || each === 1000)) {
    table(
      `Building the ring of ${count} members`,
      partitions.map((each) => [count, each]),
    )
  }
}
