/** The calls of one operation to its replicas: what is needed to abandon one, or to make one again. */
import { OverloadedError } from '../base/errors.ts'
import type { Channel } from '../rpc/channel.ts'
import type { Frame } from '../rpc/frame-buffer.ts'
import type { CallSink } from '../rpc/pending-calls.ts'

/** A call that an operation shares with others: it alone stops waiting. */
export interface SharedCall {
  abandon(): void
}

/** A call to a replica: its request id, or one that is shared. */
export type ReplicaCall = number | SharedCall

/** How often a replica may answer that it works under another epoch. */
const epochRetriesMax = 3

/** What an operation asked of whom, by the numbers of its tally. */
export class ReplicaCalls {
  /** Born with room for the usual three. */
  readonly #ids: (ReplicaCall | undefined)[] = [undefined, undefined, undefined]
  /** Replicas that were asked a second, and a third time. */
  #repeated = 0
  #repeatedAgain = 0
  #epochRetries: Map<string, number> | undefined
  /** Replicas that were certainly not asked, though not for want of room: the way there was shut. */
  unsentMask = 0
  /** Why a replica failed, of those that did the last one. */
  lastError: Error | undefined

  /** Asks a replica. False when that is not possible now. */
  call(channel: Channel, sink: CallSink, replica: number, frame: Frame): boolean {
    const id = channel.call(sink, replica, frame)
    this.#ids[replica] = id
    if (id !== undefined) this.unsentMask &= ~(1 << replica)
    else this.notSent(replica, channel.lastError)
    return id !== undefined
  }

  /** A call did not leave this node. */
  notSent(replica: number, error: Error): void {
    this.lastError = error
    if (!(error instanceof OverloadedError)) this.unsentMask |= 1 << replica
  }

  /** A replica was asked already. */
  called(replica: number, id: ReplicaCall | undefined): void {
    this.#ids[replica] = id
  }

  /** The replica's answer is not waited for any more. */
  abandon(channel: Channel, replica: number): void {
    const id = this.#ids[replica]
    if (typeof id === 'number') channel.abandon(id)
    else id?.abandon()
  }

  /** The numbers mean other replicas from now on. */
  renumber(): void {
    this.#ids.fill(undefined)
    this.#repeated = 0
    this.#repeatedAgain = 0
    this.unsentMask = 0
  }

  /**
   * Whether a replica whose connection broke is to be asked again: twice, for the channel may have two that the other
   * end has given up; they seem open until they are used.
   */
  mayRepeat(replica: number): boolean {
    const bit = 1 << replica
    if ((this.#repeatedAgain & bit) !== 0) return false
    if ((this.#repeated & bit) !== 0) this.#repeatedAgain |= bit
    this.#repeated |= bit
    return true
  }

  /** Counts one more answer that a replica works under another epoch; whether it may be asked again. */
  mayRetryEpoch(id: string): boolean {
    this.#epochRetries ??= new Map()
    const count = (this.#epochRetries.get(id) ?? 0) + 1
    this.#epochRetries.set(id, count)
    return count <= epochRetriesMax
  }
}
