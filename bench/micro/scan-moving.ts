/**
 * A scan during which one node joins and another one leaves: `node --expose-gc --import tsx bench/micro/scan-moving.ts
 * [keys, 1000000]`. Each node has a process of its own, N = 3, values of 100 B in memory. The one that scans owns next
 * to nothing, so that what its process takes more than before is the scan's: in all (peak, garbage included), and what
 * of it lives (looked at sixteen times). The join begins after a quarter of the keys and the leave after a half; the
 * scan goes on meanwhile, and waits at the half and at three quarters for the change to end that it met. It fails
 * unless each key came exactly once.
 */
import type { Bucket, CoterieNode } from '../../src/index.ts'
import { ensureBuilt, loadLibrary } from '../library.ts'
import { found, until, type Founded, type Member } from '../members.ts'
import { root } from '../options.ts'
import { preload } from '../preload.ts'

const count = Number(process.argv[2] ?? 1_000_000)
const looks = 16
const mib = 2 ** 20
const dist = `${root}dist`
/** The least that there is. */
const weight = 1 / 128

function keyOf(index: number): string {
  return `key-${String(index).padStart(9, '0')}`
}

async function fill(bucket: Bucket<Uint8Array>): Promise<void> {
  const value = new Uint8Array(100).fill(7)
  const keys = Array.from({ length: count }, (_, i) => keyOf(i))
  await preload({ keys, value }, (key) => bucket.put(key, value))
}

function bytesInUse(): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** How many members own something, when no owners change. */
function sizeOf(node: CoterieNode): number {
  const { moving, owned } = node.ring()
  return moving === 0 ? Object.keys(owned).length : 0
}

/** Notes each key, and fails for one that comes twice. */
class Seen {
  readonly #isSeen = new Uint8Array(count)
  total = 0

  note(key: string): void {
    const index = Number(key.slice(4))
    if (key !== keyOf(index) || this.#isSeen[index] !== 0)
      throw new Error(`${key} came twice, or is none of the keys`)
    this.#isSeen[index] = 1
    this.total += 1
  }

  assertAll(): void {
    const missing = this.#isSeen.indexOf(0)
    if (missing >= 0) throw new Error(`${keyOf(missing)} did not come`)
  }
}

/** Has the ring change in the course of the scan. */
class Changes {
  readonly #founded: Founded
  readonly #leaver: Member
  #change: Promise<unknown> = Promise.resolve()
  newcomer: Member | undefined

  constructor(founded: Founded, leaver: Member) {
    this.#founded = founded
    this.#leaver = leaver
  }

  async passed(keys: number): Promise<void> {
    const { node, start } = this.#founded
    if (keys === Math.floor(count / 4)) {
      this.#change = start('newcomer').then((newcomer) => (this.newcomer = newcomer))
      await until('the join has begun', () => node.ring().moving > 0)
    } else if (keys === Math.floor(count / 2)) {
      await this.#change
      await until('the join has ended', () => sizeOf(node) === 5)
      this.#change = this.#leaver.leave()
      await until('the leave has begun', () => node.ring().moving > 0)
    } else if (keys === Math.floor((3 * count) / 4)) {
      await this.#change
      await until('the leave has ended', () => sizeOf(node) === 4)
    }
  }
}

/** What a scan costs. */
async function measure(bucket: Bucket<Uint8Array>, passed: (keys: number) => Promise<void>) {
  const seen = new Seen()
  globalThis.gc?.()
  const before = bytesInUse()
  let peak = before
  let live = before
  const beganMs = performance.now()
  for await (const key of bucket.keys()) {
    seen.note(key)
    await passed(seen.total)
    if (seen.total % 1000 === 0) peak = Math.max(peak, bytesInUse())
    if (seen.total % Math.ceil(count / looks) !== 0) continue
    globalThis.gc?.()
    live = Math.max(live, bytesInUse())
  }
  seen.assertAll()
  return {
    keys: seen.total,
    seconds: Number(((performance.now() - beganMs) / 1000).toFixed(1)),
    peakMiB: Math.round((peak - before) / mib),
    liveMiB: Math.round((live - before) / mib),
  }
}

ensureBuilt(dist)
const library = await loadLibrary(dist)
const options = { replication: { n: 3, r: 2, w: 2 } }
const founded = await found(library, { dist, options, weight })
const { node } = founded
const members = [await founded.start('n2'), await founded.start('n3'), await founded.start('n4')]
await until('the cluster stands', () => sizeOf(node) === 4)
const bucket = node.bucket<Uint8Array>('b', { codec: library.bytesCodec() })
await fill(bucket)
console.log(
  `${count} keys; of ${node.ring().partitions} partitions the node that scans owns`,
  node.ring().owned['n1'],
)
console.log('quiet          ', JSON.stringify(await measure(bucket, () => Promise.resolve())))
const [leaver, ...stayers] = members
const changes = new Changes(founded, leaver!)
console.log(
  'join and leave ',
  JSON.stringify(await measure(bucket, (keys) => changes.passed(keys))),
)
for (const member of [...stayers, changes.newcomer!]) await member.close()
await node.close()
