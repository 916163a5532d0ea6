/**
 * One probe of one member (SWIM §3.1, Lifeguard §IV.A): a direct ping, after a time-out pings
 * through helpers, and at the end a verdict. Only a round trip counts as life, never a message that
 * merely arrived (HAZARDS E12).
 */
import type { Claim } from './claim.ts'

/** From the direct ping to the verdict. Ends early when an ack answers it. */
export class ProbeRound {
  /** The claim about the target when the probe began; the accusation is about that incarnation. */
  readonly target: Claim
  readonly sequence: number
  #indirectAt: number
  #endsAt: number
  #helpers: Set<string> | undefined
  readonly #nacks = new Set<string>()

  constructor(start: {
    readonly target: Claim
    readonly sequence: number
    readonly indirectAt: number
    readonly endsAt: number
  }) {
    this.target = start.target
    this.sequence = start.sequence
    this.#indirectAt = start.indirectAt
    this.#endsAt = start.endsAt
  }

  /** When something is to be done: ask helpers, or end. */
  get nextAt(): number {
    return this.#helpers === undefined ? this.#indirectAt : this.#endsAt
  }

  /** True when the direct ping had its time and no helper was asked yet. */
  isIndirectDue(now: number): boolean {
    return this.#helpers === undefined && now >= this.#indirectAt
  }

  isOver(now: number): boolean {
    return this.#helpers !== undefined && now >= this.#endsAt
  }

  /** The direct way is known not to work: no use waiting for it. */
  skipDirect(now: number): void {
    if (this.#helpers !== undefined || now >= this.#indirectAt) return
    this.#endsAt -= this.#indirectAt - now
    this.#indirectAt = now
  }

  /** Helpers were asked at `now`. They get their whole time, also when they were asked late. */
  askedHelpers(now: number, helpers: readonly string[]): void {
    this.#helpers = new Set(helpers)
    this.#endsAt += now - this.#indirectAt
  }

  /** True when the ack answers this round: from the target itself, or brought by a helper. */
  isAnsweredBy(ack: { readonly from: string; readonly sequence: number }): boolean {
    if (ack.sequence !== this.sequence) return false
    return ack.from === this.target.id || this.#helpers?.has(ack.from) === true
  }

  /** A helper says that it is well and heard nothing of the target either. */
  nacked(nack: { readonly from: string; readonly sequence: number }): void {
    if (nack.sequence === this.sequence && this.#helpers?.has(nack.from) === true) {
      this.#nacks.add(nack.from)
    }
  }

  /**
   * What a failed round says about this node itself (Lifeguard, LHA-Probe): each helper that stayed
   * silent is a sign that the fault is here; without helpers the failure itself is. All helpers
   * nacked: the fault is over there.
   */
  get healthDelta(): number {
    const asked = this.#helpers?.size ?? 0
    return asked === 0 ? 1 : asked - this.#nacks.size
  }
}
