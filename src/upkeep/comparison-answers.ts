/** Answers the owners that compare their partitions with this node's. */
import { ProtocolError } from '../base/errors.ts'
import type { Timer } from '../ports/clock.ts'
import { isSameDigest, leavesMax } from '../merkle/hash-tree.ts'
import type { PartitionTrees } from '../replica/partition-trees.ts'
import type { ReplicaStore } from '../replica/replica-store.ts'
import type { Ring } from '../ring/ring.ts'
import type { Channel } from '../rpc/channel.ts'
import { bringRecord, type BringOptions } from './bring-record.ts'
import {
  differsCall,
  digestIn,
  keysCall,
  leavesCall,
  packPage,
  refusal,
  rootsCall,
  whole,
  wholes,
  type Difference,
} from './comparison-calls.ts'

/** What the answers need of the node. */
export interface ComparisonAnswersOptions extends BringOptions {
  readonly selfId: string
  readonly trees: PartitionTrees
  readonly store: ReplicaStore
  ring(): Ring | undefined
  data(id: string): Channel
  /** Whether this node is still being filled: then it lacks things for a reason. */
  isRecovering(): boolean
}

/** Most partitions whose roots are asked for at once. */
const rootsMax = 64
const pageRecordsMax = 256
const keyBytesMax = 1280
/** How long an asker is kept waiting: what is not read by then is told the next time. */
const patienceMs = 2_000

/** What this node tells others of its partitions. */
export class ComparisonAnswers {
  readonly #options: ComparisonAnswersOptions

  constructor(options: ComparisonAnswersOptions) {
    this.#options = options
  }

  /** @throws {ProtocolError} by rejection, for what no owner asks. */
  async answer(from: string, tuple: readonly unknown[]): Promise<readonly unknown[]> {
    const [name, epoch, asked] = tuple
    const ring = this.#options.ring()
    if (ring === undefined || epoch !== ring.epoch || this.#options.isRecovering()) return refusal()
    if (name === rootsCall) return this.#roots(ring, from, asked)
    const partition = whole(asked)
    if (partition < 0 || partition >= ring.partitions) throw malformed()
    if (!this.#isShared(ring, from, partition)) return refusal()
    if (name === leavesCall) {
      const fold = foldIn(tuple[3])
      return [true, (await this.#options.trees.tree(partition)).tree.leaves(fold)]
    }
    if (name === keysCall) return this.#keys(partition, tuple)
    if (name === differsCall) return this.#differs(ring, from, { partition, tuple })
    throw malformed()
  }

  #isShared(ring: Ring, from: string, partition: number): boolean {
    const owners = ring.owners(partition)
    return owners.includes(from) && owners.includes(this.#options.selfId)
  }

  async #roots(ring: Ring, from: string, asked: unknown): Promise<readonly unknown[]> {
    const { trees, clock } = this.#options
    const partitions = wholes(asked, { count: rootsMax, below: ring.partitions })
    if (partitions === undefined) throw malformed()
    if (!partitions.every((partition) => this.#isShared(ring, from, partition))) return refusal()
    let timer: Timer | undefined
    const patience = new Promise<undefined>((resolve) => {
      timer = clock.after(patienceMs, () => resolve(undefined))
    })
    const roots: (Uint8Array | null)[] = []
    for (const partition of partitions) {
      const built = await Promise.race([patience, trees.tree(partition)])
      roots.push(built?.tree.root() ?? null)
    }
    timer?.cancel()
    return [true, roots]
  }

  async #keys(partition: number, tuple: readonly unknown[]): Promise<readonly unknown[]> {
    const [, , , folded, asked, from] = tuple
    const fold = foldIn(folded)
    const leaves = wholes(asked, { count: fold, below: fold })
    const after = from ?? undefined
    if (leaves === undefined || (after !== undefined && typeof after !== 'string'))
      throw malformed()
    const span = { after, upTo: undefined, fold, leaves: new Set(leaves) }
    const limits = { records: pageRecordsMax, ms: patienceMs }
    return packPage(await this.#options.trees.list(partition, span, limits))
  }

  /** Looks at the record as it is now, and brings it to the asker if that one has another. */
  async #differs(
    ring: Ring,
    to: string,
    { partition, tuple }: { partition: number; tuple: readonly unknown[] },
  ): Promise<readonly unknown[]> {
    const [, , , key, theirs, listed] = tuple
    if (typeof key !== 'string' || key.length === 0 || key.length > keyBytesMax) throw malformed()
    const { store, trees } = this.#options
    const stored = await store.read(partition, key)
    if (!(stored instanceof Uint8Array)) return answerOf('lacking')
    const digest = trees.digest(key, stored)
    const [asker, before] = [digestIn(theirs), digestIn(listed)]
    if (asker !== undefined && isSameDigest(asker, digest)) return answerOf('same', digest)
    if (before !== undefined && !isSameDigest(before, digest)) return answerOf('moving')
    const record = { partition, key, stored, epoch: ring.epoch }
    const isBrought = await bringRecord(this.#options, this.#options.data(to), record)
    return isBrought ? answerOf('brought', digest) : answerOf('failed')
  }
}

/** How many leaves the asker wants to be told, each the sum of some. */
function foldIn(value: unknown): number {
  const fold = whole(value)
  if (fold < 1 || fold > leavesMax || (fold & (fold - 1)) !== 0) throw malformed()
  return fold
}

function answerOf(what: Difference, digest?: Uint8Array): readonly unknown[] {
  return [true, what, digest ?? null]
}

function malformed(): ProtocolError {
  return new ProtocolError('a malformed comparison')
}
