/**
 * A node that joined with an empty storage cannot tell "there is no such key" from "I do not have it yet". Until the
 * members from which its partitions came have handed everything over, its word that a key is absent counts for no
 * quorum (HAZARDS D4). It asks them, so that nothing depends on what they remember over a restart.
 */
import type { Clock, Timer } from '../ports/clock.ts'
import type { Books } from '../replica/books.ts'
import type { Channel } from '../rpc/channel.ts'
import { isFailure, request } from '../rpc/request.ts'

/** Asks a member whether it still has something to hand over. */
export const owesCall = 'owes'

const intervalMs = 200
const timeoutMs = 2_000

/** What filling needs of the node. */
export interface FillingOptions {
  readonly books: Books
  readonly clock: Clock
  control(id: string): Channel
  /** Whether the member may still hand something over: it is not known to be dead. */
  isReachable(id: string): boolean
  failed(error: Error): void
}

/** Knows whose data this node still waits for. */
export class Filling {
  readonly #options: FillingOptions
  readonly #awaited: Set<string> = new Set()
  #epoch = 0
  #timer: Timer | undefined
  #isClosed = false
  /** Nobody counts on a node that does not know yet whether it lacks something. */
  #isDone = false
  /** Whether any member has said that it owes nothing. */
  #wasHeard = false
  #whenDone: (() => void)[] = []

  constructor(options: FillingOptions) {
    this.#options = options
  }

  /** Whether this node may lack data that others have. */
  get isUnderWay(): boolean {
    return !this.#isDone
  }

  /**
   * This node is about to ask to be let in. Durable, because others may let it in, and ask it for data, before it
   * hears of it, and also when it dies before it hears of it.
   */
  async expect(): Promise<void> {
    await this.#options.books.keep('filling', [1])
  }

  /** This node founds its cluster: there is nobody who has something for it. */
  async skip(): Promise<void> {
    await this.#finish()
  }

  /** Goes on where an earlier run was interrupted, if it was. @param epoch the one in force now */
  async resume(epoch: number, others: readonly string[]): Promise<void> {
    const [kept] = (await this.#options.books.read('filling')) ?? []
    this.#isDone = typeof kept !== 'number' || kept === 0
    if (!this.#isDone) this.#begin(epoch, others)
  }

  /** This node has just become a member in the given epoch. */
  async begin(epoch: number, others: readonly string[]): Promise<void> {
    await this.#options.books.keep('filling', [epoch])
    this.#begin(epoch, others)
  }

  /** Resolves when everything was handed over, or after `limitMs`. */
  async settled(limitMs: number): Promise<void> {
    if (this.#isDone) return
    await new Promise<void>((resolve) => {
      const limit = this.#options.clock.after(limitMs, resolve)
      this.#whenDone.push(() => {
        limit.cancel()
        resolve()
      })
    })
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#release()
  }

  #begin(epoch: number, others: readonly string[]): void {
    this.#epoch = epoch
    this.#isDone = others.length === 0
    this.#wasHeard = false
    if (this.#isDone) return
    for (const id of others) this.#awaited.add(id)
    this.#round().catch((error: unknown) => this.#options.failed(error as Error))
  }

  /** Asks all that are awaited, and again after a while those that still owe something. */
  async #round(): Promise<void> {
    const asked = [...this.#awaited].filter((id) => this.#options.isReachable(id))
    const debtless = await Promise.all(asked.map((id) => this.#isQuit(id)))
    asked.forEach((id, i) => {
      if (debtless[i] === true) this.#awaited.delete(id)
    })
    if (this.#isClosed) return
    // The dead cannot hand anything over; but a node that reaches nobody cannot vouch for what it lacks.
    this.#wasHeard ||= debtless.includes(true)
    const isWaiting = [...this.#awaited].some((id) => this.#options.isReachable(id))
    if (!isWaiting && this.#wasHeard) return this.#finish()
    this.#timer = this.#options.clock.after(intervalMs, () => {
      this.#round().catch((error: unknown) => this.#options.failed(error as Error))
    })
  }

  async #isQuit(id: string): Promise<boolean> {
    const wait = { clock: this.#options.clock, timeoutMs, epoch: this.#epoch }
    const outcome = await request(this.#options.control(id), [owesCall, this.#epoch], wait)
    return !isFailure(outcome) && outcome[0] === false
  }

  async #finish(): Promise<void> {
    this.#isDone = true
    this.#release()
    await this.#options.books.keep('filling', [0])
  }

  #release(): void {
    for (const resolve of this.#whenDone) resolve()
    this.#whenDone = []
  }
}
