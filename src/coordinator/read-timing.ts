/** The times of a read: how long it takes, for the choice of replicas and for hedging, and when it has to end. */
import { selected } from '../quorum/replica-mask.ts'
import type { Channel } from '../rpc/channel.ts'
import type { Coordination } from './coordination.ts'
import { patienceMs } from './hedging.ts'

type Node = Pick<Coordination, 'clock' | 'data' | 'hedging' | 'selfId' | 'stats'>

/** With no more operations under way each read is timed. */
const fewInFlight = 8
/** Else one of so many, a power of two: reading the clock twice costs a fortieth of a read. */
const timedEvery = 8

/** Counts a read that begins. Its time, if it is one of those that are timed, else 0. */
export function readBegins({ clock, hedging, stats }: Node): number {
  hedging.counted()
  const isTimed = stats.inFlight <= fewInFlight || (stats.gets & (timedEvery - 1)) === 0
  return isTimed ? clock.monotonicMs() : 0
}

/** A replica answered a read that began then. */
export function readAnswered({ clock, hedging }: Node, { load }: Channel, beganMs: number): void {
  if (beganMs === 0) return
  const tookMs = clock.monotonicMs() - beganMs
  load.answeredAfter(tookMs)
  hedging.took(tookMs)
}

/** The times of one read that is not the common one. */
export class ReadTiming {
  readonly #node: Node
  #beganMs = 0
  /** Known from the first time that it takes long. */
  #deadlineMs: number | undefined
  #hedged = false
  /** Replicas in whose place another one was asked. */
  #lateMask = 0

  constructor(node: Node) {
    this.#node = node
  }

  /** @param beganMs when it began, if it began otherwise */
  begin(beganMs: number = readBegins(this.#node)): void {
    this.#beganMs = beganMs
  }

  /** What was asked for later than at the beginning tells nothing. */
  answered(replica: number, channel: Channel): void {
    const isFirst = !this.#hedged || (this.#lateMask & (1 << replica)) !== 0
    if (isFirst) readAnswered(this.#node, channel, this.#beganMs)
  }

  /** What is left of the deadline, of which `waitedMs` were over when this was asked for the first time. */
  leftMs(timeoutMs: number, waitedMs: number): number {
    const nowMs = this.#node.clock.monotonicMs()
    this.#deadlineMs ??= nowMs + Math.max(0, timeoutMs - waitedMs)
    return this.#deadlineMs - nowMs
  }

  /**
   * When to look again: one that the budget has kept from asking may ask as soon as there is some again. Many reads are
   * late at once when this node was busy, and those among them whose replica is slow must not wait for ever for that.
   */
  get nextLookMs(): number {
    return this.#hedged ? patienceMs : this.#node.hedging.afterMs
  }

  /**
   * Whether one owner more is to be asked in the place of those that have not answered for so long: once, and not too
   * soon for the budget.
   */
  isHedgeDue(waitedMs: number, nodes: readonly string[], lateMask: number): boolean {
    if (this.#hedged) return false
    this.#hedged = waitedMs >= patienceMs || (lateMask !== 0 && this.#node.hedging.mayAsk())
    if (!this.#hedged) return false
    this.#lateMask = lateMask
    if (this.#beganMs !== 0) this.#noteLate(nodes)
    return lateMask !== 0
  }

  #noteLate(nodes: readonly string[]): void {
    const { clock, data, selfId } = this.#node
    const waitedMs = clock.monotonicMs() - this.#beganMs
    for (const id of selected(nodes, this.#lateMask)) {
      if (id !== selfId) data(id).load.answeredAfter(waitedMs)
    }
  }
}
