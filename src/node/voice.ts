/** Tells the service what happens in its node. */
import type { Clock } from '../ports/clock.ts'
import type { CoterieNode } from './coterie-node.ts'
import type { NodeEvents } from './events.ts'

/** Failures of the start that are kept until somebody can listen. */
const earlyMax = 100

/** Emits the events of one node. */
export class Voice {
  readonly #node: CoterieNode
  readonly #clock: Clock
  /** Failures during the start; undefined when it is over. */
  #early: NodeEvents['background-error'][] | undefined = []

  constructor(node: CoterieNode, clock: Clock) {
    this.#node = node
    this.#clock = clock
  }

  /** Emits an event, if anybody listens. */
  emit<K extends keyof NodeEvents>(event: K, ...details: NodeEvents[K]): void {
    if (this.#early !== undefined && event === 'background-error') {
      if (this.#early.length < earlyMax) this.#early.push(details as NodeEvents['background-error'])
      return
    }
    if (this.#node.listenerCount(event) === 0) return
    try {
      this.#node.emit(event, ...(details as never))
    } catch (error) {
      // A listener's mistake is the service's own: it must neither go unseen nor stop the node half-way.
      this.#clock.after(0, () => {
        throw error
      })
    }
  }

  /** The node is about to be handed over: what failed before is told in a later turn, when the service listens. */
  started(): void {
    const early = this.#early ?? []
    this.#early = undefined
    if (early.length === 0) return
    this.#clock.after(0, () => {
      for (const [failure] of early) this.emit('background-error', failure)
    })
  }
}
