/** Reads every acknowledged record through every node that is left, and compares it with what was written. */
import { isDeepStrictEqual } from 'node:util'
import type { Entry } from './ledger.ts'
import type { Member } from './member.ts'
import type { Scene } from './scene.ts'

const keysAtOnce = 50
const batchesAtOnce = 4
/** So many faults are shown in full. */
const faultsShownMax = 5

export async function readBack(scene: Scene, entries: readonly Entry[]): Promise<ReadBackResult> {
  const batches: Entry[][] = []
  for (let start = 0; start < entries.length; start += keysAtOnce) {
    batches.push(entries.slice(start, start + keysAtOnce))
  }
  const faults: string[] = []
  const twins = new Set<string>()
  const readers = scene.fleet.up.map(async (member) => {
    scene.readBack.set(member.id, { read: 0, right: 0 })
    const rest = batches.values()
    const readRest = async (): Promise<void> => {
      for (const batch of rest) await readBatch(scene, member, { batch, faults, twins })
    }
    await Promise.all(Array.from({ length: batchesAtOnce }, readRest))
  })
  await Promise.all(readers)
  for (const fault of faults.slice(0, faultsShownMax)) scene.say(fault, 'bad')
  return { faults: faults.length, twins: twins.size }
}

export interface ReadBackResult {
  /** Reads that did not give what was written. */
  readonly faults: number
  /**
   * Records that stand there twice with the same value: their first attempt got no receipt and was written all the
   * same. Both are what was meant; the next `update` makes them one.
   */
  readonly twins: number
}

interface Batch {
  readonly batch: readonly Entry[]
  readonly faults: string[]
  readonly twins: Set<string>
}

async function readBatch(
  scene: Scene,
  member: Member,
  { batch, faults, twins }: Batch,
): Promise<void> {
  const counts = scene.readBack.get(member.id)
  if (counts === undefined) return
  const answers = await member.ask('read', { keys: batch.map(({ key }) => key) })
  for (const [index, { key, value }] of batch.entries()) {
    const siblings = answers[index] ?? []
    const isRight = siblings.length > 0 && siblings.every((one) => isDeepStrictEqual(one, value))
    counts.read += 1
    if (isRight) counts.right += 1
    else faults.push(faultOf(member.id, key, siblings))
    if (isRight && siblings.length > 1) twins.add(key)
  }
}

function faultOf(id: string, key: string, siblings: readonly unknown[]): string {
  const shown = JSON.stringify(siblings).slice(0, 60)
  return `WRONG: ${JSON.stringify(key)} through ${id} is ${siblings.length === 0 ? 'lost' : shown}`
}
