/** A coordinator with a real store, for tests that compare one way of an operation with another. */
import { memoryStorage } from '../../src/adapters/memory-storage.ts'
import { assert } from '../../src/base/assert.ts'
import { ClosedError } from '../../src/base/errors.ts'
import type { LentRegion, RegionUse, Storage } from '../../src/ports/storage.ts'
import { ReplicaStore } from '../../src/replica/replica-store.ts'
import { Revisions } from '../../src/replica/revisions.ts'
import { writtenLocally } from '../../src/replica/stored-record.ts'
import { frameType } from '../../src/rpc/frame.ts'
import { DotSource } from '../../src/versions/dot-source.ts'
import { fakeNode, partition, ringOf, type FakeNode } from './kit.ts'

export const members: readonly string[] = ['a', 'b', 'c', 'd', 'e']
export const ring: ReturnType<typeof ringOf> = ringOf(members)
const [self, ...rest] = ring.owners(partition) as [string, string, string]
/** The owners but the node itself. */
export const others: readonly [string, string] = rest

export type Lane = ReturnType<FakeNode['lane']>

function localWrite(
  value: string,
  dots: DotSource,
  expiresAtMs: number,
): Parameters<typeof writtenLocally>[1] {
  return {
    kind: 'siblings',
    value: Buffer.from(value),
    tombstone: false,
    expiresAtMs,
    replaces: 'all',
    dots,
    siblingsMax: 9,
    stampAbove: undefined,
  }
}

/** What an owner elsewhere holds: a record that is concurrent with the one here. */
export const elsewhere: Uint8Array = writtenLocally(
  undefined,
  localWrite('other', new DotSource('elsewhere...'), 0),
).stored

/** What is stored when a test begins. */
interface FirstRecord {
  readonly storageKey: string
  readonly value: string
  /** 0: never. */
  readonly expiresAtMs: number
}

/** How many regions of a storage are kept. */
export interface Holds {
  kept: number
}

/** Counts what is kept and let go of; what is let go of twice is told at once. */
function countHolds(storage: Storage, holds: Holds): void {
  const counted = (into: LentRegion, use: RegionUse): void => {
    if (use === 'now') return
    const { hold } = into
    holds.kept += 1
    let isHeld = true
    const release = (): void => {
      assert(isHeld, 'a region is let go of once')
      isHeld = false
      holds.kept -= 1
      hold!.release()
    }
    into.hold = { release }
  }
  const { locate, store } = {
    locate: storage.locate!.bind(storage),
    store: storage.store!.bind(storage),
  }
  storage.locate = (partition, key, into, use) => {
    const isThere = locate(partition, key, into, use)
    if (isThere) counted(into, use)
    return isThere
  }
  storage.store = (partition, key, value, use) => {
    store(partition, key, value, use)
    counted(value, use)
  }
}

/** A node with a real store and these records in it. */
export async function nodeWith(
  records: readonly FirstRecord[],
  holds: Holds = { kept: 0 },
): Promise<FakeNode> {
  const fake = fakeNode(self, ring)
  const storage = memoryStorage()
  await storage.open()
  countHolds(storage, holds)
  const revisions = new Revisions()
  const store = new ReplicaStore({ storage, revisions, writeFailed: () => undefined })
  for (const { storageKey, value, expiresAtMs } of records)
    void store.write(partition, storageKey, localWrite(value, fake.node.dots, expiresAtMs))
  Object.assign(fake.store, {
    near: store.near,
    read: store.read.bind(store),
    write: store.write.bind(store),
    writeNow: store.writeNow.bind(store),
    merge: store.merge.bind(store),
  })
  return fake
}

/** What goes wrong with an owner, or on the way to it. */
export const troubles = {
  hangUp: (lane: Lane): void => lane.fail(new ClosedError('gone'), true),
  loseIt: (lane: Lane): void => lane.fail(new ClosedError('gone'), false),
  knowAnotherRing: (lane: Lane): void => lane.answer(frameType.otherEpoch),
  beDeaf: (lane: Lane): void => {
    lane.refusal = new ClosedError('deaf')
  },
} as const
