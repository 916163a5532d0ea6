/** Which replica a read asks first: a port, so that a service can have its own rule. */

/** What a node knows of another one that it may ask. Live: read it, do not keep it. */
export interface ReplicaLoad {
  readonly id: string
  /** Whether it is in the zone of the node that asks; true everywhere in a cluster without zones. */
  readonly isNear: boolean
  /** Requests of this node that it has not answered. */
  readonly inFlight: number
  /** How long its answers take, milliseconds, smoothed; 0 until one was measured. Not every answer is. */
  readonly latencyMs: number
}

/**
 * Chooses among replicas that are thought to answer. Called for each read that has a choice, so it must be quick; it
 * must not throw, and it changes only where work goes, never what a read returns.
 */
export interface ReplicaChoice {
  readonly name: string
  /**
   * @param candidates two or more, in the order of the preference list; the array is used again
   * @param turn one more for each read of the node
   * @returns an index of `candidates`; anything else is taken for 0
   */
  choose(candidates: readonly ReplicaLoad[], turn: number): number
}
