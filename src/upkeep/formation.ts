/**
 * Who founds the cluster when several nodes start at once with the same seeds. Pure: each node asks all seeds in rounds
 * and decides from the answers of one round.
 *
 * A node founds when it is itself a seed, nobody has a cluster, and it has the lowest address of the seeds that run.
 * Every node listens before it asks. So of two nodes that might both found, the later one to listen finds the earlier
 * one running; and each that was asked by another during its round knows that its round is out of date. A seed that
 * gives no sign at all (neither an answer nor a refusal) may be cut off and have a cluster: then a majority of the
 * seeds must agree that there is none.
 */

/** What a seed answered in one round. */
export type SeedAnswer =
  /** The seed is this node. */
  | 'self'
  /** It runs, and is in no cluster. */
  | 'none'
  /** Nothing listens there. */
  | 'refused'
  /** No sign, or it cannot tell yet. */
  | 'unknown'

export interface Round {
  /** The answer of each seed address. */
  readonly answers: ReadonlyMap<string, SeedAnswer>
  /** Addresses of nodes that asked this one since the round began. */
  readonly heardFrom: ReadonlySet<string>
}

/** Whether this node founds the cluster. Otherwise it asks again. */
export function mayFound({ answers, heardFrom }: Round): boolean {
  const running: string[] = []
  let self: string | undefined
  let silent = 0
  for (const [address, answer] of answers) {
    if (answer === 'self') self = address
    if (answer === 'self' || answer === 'none') running.push(address)
    if (answer === 'unknown') silent += 1
    if (answer === 'refused' && heardFrom.has(address)) return false
  }
  if (self === undefined) return false
  if (silent > 0 && running.length <= answers.size / 2) return false
  return running.every((address) => address >= self)
}
