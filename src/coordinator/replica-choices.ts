/** The rules by which reads choose among replicas. Pure. */
import type { ReplicaChoice, ReplicaLoad } from '../ports/replica-choice.ts'

/** By how much a replica of another zone has to be quicker, or less loaded, to be asked in the place of a near one. */
const farFactor = 4

/** Odd, and far from any small cycle: turns choose each pair equally often. */
const turnStep = 0x9e3779b1

/** All in turn. */
export function roundRobin(): ReplicaChoice {
  return { name: 'round-robin', choose: ({ length }, turn) => turn % length }
}

/** The one with the fewest requests under way; of equals, all in turn. */
export function leastInFlight(): ReplicaChoice {
  return {
    name: 'least-in-flight',
    choose: (candidates, turn) => {
      let best = turn % candidates.length
      for (let i = 0; i < candidates.length; i++) {
        if (candidates[i]!.inFlight < candidates[best]!.inFlight) best = i
      }
      return best
    },
  }
}

/**
 * Of two drawn by turn the one from which an answer is to be expected sooner: requests under way × latency (the power
 * of two choices, Mitzenmacher 2001). Replicas of the own zone before others, unless those are four times as quick.
 */
export function powerOfTwo(): ReplicaChoice {
  return { name: 'power-of-two', choose: cheaperOfTwo }
}

function cheaperOfTwo(candidates: readonly ReplicaLoad[], turn: number): number {
  const { length } = candidates
  const one = turn % length
  const step = length === 2 ? 0 : (Math.imul(turn, turnStep) >>> 16) % (length - 1)
  const other = (one + 1 + step) % length
  return cost(candidates[other]!) < cost(candidates[one]!) ? other : one
}

function cost({ isNear, inFlight, latencyMs }: ReplicaLoad): number {
  return (inFlight + 1) * latencyMs * (isNear ? 1 : farFactor)
}
