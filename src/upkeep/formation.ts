/**
 * Who founds the cluster when several nodes start at once with the same seeds. Pure: each node asks all seeds in rounds
 * and decides from the answers of one round.
 *
 * A node founds when it is itself a seed, nobody has a cluster, and it has the lowest address of the seeds that run.
 * Every node listens before it asks. So of two nodes that might both found, the later one to listen finds the earlier
 * one running; and each that was asked by another during its round knows that its round is out of date.
 *
 * A seed that gives no sign at all (neither an answer nor a refusal) may be slow, or cut off from this node alone, and
 * have a cluster. So its silence must last for several rounds, a majority of the seeds must agree that there is no
 * cluster, and none of them may have heard of a seed that is better placed to found.
 */

/** What a seed answered in one round. */
export type SeedAnswer =
  /** The seed is this node. */
  | 'self'
  /** It runs, and is in no cluster. */
  | 'none'
  /** It runs, and cannot let anyone in just now: it may well have a cluster. */
  | 'busy'
  /** Nothing listens there. */
  | 'refused'
  /** No sign. */
  | 'silent'

/** What one round of asking all seeds came to. */
export interface Round {
  /** The answer of each seed address. */
  readonly answers: ReadonlyMap<string, SeedAnswer>
  /** Addresses of nodes that asked this one since the round began. */
  readonly heardFrom: ReadonlySet<string>
  /** Addresses of nodes that asked those who answered, lately. */
  readonly heardOf: ReadonlySet<string>
  /** For how many rounds in a row, this one included, each silent seed gave no sign: the least of them. */
  readonly silentRounds: number
}

/** A seed that is only slow, or whose answers got lost now and then, is heard within so many rounds. */
const silentRoundsMin = 4

/** Whether this node founds the cluster. Otherwise it asks again. */
export function mayFound({ answers, heardFrom, heardOf, silentRounds }: Round): boolean {
  const running: string[] = []
  let self: string | undefined
  let silent = 0
  for (const [address, answer] of answers) {
    if (answer === 'busy') return false
    if (answer === 'self') self = address
    if (answer === 'self' || answer === 'none' || heardOf.has(address)) running.push(address)
    else if (answer === 'silent') silent += 1
    if (answer === 'refused' && heardFrom.has(address)) return false
  }
  if (self === undefined) return false
  const isSilenceBelieved = silentRounds >= silentRoundsMin && running.length > answers.size / 2
  if (silent > 0 && !isSilenceBelieved) return false
  const first = self
  return running.every((address) => address >= first)
}
