/**
 * What is chosen, told from the votes alone by one who sees them all: one value for each epoch, each
 * decided by a majority of the members of the one before that are not joining. Throws when the register contradicts it.
 */

import type { RingConfiguration, RingMember } from '../../../src/ring/configuration.ts'
import type { Ballot } from '../../../src/ring/register/ballot.ts'

export interface Vote {
  readonly voter: string
  readonly store: string
  readonly ballot: Ballot
  readonly value: RingConfiguration
}

export class Violation extends Error {}

export class Chain {
  readonly #chosen: RingConfiguration[]
  /** Voters by epoch, ballot and value. */
  readonly #votes = new Map<string, Map<RingConfiguration, Set<string>>>()

  constructor(first: RingConfiguration) {
    this.#chosen = [first]
  }

  /** The newest epoch that is chosen. */
  get length(): number {
    return this.#chosen.length
  }

  /** The chosen configuration of this epoch. */
  at(epoch: number): RingConfiguration | undefined {
    return this.#chosen[epoch - 1]
  }

  voted({ voter, store, ballot, value }: Vote): void {
    const base = this.at(value.epoch - 1)
    const acceptors = base === undefined ? [] : acceptorsOf(base)
    if (!acceptors.some((each) => each.id === voter && each.store === store)) {
      throw new Violation(`${voter} voted on epoch ${value.epoch} without being an acceptor of it`)
    }
    const key = `${value.epoch}/${ballot.counter}/${ballot.proposer}`
    const values = this.#votes.get(key) ?? new Map<RingConfiguration, Set<string>>()
    this.#votes.set(key, values)
    const voters = values.get(value) ?? new Set()
    values.set(value, voters.add(voter))
    if (values.size > 1) throw new Violation(`two values under one ballot, ${key}`)
    if (2 * voters.size > acceptors.length) this.#choose(value)
  }

  /** Somebody takes this configuration as chosen. */
  claimed(configuration: RingConfiguration): void {
    if (this.at(configuration.epoch) !== configuration) {
      throw new Violation(`epoch ${configuration.epoch} is taken as chosen and was not`)
    }
  }

  /** Somebody takes this configuration as the newest at some moment since its read began. */
  confirmed(configuration: RingConfiguration, { chainAtStart }: { chainAtStart: number }): void {
    this.claimed(configuration)
    if (configuration.epoch < chainAtStart) {
      throw new Violation(`a read that began at ${chainAtStart} found ${configuration.epoch}`)
    }
  }

  #choose(value: RingConfiguration): void {
    const before = this.at(value.epoch)
    if (before === undefined) this.#chosen.push(value)
    else if (before !== value) throw new Violation(`two values chosen for epoch ${value.epoch}`)
  }
}

/** All but the newcomers; with nobody but newcomers, these. */
function acceptorsOf({ members }: RingConfiguration): readonly RingMember[] {
  const settled = members.filter(({ stage }) => stage !== 'joining')
  return settled.length === 0 ? members : settled
}
