/**
 * Group commit: all writes of one turn of the event loop, and all that arrive while a transaction is under way,
 * become one transaction and wait for one promise. One write or a thousand, the wait for the disk is the same.
 *
 *     write ──▶ gathering ──end of turn──▶ committing ──committed──▶ in the database
 *                   ▲                          │
 *                   └── one at a time: the next group gathers meanwhile
 */

import type { StorageError } from '../base/errors.ts'
import type { StorageWrite } from '../ports/storage.ts'
import { type PendingValue, WriteBuffer } from './lmdb-write-buffer.ts'

/**
 * How a transaction ended. `no-room`: nothing was written, and it may work again when there is room.
 * `failed`: what the disk holds is unknown, nobody may write on top of it.
 */
export type CommitOutcome =
  | { readonly kind: 'committed' }
  | { readonly kind: 'no-room'; readonly error: StorageError }
  | { readonly kind: 'failed'; readonly error: StorageError }

/** What a group commit needs of its database and of the event loop. */
export interface GroupCommitPorts {
  /** Applies all writes in one transaction, as durable as they will be when it resolves. Never rejects. */
  commit(writes: WriteBuffer): Promise<CommitOutcome>
  /** Calls at the end of this turn of the event loop. */
  atEndOfTurn(callback: () => void): void
}

/**
 * Invariant: at most one commit is under way, and none has started since one failed.
 * Invariant: a write is in `#gathering` or `#committing` until its commit ended, so that reads see it.
 */
export class GroupCommit {
  readonly #ports: GroupCommitPorts
  #gathering: Group | undefined
  #committing: Group | undefined
  #failure: StorageError | undefined
  #idleWaiters: (() => void)[] = []

  constructor(ports: GroupCommitPorts) {
    this.#ports = ports
  }

  /** @throws {StorageError} at once when an earlier commit failed for good, else by rejection. */
  write(batch: readonly StorageWrite[]): Promise<void> {
    if (this.#failure) throw this.#failure
    if (!this.#gathering) {
      this.#gathering = new Group()
      if (!this.#committing) this.#schedule()
    }
    this.#gathering.writes.add(batch)
    return this.#gathering.ended
  }

  /** What the newest write waits for; undefined when nothing is pending. @throws {StorageError} as `write` does. */
  pending(): Promise<void> | undefined {
    if (this.#failure) throw this.#failure
    return (this.#gathering ?? this.#committing)?.ended
  }

  /** What the key is going to be; `undefined` when no write to it is pending. */
  get(partition: number, key: string): PendingValue | undefined {
    const newest = this.#gathering?.writes.get(partition, key)
    return newest === undefined ? this.#committing?.writes.get(partition, key) : newest
  }

  /** All pending writes to a partition, the newest for each key. */
  pendingOf(partition: number): ReadonlyMap<string, PendingValue> | undefined {
    const older = this.#committing?.writes.of(partition)
    const newer = this.#gathering?.writes.of(partition)
    return older && newer ? new Map([...older, ...newer]) : (newer ?? older)
  }

  /** Resolves when every write so far has ended, well or badly. */
  idle(): Promise<void> {
    if (!this.#gathering && !this.#committing) return Promise.resolve()
    return new Promise((resolve) => this.#idleWaiters.push(resolve))
  }

  #schedule(): void {
    this.#ports.atEndOfTurn(() => void this.#commit())
  }

  async #commit(): Promise<void> {
    const group = this.#gathering!
    this.#gathering = undefined
    this.#committing = group
    const outcome = await this.#ports.commit(group.writes)
    this.#committing = undefined
    if (outcome.kind === 'committed') group.resolve()
    else this.#fail(group, outcome)
    if (this.#gathering) this.#schedule()
    else this.#tellIdle()
  }

  /**
   * The group that gathered meanwhile fails too: its writes may rest on what a read saw of the one that failed, and
   * "if a batch is there, so is every batch written before it" would not hold for them.
   */
  #fail(group: Group, outcome: Exclude<CommitOutcome, { kind: 'committed' }>): void {
    if (outcome.kind === 'failed') this.#failure = outcome.error
    const next = this.#gathering
    this.#gathering = undefined
    group.reject(outcome.error)
    next?.reject(outcome.error)
  }

  #tellIdle(): void {
    const waiters = this.#idleWaiters
    this.#idleWaiters = []
    for (const resolve of waiters) resolve()
  }
}

/** The writes of one transaction and the promise that their writers share. */
class Group {
  readonly writes = new WriteBuffer()
  readonly ended: Promise<void>
  resolve!: () => void
  reject!: (error: StorageError) => void

  constructor() {
    this.ended = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }
}
