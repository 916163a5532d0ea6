/** What comparisons look at, without a cluster: a storage with records, and their trees. */
import { memoryStorage } from '../../src/adapters/memory-storage.ts'
import type { Storage } from '../../src/ports/storage.ts'
import { PartitionTrees } from '../../src/replica/partition-trees.ts'
import { ReplicaStore } from '../../src/replica/replica-store.ts'
import { Revisions } from '../../src/replica/revisions.ts'
import { DotSource } from '../../src/versions/dot-source.ts'
import { HandClock } from '../rpc/kit.ts'

export interface Shelf {
  readonly clock: HandClock
  readonly storage: Storage
  readonly revisions: Revisions
  readonly store: ReplicaStore
  readonly trees: PartitionTrees
  readonly put: (key: string, value: string) => void
  /** Waits for a promise while time passes. */
  readonly pass: <T>(work: T | Promise<T>) => Promise<T>
}

export const trustedMs = 60_000

export async function shelf(): Promise<Shelf> {
  const clock = new HandClock()
  const storage = memoryStorage()
  await storage.open()
  const revisions = new Revisions()
  const writeFailed = (): void => revisions.allChanged()
  const store = new ReplicaStore({ storage, revisions, writeFailed })
  const trees = new PartitionTrees({ storage, clock, revisions, trustedMs })
  trees.configure({ partitions: 1, key: 7 })
  const dots = new DotSource('incarnation.')
  const put = (key: string, value: string): void => {
    const write = {
      kind: 'siblings',
      value: Buffer.from(value),
      tombstone: false,
      expiresAtMs: 0,
      replaces: 'all',
      dots,
      siblingsMax: 9,
      stampAbove: undefined,
    } as const
    void store.write(0, key, write)
  }
  const pass = async <T>(work: T | Promise<T>): Promise<T> => {
    let isOver = false
    const over = Promise.resolve(work).finally(() => (isOver = true))
    over.catch(() => undefined)
    for (let i = 0; i < 100_000 && !isOver; i++) {
      await new Promise<void>((resolve) => queueMicrotask(resolve))
      if (i % 20 === 19) clock.pass(1)
    }
    return over
  }
  return { clock, storage, revisions, store, trees, put, pass }
}
