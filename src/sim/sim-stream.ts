/**
 * One direction of a simulated connection: the frames on their way and the end behind them.
 *
 * It models a TCP stream as nodes see it. Frames keep their order (unless the link reorders);
 * frames that meet a blocked link wait and go on when it heals, and the sender gives up after a
 * while; frames that reach an end which is gone are answered with a reset. Loss and duplication of
 * single frames are harsher than TCP: the port's users must bear them, because a broken connection
 * loses frames and a retry doubles them.
 */

import { checksum } from '../base/checksum.ts'
import type { Timer } from '../ports/clock.ts'
import type { SimConnection } from './sim-connection.ts'
import { linkName } from './sim-links.ts'
import type { LinkQuality } from './sim-links.ts'
import { connectionReset, connectionTimeout } from './network-error.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { Trace } from './trace.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** What travels: a frame, or the end of the connection with what the receiver is told about it. */
export type Parcel =
  | { readonly bytes: Uint8Array; readonly ending?: never }
  | { readonly ending: Error; readonly bytes?: never }

/** What a stream needs to know of the network around it. */
export interface StreamNetwork {
  readonly clock: VirtualClock
  readonly trace: Trace
  /** After how long the sender of frames that do not get through gives up, in milliseconds. */
  readonly silenceMaxMs: number
  isBlocked(from: string, to: string): boolean
  /** True for a machine that is off: nothing of it answers, not even with a refusal. */
  isDark(name: string): boolean
  quality(from: string, to: string): LinkQuality
  /** The stream of random numbers of one direction. */
  random(link: string): SeededRandom
  /** One travel time over a link, in milliseconds. */
  travelMs(from: string, to: string): number
  /**
   * The streams on which something may be on its way: those to look at when the network changes.
   */
  readonly streams: Set<SimStream>
}

/** Invariant: each parcel on its way has one arrival scheduled or is stalled. */
export class SimStream {
  readonly #network: StreamNetwork
  readonly #source: SimConnection
  readonly #target: SimConnection
  /** On the way and not arrived, in the order of sending. */
  #travelling: Parcel[] = []
  /** How many of them, or which when the link reorders, came to a blocked link and wait for it. */
  #stalled: Parcel[] = []
  #stalledBytes = 0
  #lastDueMs = 0
  #givingUp: Timer | undefined

  constructor(network: StreamNetwork, ends: { source: SimConnection; target: SimConnection }) {
    this.#network = network
    this.#source = ends.source
    this.#target = ends.target
  }

  /** Bytes that wait for a blocked link. */
  get stalledBytes(): number {
    return this.#stalledBytes
  }

  /**
   * Nothing arrives before this time: a server's first frame must not overtake the news that it
   * accepted.
   */
  startAt(ms: number): void {
    this.#lastDueMs = Math.max(this.#lastDueMs, ms)
  }

  send(parcel: Parcel): void {
    const { from, to } = this.#names()
    const { loss, duplicate } = this.#network.quality(from, to)
    const random = this.#network.random(linkName(from, to))
    if (parcel.bytes !== undefined && random.chance(loss)) {
      this.#network.trace.note(from, 'lose', `${to} ${parcel.bytes.length}`)
      return
    }
    this.#launch(parcel)
    if (parcel.bytes !== undefined && random.chance(duplicate)) this.#launch(parcel)
  }

  /** Looks again whether what waits here can go on; called whenever the network changes. */
  refresh(): void {
    const { from, to } = this.#names()
    if (this.#isObstructed(from, to)) return
    if (!this.#network.isBlocked(to, from)) this.#stopGivingUp()
    const stalled = this.#stalled
    this.#stalled = []
    this.#stalledBytes = 0
    for (const parcel of stalled) this.#schedule(parcel)
  }

  /** Drops whatever is on the way. */
  discard(): void {
    this.#travelling = []
    this.#stalled = []
    this.#stalledBytes = 0
    this.#stopGivingUp()
    this.#network.streams.delete(this)
  }

  #names(): { from: string; to: string } {
    return { from: this.#source.process.name, to: this.#target.process.name }
  }

  #isObstructed(from: string, to: string): boolean {
    return this.#network.isDark(to) || this.#network.isBlocked(from, to)
  }

  #launch(parcel: Parcel): void {
    this.#travelling.push(parcel)
    this.#network.streams.add(this)
    this.#schedule(parcel)
  }

  #schedule(parcel: Parcel): void {
    const { from, to } = this.#names()
    const { clock } = this.#network
    let dueMs = clock.nowMs + this.#network.travelMs(from, to)
    const isOrdered = !this.#network.quality(from, to).reorder || parcel.ending !== undefined
    if (isOrdered) dueMs = Math.max(dueMs, this.#lastDueMs)
    this.#lastDueMs = Math.max(this.#lastDueMs, dueMs)
    clock.after(dueMs - clock.nowMs, () => this.#arrive(parcel))
  }

  /**
   * A parcel's time has come. In order, the oldest one arrives, whichever was scheduled for this
   * moment.
   */
  #arrive(scheduled: Parcel): void {
    const { from, to } = this.#names()
    if (this.#travelling.length === 0) return
    if (this.#isObstructed(from, to)) {
      this.#network.trace.note(from, 'stall', to)
      this.#stalled.push(scheduled)
      this.#stalledBytes += scheduled.bytes?.length ?? 0
      this.#startGivingUp()
      return
    }
    // Acknowledgements travel the other way: without them the sender gives up, although its frames
    // arrive.
    if (this.#network.isBlocked(to, from)) this.#startGivingUp()
    const parcel = this.#take(scheduled)
    if (parcel !== undefined) this.#deliver(parcel)
  }

  #take(scheduled: Parcel): Parcel | undefined {
    const { from, to } = this.#names()
    if (!this.#network.quality(from, to).reorder) return this.#travelling.shift()
    const at = this.#travelling.indexOf(scheduled)
    return at < 0 ? undefined : this.#travelling.splice(at, 1)[0]
  }

  #deliver(parcel: Parcel): void {
    const { from, to } = this.#names()
    const target = this.#target
    if (parcel.ending !== undefined) {
      this.#network.trace.note(to, 'end', from)
      this.discard()
      target.process.hand(() => target.fail(parcel.ending))
      return
    }
    if (target.isClosed) {
      this.#reset()
      return
    }
    this.#network.trace.note(
      to,
      'frame',
      `${from} ${parcel.bytes.length} ${checksum(parcel.bytes).toString(16)}`,
    )
    target.process.hand(() => target.receive(parcel.bytes))
  }

  /** The target is gone and says so to a sender that still believes in it. */
  #reset(): void {
    const { from, to } = this.#names()
    this.discard()
    this.#network.clock.after(this.#network.travelMs(to, from), () => {
      if (this.#network.isBlocked(to, from)) return
      const error = connectionReset(`${to} reset the connection`)
      this.#source.process.hand(() => this.#source.fail(error))
    })
  }

  #startGivingUp(): void {
    const { clock, trace, silenceMaxMs } = this.#network
    this.#givingUp ??= clock.after(silenceMaxMs, () => {
      const { from, to } = this.#names()
      trace.note(from, 'cut', to)
      this.discard()
      const error = connectionTimeout(`${to} was silent too long`, silenceMaxMs)
      this.#source.process.hand(() => this.#source.fail(error))
    })
  }

  #stopGivingUp(): void {
    this.#givingUp?.cancel()
    this.#givingUp = undefined
  }
}
