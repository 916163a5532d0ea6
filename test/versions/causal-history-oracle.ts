/**
 * What a store must show, said without any clock: who had read what before writing. Each write of a key has a number, a
 * record is the set of writes it has seen and the set of those that nobody replaced. It knows nothing of dots, vectors,
 * epochs or nodes, so that it cannot share a fault with the code that it judges.
 */

/** A set of writes: bit i stands for write i of the key. */
export type Writes = number

/** Writes of one key that the oracle can tell apart. */
export const writesMax = 31

export interface OracleRecord {
  readonly seen: Writes
  /** Seen, and not replaced: what a read must show. */
  readonly live: Writes
}

/** What a replica holds that never heard of the key, or forgot it. */
export const unknownToOracle: OracleRecord = { seen: 0, live: 0 }

/** The write `id` of a client that has seen `replaces`. */
export function oracleWrite(before: OracleRecord, replaces: Writes, id: number): OracleRecord {
  const write = 1 << id
  return {
    seen: before.seen | replaces | write,
    live: (before.live & ~replaces) | write,
  }
}

/** A value stays when both show it, or when one has never seen it. */
export function oracleMerge(left: OracleRecord, right: OracleRecord): OracleRecord {
  const both = left.live & right.live
  return {
    seen: left.seen | right.seen,
    live: both | (left.live & ~right.seen) | (right.live & ~left.seen),
  }
}

/** The numbers in the set, for messages. */
export function listWrites(writes: Writes): string {
  const ids = Array.from({ length: writesMax }, (_, id) => id)
  return `{${ids.filter((id) => (writes & (1 << id)) !== 0).join(' ')}}`
}
