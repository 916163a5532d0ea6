/**
 * The helper's side of indirect probes: pings sent for others, until they are answered or it is
 * time to say that nothing came (Lifeguard §IV.A, nack).
 */

/** Most pings under way for others; beyond, a request is dropped and its sender misses a nack. */
export const relaysMax = 256

/** One ping sent for another member. */
export interface Relay {
  readonly requester: string
  /** The requester's number of the probe: what ack or nack has to carry. */
  readonly requestSequence: number
  readonly target: string
  readonly nackAt: number
}

/** Invariant: at most `relaysMax` pings are under way for others. */
export class Relays {
  readonly #relays = new Map<number, Relay>()

  /** False when too many are under way. */
  add(sequence: number, relay: Relay): boolean {
    if (this.#relays.size >= relaysMax) return false
    this.#relays.set(sequence, relay)
    return true
  }

  /** Takes out the relay that the ack answers, if it is one's. */
  answered(ack: { readonly from: string; readonly sequence: number }): Relay | undefined {
    const relay = this.#relays.get(ack.sequence)
    if (relay === undefined || relay.target !== ack.from) return undefined
    this.#relays.delete(ack.sequence)
    return relay
  }

  /** Takes out those whose time is over. */
  expired(now: number): Relay[] {
    const over: Relay[] = []
    for (const [sequence, relay] of this.#relays) {
      if (relay.nackAt > now) continue
      this.#relays.delete(sequence)
      over.push(relay)
    }
    return over
  }

  get nextAt(): number {
    let next = Infinity
    for (const relay of this.#relays.values()) next = Math.min(next, relay.nackAt)
    return next
  }

  clear(): void {
    this.#relays.clear()
  }
}
