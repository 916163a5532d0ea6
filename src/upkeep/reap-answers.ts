/**
 * What a member says of tombstones that are to be reaped, and what an owner does about them. A yes means: an owner has
 * that very tombstone, durably; any other member has nothing of the key at all; and there is no hint, no mark and no
 * lack from which something older could come. Whatever is not certain is a no.
 */
import { ProtocolError } from '../base/errors.ts'
import type { Storage } from '../ports/storage.ts'
import type { HintStore } from '../replica/hint-store.ts'
import type { Lack } from '../replica/lack.ts'
import type { ReplicaStore } from '../replica/replica-store.ts'
import { storedHeaderBytes } from '../replica/stored-record.ts'
import type { Ring } from '../ring/ring.ts'
import {
  packVerdicts,
  readQuestion,
  type ReapQuestion,
  type Tombstone,
  type Verdicts,
} from './reap-calls.ts'
import type { Steadiness } from './steadiness.ts'

/** What the answers need of the node. */
export interface ReapAnswersOptions {
  readonly selfId: string
  readonly store: ReplicaStore
  readonly storage: Storage
  readonly hints: HintStore
  readonly steadiness: Steadiness
  /** This node's own grace period: whoever asks with a shorter one is told no. */
  readonly graceMs: number
  ring(): Ring | undefined
  lackOf(partition: number): Lack | undefined
  /** Whether marks of ring changes up to an epoch are still to be made. */
  isBehind(epoch: number): boolean
}

/** Answers those who reap. */
export class ReapAnswers {
  readonly #options: ReapAnswersOptions
  /** Tombstones removed since the start. */
  reapedCount = 0

  constructor(options: ReapAnswersOptions) {
    this.#options = options
  }

  /** Whether this node can tell at all: it ran on without a stop. */
  get canTell(): boolean {
    return this.#options.steadiness.isSteady
  }

  /** Answers `vouch`. @throws {ProtocolError} @throws {StorageError} by rejection */
  async answerVouch(tuple: readonly unknown[]): Promise<readonly unknown[]> {
    return packVerdicts(await this.vouch(this.#question(tuple)))
  }

  /** Answers `reap`. @throws {ProtocolError} @throws {StorageError} by rejection */
  async answerReap(tuple: readonly unknown[]): Promise<readonly unknown[]> {
    return packVerdicts(await this.reap(this.#question(tuple)))
  }

  #question(tuple: readonly unknown[]): ReapQuestion {
    const question = readQuestion(tuple, this.#options.ring()?.partitions ?? 0)
    if (question === undefined) throw new ProtocolError('malformed: a question about tombstones')
    return question
  }

  /** For each tombstone, whether nothing older is left here. @throws {StorageError} by rejection */
  async vouch(question: ReapQuestion): Promise<Verdicts> {
    const { partition, tombstones } = question
    if (!this.#mayTell(question)) return undefined
    const verdicts = await Promise.all(
      tombstones.map((tombstone) => this.#vouchOne(partition, tombstone)),
    )
    // What was removed here is gone for good once everything up to now is durable.
    await this.#options.storage.write([])
    return this.#mayTell(question) ? verdicts : undefined
  }

  #mayTell({ epoch, partition, graceMs }: ReapQuestion): boolean {
    const ring = this.#options.ring()
    return (
      ring?.epoch === epoch &&
      !ring.isMoving &&
      graceMs >= this.#options.graceMs &&
      this.canTell &&
      !this.#options.isBehind(epoch) &&
      this.#options.lackOf(partition) === undefined
    )
  }

  async #vouchOne(partition: number, { key, record }: Tombstone): Promise<boolean> {
    const { store, storage, hints, selfId } = this.#options
    const isOwner = this.#options.ring()?.ownsPartition(selfId, partition) === true
    if (!isOwner) {
      const bytes = await storage.get(partition, key)
      return bytes === undefined && !hints.isHinted(partition, key, '')
    }
    const stored = await store.read(partition, key)
    return isRecordOf(stored, record) && !hints.isHinted(partition, key, '')
  }

  /** Removes those tombstones that are here still, as they were vouched for. @throws {StorageError} by rejection */
  async reap(question: ReapQuestion): Promise<Verdicts> {
    const { partition, tombstones } = question
    const { selfId } = this.#options
    const isOwner = this.#options.ring()?.ownsPartition(selfId, partition) === true
    if (!isOwner || !this.#mayTell(question)) return undefined
    return Promise.all(tombstones.map((tombstone) => this.#reapOne(question, tombstone)))
  }

  async #reapOne(question: ReapQuestion, { key, record }: Tombstone): Promise<boolean> {
    const { store, hints } = this.#options
    const { partition } = question
    const expected = await store.read(partition, key)
    if (!isRecordOf(expected, record)) return false
    let isRemoved = false
    const isDisposable = (): boolean => {
      isRemoved = this.#mayTell(question) && !hints.isHinted(partition, key, '')
      return isRemoved
    }
    await store.ifUnchanged({ partition, key, expected }, () => [], isDisposable)
    if (isRemoved) this.reapedCount += 1
    return isRemoved
  }
}

/** Whether what is stored is that very record. */
function isRecordOf(
  stored: Uint8Array | undefined | 'damaged',
  record: Uint8Array,
): stored is Uint8Array {
  if (!(stored instanceof Uint8Array)) return false
  return Buffer.compare(stored.subarray(storedHeaderBytes), record) === 0
}
