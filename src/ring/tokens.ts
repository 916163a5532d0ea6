/**
 * Tokens: the positions of the members on the ring (Dynamo §4.2). What is done with them is decided elsewhere
 * (`ring-walk.ts`, `placement.ts`).
 */
import { placeOf, type RingMember } from './configuration.ts'
import { hashKey } from './key-hash.ts'

/**
 * Tokens of a member of weight 1; a power of two. Measured on joins of 3 to 32 members: with 64 a join moves more
 * data, with 256 no less at the median and more in large clusters.
 */
const tokensOfWeightOne = 128

/**
 * Hashed with each id. How much a join moves beyond the least is luck of the draw; of 120 seeds this one had the best
 * worst case over joins of 3 to 32 members with a dozen usual ways to name them (n1, node-0, host names, UUIDs, …):
 * 1.20 times the least, where others had up to 1.32.
 */
const tokenSeed = 'q80'

/** The positions on the ring are those of the hash: 0 to 2³² − 1. */
export const ringSize: number = 2 ** 32

/** Members are told by their index in the list that the tokens were made of. */
export interface Tokens {
  readonly count: number
  /** Ascending. */
  readonly positions: Uint32Array
  /** The member of each token. Where positions are equal, ascending, on every node alike (HAZARDS D7). */
  readonly members: Uint16Array
}

/** How many tokens a weight stands for: at least one. */
export function tokenCount(weight: number): number {
  return Math.max(1, Math.round(tokensOfWeightOne * weight))
}

/**
 * The tokens of the members.
 * @param members sorted by place, at most 65 536.
 * @param isOnRing members that it refuses get no tokens.
 */
export function tokensOf(
  members: readonly RingMember[],
  isOnRing: (member: RingMember) => boolean,
): Tokens {
  const counts = members.map((member) => (isOnRing(member) ? tokenCount(member.weight) : 0))
  const count = counts.reduce((sum, tokens) => sum + tokens, 0)
  // Position and member in one number, position first: 48 bits are exact in a double, and typed arrays sort fast.
  const packed = new Float64Array(count)
  let at = 0
  members.forEach((member, index) => {
    const positions = positionsOf(placeOf(member), counts[index]!)
    for (let token = 0; token < counts[index]!; token++) {
      packed[at++] = positions[token]! * 65_536 + index
    }
  })
  packed.sort()
  const tokens = { count, positions: new Uint32Array(count), members: new Uint16Array(count) }
  packed.forEach((token, i) => {
    tokens.positions[i] = Math.floor(token / 65_536)
    tokens.members[i] = token % 65_536
  })
  return tokens
}

/**
 * What was hashed before, by place: a change of the ring moves a member or two, and the others' tokens stay. Positions
 * follow from the place alone, so that it makes no difference to anybody whose they are.
 */
const known = new Map<string, Uint32Array>()
let knownCount = 0

/** Positions that are kept, over all places: 4 MiB. Beyond it, all are forgotten. */
const knownCountMax = 1 << 20

/** The first `count` positions of a member, or more. */
function positionsOf(place: string, count: number): Uint32Array {
  const before = known.get(place)
  if (before !== undefined && before.length >= count) return before
  const positions = hashedPositions(place, count)
  knownCount += count - (before?.length ?? 0)
  if (knownCount > knownCountMax) {
    known.clear()
    knownCount = count
  }
  if (count <= knownCountMax) known.set(place, positions)
  return positions
}

/**
 * The ring is cut into 128 equal arcs, and of each 128 tokens of a member one lies in each arc, at a hashed place:
 * loads are more even than with tokens strewn at random. The arcs are dealt in bit-reversed order, so that fewer
 * tokens lie far apart too and a change of weight adds or takes tokens without moving the others.
 */
function hashedPositions(name: string, count: number): Uint32Array {
  const arcs = tokensOfWeightOne
  const nameBytes = new TextEncoder().encode(tokenSeed + name)
  const bytes = new Uint8Array(nameBytes.length + 4)
  bytes.set(nameBytes)
  const view = new DataView(bytes.buffer)
  const positions = new Uint32Array(count)
  for (let token = 0; token < count; token++) {
    view.setUint32(nameBytes.length, token)
    const place = Math.floor(hashKey(bytes) / arcs)
    positions[token] = reverseBits(token % arcs, arcs) * (ringSize / arcs) + place
  }
  return positions
}

/** @param limit the power of two that `value` is below. */
function reverseBits(value: number, limit: number): number {
  let reversed = 0
  for (let bit = 1; bit < limit; bit *= 2) reversed = reversed * 2 + ((value & bit) === 0 ? 0 : 1)
  return reversed
}

/** Where the partition begins on the ring. */
export function partitionStart(partition: number, partitions: number): number {
  return partition * (ringSize / partitions)
}
