/**
 * Which claims ride on the next message (SWIM §4.1): those sent least often first, among them the
 * newest first, each only so many times. Rumours alone may die out in a small cluster; the periodic
 * full exchange picks up the rest (HAZARDS E5).
 */
import type { Claim } from './claim.ts'

/** Most claims that ride on one message other than a full exchange; about 2 KiB. */
export const claimsPerMessageMax = 16

/** How often one member passes a claim on: `multiplier × ⌈log10(members + 1)⌉`. */
export function retransmitLimit(size: {
  readonly members: number
  readonly multiplier: number
}): number {
  return size.multiplier * Math.ceil(Math.log10(size.members + 1))
}

interface Rumour {
  readonly claim: Claim
  readonly order: number
  sent: number
}

/**
 * The claims under way from this node. Invariant: at most one for each member, the last one spread.
 */
export class Dissemination {
  readonly #rumours = new Map<string, Rumour>()
  #order = 0
  #told = 0

  /** How many claims were taken for messages so far. */
  get told(): number {
    return this.#told
  }

  get size(): number {
    return this.#rumours.size
  }

  /** Takes the place of what was under way about the same member. */
  spread(claim: Claim): void {
    this.#order += 1
    this.#rumours.set(claim.id, { claim, order: this.#order, sent: 0 })
  }

  forget(id: string): void {
    this.#rumours.delete(id)
  }

  clear(): void {
    this.#rumours.clear()
  }

  /**
   * Takes the claims for one message to `receiver`, none about itself, and counts them as sent
   * once.
   */
  take(
    receiver: string,
    limits: { readonly claims: number; readonly transmissions: number },
  ): Claim[] {
    const fit: Rumour[] = []
    for (const rumour of this.#rumours.values()) if (rumour.claim.id !== receiver) fit.push(rumour)
    fit.sort((a, b) => a.sent - b.sent || b.order - a.order)
    const taken: Claim[] = []
    for (const rumour of fit.slice(0, limits.claims)) {
      taken.push(rumour.claim)
      rumour.sent += 1
      this.#told += 1
      if (rumour.sent >= limits.transmissions) this.#rumours.delete(rumour.claim.id)
    }
    return taken
  }
}
