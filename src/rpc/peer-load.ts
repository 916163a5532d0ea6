/** How a peer answers, as reads choose by it. */
import type { ReplicaLoad } from '../ports/replica-choice.ts'

/** A slow answer counts more than a quick one: it is noticed at once, and forgotten slowly. */
const risingShare = 1 / 2
const fallingShare = 1 / 8
/**
 * What is left of the latency each time that the peer was not chosen: one that was slow is asked again after a
 * thousand reads or so, although nobody tells that it has become quick.
 */
const passedOver = 1 - 1 / 512

/** The load of one peer, kept up to date by those who ask it. */
export class PeerLoad implements ReplicaLoad {
  readonly id: string
  isNear = true
  latencyMs = 0
  /** Keys that are asked for beside the first one of their request. */
  #more = 0
  readonly #pending: { readonly size: number }

  constructor(id: string, pending: { readonly size: number }) {
    this.id = id
    this.#pending = pending
  }

  get inFlight(): number {
    return this.#pending.size + this.#more
  }

  /** So many keys more, or fewer, are asked for in one request. */
  addKeys(count: number): void {
    this.#more += count
  }

  /** An answer took so long, or has taken so long and is not there. */
  answeredAfter(latencyMs: number): void {
    if (this.latencyMs === 0) this.latencyMs = latencyMs
    const share = latencyMs > this.latencyMs ? risingShare : fallingShare
    this.latencyMs += (latencyMs - this.latencyMs) * share
  }

  passedOver(): void {
    this.latencyMs *= passedOver
  }
}
