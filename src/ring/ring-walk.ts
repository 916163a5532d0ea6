/**
 * The clockwise walk of a partition over the ring, which meets one member after the other (Dynamo §4.3).
 */
import { partitionStart, ringSize, type Tokens } from './tokens.ts'

/**
 * @param member index of the member. @param distance from the partition's start to the member's nearest token.
 * @returns true to end the walk.
 */
export type Visit = (member: number, distance: number) => boolean

/** The walks over one set of tokens. */
export class RingWalk {
  readonly #tokens: Tokens
  readonly #partitions: number
  /** For each partition the index of the first token at or after its start. */
  readonly #firstTokens: Uint32Array
  /** For each member the number of the last walk that met it: cheaper than a set for each walk. */
  readonly #metIn: Float64Array
  #walks = 0
  /** How many members have tokens: a walk that met them all is over, most often long before the last token. */
  readonly #walkers: number

  /** @param options.members how many members there are, with or without tokens. */
  constructor(options: { tokens: Tokens; partitions: number; members: number }) {
    this.#tokens = options.tokens
    this.#partitions = options.partitions
    this.#firstTokens = firstTokens(options.tokens, options.partitions)
    this.#metIn = new Float64Array(options.members)
    this.#walkers = membersMet(options.tokens, options.members)
  }

  /** Meets each member that has tokens once, nearest first. Not to be called from inside a visit. */
  from(partition: number, visit: Visit): void {
    const { count, positions, members } = this.#tokens
    const walk = ++this.#walks
    let left = this.#walkers
    let token = this.#firstTokens[partition]!
    for (let step = 0; step < count && left > 0; step++) {
      const member = members[token]!
      if (this.#metIn[member] !== walk) {
        this.#metIn[member] = walk
        left--
        if (visit(member, distanceTo(positions[token]!, partition, this.#partitions))) return
      }
      token = token + 1 === count ? 0 : token + 1
    }
  }
}

function membersMet({ count, members }: Tokens, membersMax: number): number {
  const isMet = new Uint8Array(membersMax)
  for (let token = 0; token < count; token++) isMet[members[token]!] = 1
  return isMet.reduce((sum, met) => sum + met, 0)
}

function firstTokens(tokens: Tokens, partitions: number): Uint32Array {
  const first = new Uint32Array(partitions)
  let token = 0
  for (let partition = 0; partition < partitions; partition++) {
    const start = partitionStart(partition, partitions)
    while (token < tokens.count && tokens.positions[token]! < start) token++
    first[partition] = token === tokens.count ? 0 : token
  }
  return first
}

/** How far clockwise the position lies from the start of the partition. */
export function distanceTo(position: number, partition: number, partitions: number): number {
  const distance = position - partitionStart(partition, partitions)
  return distance < 0 ? distance + ringSize : distance
}
