/**
 * The `Storage` port of one simulated process, on the disk of its machine.
 *
 * `memory`: a write is done at once, and closing or a crash takes all. `fsync`: writes become
 * durable in group commits that take seeded times, in order, as those of a log or of LMDB do; and
 * now and then a read has to wait for the disk, so that code which takes every read for immediate
 * is found out.
 *
 * `memory` also lends regions (`locate`), and spoils those that are lent for `now` as soon as it is called again, and
 * those that are kept as soon as they are released: code that looks at them for longer is found out too.
 */

import { ClosedError, StorageError } from '../base/errors.ts'
import type {
  LentRegion,
  RegionUse,
  Storage,
  StorageEntry,
  StorageWrite,
} from '../ports/storage.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { SimDisk } from './sim-disk.ts'
import type { SimProcess } from './sim-process.ts'
import type { Trace } from './trace.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** A sync takes between these times, in milliseconds, before `SimDisk.slowness`. */
const SYNC_MIN_MS = 0.5
const SYNC_MAX_MS = 4

/**
 * How many reads of a durable storage are not answered at once, and up to how long they take then.
 */
const SLOW_READ_PROBABILITY = 0.05
const SLOW_READ_MAX_MS = 0.5

/** What a storage is made of. */
export interface SimStorageOptions {
  readonly disk: SimDisk
  readonly process: SimProcess
  readonly clock: VirtualClock
  readonly random: SeededRandom
  readonly trace: Trace
  readonly durability: 'memory' | 'fsync'
}

interface Waiting {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** The storage of one process; the next process on the machine has another one on the same disk. */
export class SimStorage implements Storage {
  readonly durability: 'memory' | 'fsync'
  readonly #disk: SimDisk
  readonly #process: SimProcess
  readonly #clock: VirtualClock
  readonly #random: SeededRandom
  readonly #trace: Trace
  #state: 'new' | 'open' | 'failed' | 'closed' = 'new'
  /** Writers whose batches are not durable, oldest first. */
  #waiting: Waiting[] = []
  /** Writers whose batches the disk is done with, but whose process has not heard of it: it is paused. */
  #untold: Waiting[] = []
  #isSyncing = false
  #closing: Promise<void> | undefined
  /** What was lent for `now`. */
  #lent: Uint8Array | undefined

  constructor(options: SimStorageOptions) {
    this.durability = options.durability
    this.#disk = options.disk
    this.#process = options.process
    this.#clock = options.clock
    this.#random = options.random
    this.#trace = options.trace
  }

  open(): Promise<void> {
    if (this.#isGone) return Promise.reject(gone(this.#process))
    if (!this.#disk.acquire()) {
      return Promise.reject(new StorageError(`the disk of ${this.#process.name} is in use`))
    }
    this.#state = 'open'
    return Promise.resolve()
  }

  get(partition: number, key: string): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    this.#requireOpen()
    this.#disk.beforeRead()
    return this.#answer(this.#disk.get(partition, key))
  }

  locate(partition: number, key: string, into: LentRegion, use: RegionUse): boolean {
    this.#requireOpen()
    this.#disk.beforeRead()
    const value = this.#disk.get(partition, key)
    if (value !== undefined) this.#lend(value, into, use)
    return value !== undefined
  }

  store(partition: number, key: string, value: LentRegion, use: RegionUse): void {
    const copy = Buffer.from(value.bytes.subarray(value.start, value.end))
    void this.write([{ partition, key, value: copy }])
    this.#lend(copy, value, use)
  }

  #lend(value: Uint8Array, into: LentRegion, use: RegionUse): void {
    const bytes = Buffer.from(value)
    if (use === 'now') this.#lent = bytes
    into.hold = use === 'kept' ? { release: () => bytes.fill(0xff) } : undefined
    into.bytes = bytes
    into.start = 0
    into.end = bytes.length
  }

  scan(
    partition: number,
    options: { after?: string; limit: number },
  ): readonly StorageEntry[] | Promise<readonly StorageEntry[]> {
    this.#requireOpen()
    this.#disk.beforeRead()
    return this.#answer(this.#disk.scan(partition, options))
  }

  write(batch: readonly StorageWrite[]): void | Promise<void> {
    this.#requireOpen()
    if (this.#state === 'failed') throw new StorageError('the storage failed and must be reopened')
    this.#disk.write(batch)
    if (this.durability === 'memory') {
      this.#disk.sync(1)
      return undefined
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#startSync()
    })
  }

  async close(): Promise<void> {
    if (this.#isGone) return undefined
    if (this.#state === 'new' || this.#state === 'closed') return this.#closing
    this.#state = 'closed'
    this.#closing = this.#settled().then(() => this.#release())
    return this.#closing
  }

  /**
   * The process is gone: whatever its code still waits for is refused, and so is all that it asks
   * for. Its code may go on to run, but nothing of it reaches the disk.
   */
  abandon(): void {
    const waiting = [...this.#untold, ...this.#waiting]
    this.#untold = []
    this.#waiting = []
    for (const { reject } of waiting) reject(gone(this.#process))
  }

  get #isGone(): boolean {
    return !this.#process.isAlive
  }

  /** Resolves when nothing waits for a sync any more, be it because that failed. */
  #settled(): Promise<void> {
    if (this.#waiting.length === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting.push({ resolve, reject: () => resolve() })
    })
  }

  #release(): void {
    if (this.durability === 'memory') this.#disk.clear()
    this.#disk.release()
  }

  #requireOpen(): void {
    this.#lent?.fill(0xff)
    this.#lent = undefined
    if (this.#isGone) throw gone(this.#process)
    if (this.#state === 'new' || this.#state === 'closed') {
      throw new ClosedError('the storage is not open')
    }
  }

  /** What was read, now or after a while. */
  #answer<T>(value: T): T | Promise<T> {
    if (this.durability === 'memory') return value
    const { slowness } = this.#disk
    if (slowness <= 1 && !this.#random.chance(SLOW_READ_PROBABILITY)) return value
    const delayMs = slowness * SLOW_READ_MAX_MS * this.#random.float()
    return new Promise((resolve) => {
      this.#process.after(delayMs, () => resolve(value))
    })
  }

  /** Makes all that waits durable together; what is written meanwhile is the next group. */
  #startSync(): void {
    if (this.#isSyncing) return
    this.#isSyncing = true
    const spreadMs = (SYNC_MAX_MS - SYNC_MIN_MS) * this.#random.float()
    const group = this.#waiting.length
    // The disk goes on while the process is paused: only the answer is held back.
    this.#clock.after(this.#disk.syncMs(SYNC_MIN_MS + spreadMs), () => {
      if (this.#isGone) return
      this.#isSyncing = false
      this.#trace.note(this.#process.name, 'sync', `${group}`)
      this.#finishSync(group)
    })
  }

  #finishSync(group: number): void {
    try {
      this.#disk.sync(group)
    } catch (error) {
      this.#fail(error instanceof Error ? error : new StorageError('the disk failed to sync'))
      return
    }
    this.#tell(this.#waiting.splice(0, group), ({ resolve }) => resolve())
    if (this.#waiting.length > 0) this.#startSync()
  }

  /**
   * A failed sync has lost what was not durable, so nothing may build on it: no write until the
   * storage is reopened.
   */
  #fail(error: Error): void {
    if (this.#state === 'open') this.#state = 'failed'
    this.#tell(this.#waiting.splice(0), ({ reject }) => reject(error))
  }

  /** Hands the outcome to the process: now, or when it goes on. */
  #tell(writers: readonly Waiting[], tell: (writer: Waiting) => void): void {
    this.#untold.push(...writers)
    this.#process.hand(() => this.#untold.splice(0, writers.length).forEach(tell))
  }
}

function gone(process: SimProcess): StorageError {
  return new StorageError(`the process of ${process.name} is gone`)
}
