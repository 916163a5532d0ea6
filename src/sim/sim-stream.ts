/**
 * One direction of a simulated connection: the frames on their way and the end behind them.
 *
 * It models a TCP stream as nodes see it. Frames keep their order (unless the link reorders);
 * frames that meet a blocked link wait and go on when it heals, and the sender gives up after a
 * while; those that meet a clogged one burst in their order when it opens; frames that reach an end
 * which is gone are answered with a reset. Loss and duplication of single frames are harsher than
 * TCP: the port's users must bear them, because a broken connection loses frames and a retry
 * doubles them.
 */

import { checksum } from '../base/checksum.ts'
import type { Timer } from '../ports/clock.ts'
import { frameName } from './frame-name.ts'
import type { FaultCounts, FaultKind } from './faults.ts'
import type { SimConnection } from './sim-connection.ts'
import { linkName } from './sim-links.ts'
import type { LinkQuality, Obstacle } from './sim-links.ts'
import { connectionReset, connectionTimeout } from './network-error.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { Trace } from './trace.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** What travels: a frame, or the end of the connection with what the receiver is told about it. */
export type Parcel =
  | { readonly bytes: Uint8Array; readonly isDamaged?: boolean; readonly ending?: never }
  | { readonly ending: Error; readonly bytes?: never }

/** A parcel that came to an obstacle and waits for its end. */
interface Stalled {
  readonly parcel: Parcel
  readonly obstacle: Obstacle | 'dark'
}

/** What is counted when a frame or an attempt to connect meets an obstacle. */
export const faultOf: Readonly<Record<Obstacle, FaultKind>> = {
  partition: 'frame-partitioned',
  block: 'frame-blocked',
  clog: 'frame-clogged',
}

/** What a stream needs to know of the network around it. */
export interface StreamNetwork {
  readonly clock: VirtualClock
  readonly trace: Trace
  readonly faults: FaultCounts
  /** After how long the sender of frames that do not get through gives up, in milliseconds. */
  readonly silenceMaxMs: number
  obstacle(from: string, to: string): Obstacle | undefined
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
  readonly #from: string
  readonly #to: string
  /** The chance of this direction, the same for all its connections. */
  readonly #random: SeededRandom
  /** On the way and not arrived, in the order of sending. */
  #travelling: Parcel[] = []
  /** How many of them, or which when the link reorders, came to an obstacle and wait. */
  #stalled: Stalled[] = []
  #stalledBytes = 0
  #lastDueMs = 0
  #givingUp: Timer | undefined

  constructor(network: StreamNetwork, ends: { source: SimConnection; target: SimConnection }) {
    this.#network = network
    this.#source = ends.source
    this.#target = ends.target
    this.#from = ends.source.process.name
    this.#to = ends.target.process.name
    this.#random = network.random(linkName(this.#from, this.#to))
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

  send(bytes: Uint8Array): void {
    const { trace, faults } = this.#network
    const { loss, duplicate, corrupt } = this.#quality
    const size = bytes.length
    if (trace.isWatched) trace.show(this.#from, 'send', `${this.#to} ${frameName(bytes)} ${size}`)
    if (this.#random.chance(loss)) {
      faults.add('frame-lost')
      trace.note(this.#from, 'lose', `${this.#to} ${size}`)
      return
    }
    const isDamaged = this.#random.chance(corrupt)
    if (isDamaged) faults.add('frame-damaged')
    const parcel = { bytes, isDamaged }
    this.#launch(parcel)
    if (!this.#random.chance(duplicate)) return
    faults.add('frame-duplicated')
    trace.note(this.#from, 'duplicate', `${this.#to} ${size}`)
    this.#launch(parcel)
  }

  /** The last that is sent: the receiver is told that the connection ended, and why. */
  end(ending: Error): void {
    this.#launch({ ending })
  }

  /** Looks again whether what waits here can go on; called whenever the network changes. */
  refresh(): void {
    const obstacle = this.#obstacle
    if (!isHopeless(obstacle) && !isHopeless(this.#obstacleBack)) this.#stopGivingUp()
    if (obstacle !== undefined) return
    const stalled = this.#stalled
    this.#stalled = []
    this.#stalledBytes = 0
    for (const { parcel, obstacle } of stalled) {
      // What was clogged is through as soon as the link opens; what was blocked is sent again.
      this.#schedule(parcel, obstacle === 'clog' ? 0 : this.#travelMs())
    }
  }

  /** The connection is cut: what is on the way is lost. */
  cut(): void {
    const frames = this.#travelling.filter(({ bytes }) => bytes !== undefined)
    this.#network.faults.add('frame-cut', frames.length)
    this.discard()
  }

  /** Drops whatever is on the way. */
  discard(): void {
    this.#travelling = []
    this.#stalled = []
    this.#stalledBytes = 0
    this.#stopGivingUp()
    this.#network.streams.delete(this)
  }

  get #quality(): LinkQuality {
    return this.#network.quality(this.#from, this.#to)
  }

  #travelMs(): number {
    return this.#network.travelMs(this.#from, this.#to)
  }

  get #obstacle(): Obstacle | 'dark' | undefined {
    if (this.#network.isDark(this.#to)) return 'dark'
    return this.#network.obstacle(this.#from, this.#to)
  }

  /** What keeps acknowledgements from the source. */
  get #obstacleBack(): Obstacle | undefined {
    return this.#network.obstacle(this.#to, this.#from)
  }

  #launch(parcel: Parcel): void {
    this.#travelling.push(parcel)
    this.#network.streams.add(this)
    this.#schedule(parcel, this.#travelMs() + this.#holdUpMs())
  }

  /** How long a frame is held up. A power of chance, by products: exact on every machine. */
  #holdUpMs(): number {
    const { delay, delayMs } = this.#quality
    if (!this.#random.chance(delay)) return 0
    const share = this.#random.float()
    const squared = share * share
    const fourth = squared * squared
    const holdUpMs = delayMs * fourth * fourth
    this.#network.faults.add('frame-delayed')
    this.#network.trace.note(this.#from, 'delay', `${this.#to} ${Math.floor(holdUpMs)}`)
    return holdUpMs
  }

  #schedule(parcel: Parcel, travelMs: number): void {
    const { clock } = this.#network
    let dueMs = clock.nowMs + travelMs
    const isOrdered = !this.#quality.reorder || parcel.ending !== undefined
    if (isOrdered) dueMs = Math.max(dueMs, this.#lastDueMs)
    this.#lastDueMs = Math.max(this.#lastDueMs, dueMs)
    clock.after(dueMs - clock.nowMs, () => this.#arrive(parcel))
  }

  /**
   * A parcel's time has come. In order, the oldest one arrives, whichever was scheduled for this
   * moment.
   */
  #arrive(scheduled: Parcel): void {
    if (this.#travelling.length === 0) return
    const obstacle = this.#obstacle
    if (obstacle !== undefined) {
      this.#stall(scheduled, obstacle)
      return
    }
    // Acknowledgements travel the other way: without them the sender gives up, although its frames
    // arrive.
    if (isHopeless(this.#obstacleBack)) this.#startGivingUp()
    const parcel = this.#take(scheduled)
    if (parcel !== undefined) this.#deliver(parcel)
  }

  #stall(parcel: Parcel, obstacle: Obstacle | 'dark'): void {
    this.#network.trace.note(this.#from, 'stall', `${this.#to} ${obstacle}`)
    if (obstacle !== 'dark') this.#network.faults.add(faultOf[obstacle])
    this.#stalled.push({ parcel, obstacle })
    this.#stalledBytes += parcel.bytes?.length ?? 0
    if (isHopeless(obstacle)) this.#startGivingUp()
  }

  #take(scheduled: Parcel): Parcel | undefined {
    if (!this.#quality.reorder) return this.#travelling.shift()
    const at = this.#travelling.indexOf(scheduled)
    // Before the link reordered, it may have arrived at another one's time: this one is next then.
    if (at < 0) return this.#travelling.shift()
    if (at > 0) this.#network.faults.add('frame-reordered')
    return this.#travelling.splice(at, 1)[0]
  }

  #deliver(parcel: Parcel): void {
    const target = this.#target
    if (parcel.ending !== undefined) {
      this.#network.trace.note(this.#to, 'end', this.#from)
      this.discard()
      target.process.hand(() => target.fail(parcel.ending))
      return
    }
    if (target.isClosed) {
      this.#reset()
      return
    }
    const { bytes, isDamaged = false } = parcel
    const kind = isDamaged ? 'damage' : 'frame'
    const sum = checksum(bytes).toString(16)
    const { trace } = this.#network
    trace.note(this.#to, kind, this.#from, frameName(bytes), String(bytes.length), sum)
    target.process.hand(() => (isDamaged ? target.receiveDamaged() : target.receive(bytes)))
  }

  /** The target is gone and says so to a sender that still believes in it. */
  #reset(): void {
    this.discard()
    this.#network.clock.after(this.#network.travelMs(this.#to, this.#from), () => {
      if (this.#obstacleBack !== undefined) return
      const error = connectionReset(`${this.#to} reset the connection`)
      this.#source.process.hand(() => this.#source.fail(error))
    })
  }

  #startGivingUp(): void {
    const { clock, trace, faults, silenceMaxMs } = this.#network
    this.#givingUp ??= clock.after(silenceMaxMs, () => {
      trace.note(this.#from, 'cut', this.#to)
      faults.add('connection-silent')
      this.discard()
      const error = connectionTimeout(`${this.#to} was silent too long`, silenceMaxMs)
      this.#source.process.hand(() => this.#source.fail(error))
    })
  }

  #stopGivingUp(): void {
    this.#givingUp?.cancel()
    this.#givingUp = undefined
  }
}

/** Whether a sender that meets it gets no sign of life any more. */
function isHopeless(obstacle: Obstacle | 'dark' | undefined): boolean {
  return obstacle !== undefined && obstacle !== 'clog'
}
