/**
 * A process of the yardstick of layouts with LMDB: the package `lmdb` with nothing around it. What concerns durability
 * is set as the library's storage sets it (`src/adapters/lmdb-database.ts`). Commits are grouped by the package, which
 * does that by itself unless it is told otherwise. A record is the value alone, under the key alone.
 */
import { once } from 'node:events'
import { open, type RootDatabase } from 'lmdb'
import { filePermissions } from '../src/adapters/lmdb-database.ts'
import { mapBytes } from '../src/adapters/lmdb-preflight.ts'
import type { Case, Figures } from './cases.ts'
import { cpuUs } from './cluster.ts'
import { toldOf, type ToldError } from './disturbed.ts'
import { Histogram } from './histogram.ts'
import type { Layout } from './layouts.ts'
import { exitWithParent } from './parent.ts'
import { preload } from './preload.ts'
import {
  makeLoad,
  quantilesOf,
  warmUpOf,
  warmUpSecondsMax,
  type Load,
  type Measured,
} from './workload.ts'

/** What the process is told. */
export interface RawOrders {
  readonly what: Case
  readonly durability: NonNullable<Layout['durability']>
  readonly seconds: number
  /** The database: a file that is not there. */
  readonly file: string
}

/** What the process answers, after `ready` and once it is told to go. */
export type RawAnswer = { readonly figures: Figures } | ToldError

type Database = RootDatabase<Uint8Array, string>

/** Bytes as they are. The package takes a `RangeError` for "does not fit, try the next buffer". */
const keyBytes = {
  writeKey(key: string, target: Buffer, start: number): number {
    if (start + key.length > target.length) throw new RangeError('the key does not fit')
    return start + target.write(key, start, 'latin1')
  },
  readKey: (source: Buffer, start: number, end: number): string =>
    source.toString('latin1', start, end),
}

function openDatabase({ file, durability }: RawOrders): Database {
  const mapSize = mapBytes()
  return open<Uint8Array, string>({
    path: file,
    noSubdir: true,
    maxDbs: 1,
    ...(mapSize !== undefined && { mapSize }),
    encoding: 'binary',
    keyEncoder: keyBytes,
    cache: false,
    useVersions: false,
    overlappingSync: false,
    noSync: durability === 'os',
    ...filePermissions,
  })
}

/** A get is answered at once and is not awaited; a put is, until it is as durable as it will be. */
async function runLoops(
  database: Database,
  { keys, tape, value }: Load,
  { inFlight, seconds }: { readonly inFlight: number; readonly seconds: number },
): Promise<Measured> {
  const latenciesUs = new Histogram()
  const lastIndex = tape.length - 1
  const startMs = performance.now()
  const endMs = startMs + seconds * 1000
  let at = tape.length / 2
  const loop = async (): Promise<void> => {
    for (let endedMs = 0; endedMs < endMs;) {
      at = (at + 1) & lastIndex
      const entry = tape[at]!
      const beganMs = performance.now()
      if (entry < 0) await database.put(keys[~entry]!, value)
      else if (database.getBinary(keys[entry]!) === undefined)
        throw new Error(`${keys[entry]} was lost`)
      endedMs = performance.now()
      latenciesUs.record((endedMs - beganMs) * 1000)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, loop))
  const operations = latenciesUs.count
  const opsPerSecond = (operations / (performance.now() - startMs)) * 1000
  return { operations, opsPerSecond, ...quantilesOf(latenciesUs) }
}

async function measure(orders: RawOrders): Promise<Figures> {
  const { what, seconds } = orders
  const { inFlight } = what
  const database = openDatabase(orders)
  const load = makeLoad(what)
  await preload(load, (key) => database.put(key, load.value))
  const told = once(process, 'message')
  process.send?.('ready')
  await told
  const warmUpSeconds = Math.min(warmUpSecondsMax, seconds)
  await runLoops(database, warmUpOf(load), { inFlight, seconds: warmUpSeconds })
  const before = cpuUs()
  const { operations, ...figures } = await runLoops(database, load, { inFlight, seconds })
  const clientCpuUs = (cpuUs() - before) / Math.max(1, operations)
  await database.close()
  return { ...figures, clientCpuUs, replicaCpuUs: 0 }
}

async function answer(orders: RawOrders): Promise<RawAnswer> {
  try {
    return { figures: await measure(orders) }
  } catch (error) {
    return toldOf(error)
  }
}

// Either it has answered, or nobody waits for its answer any more.
exitWithParent()
process.send?.(await answer(JSON.parse(process.argv[2] ?? '{}') as RawOrders))
