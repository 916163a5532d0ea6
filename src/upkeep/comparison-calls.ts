/**
 * What two owners say to each other when they compare a partition: roots, then leaves, then the keys of leaves that
 * differ, then single records. Each call names the epoch; an owner under another one refuses, for owners differ there
 * (HAZARDS G5). Readers are total: what has not the right shape is a refusal.
 *
 *     call                                               answer                    (or [false]: refused)
 *     ['roots', epoch, partitions]                       [true, roots]             nil: not to be told yet
 *     ['leaves', epoch, partition, how many]             [true, leaves]
 *     ['keys', epoch, partition, how many, which, after] [true, keys, digests, up to which key]
 *     ['differs', epoch, partition, key, mine, yours]    [true, what, digest]
 */
import { digestBytes } from '../merkle/record-digest.ts'
import type { ListedRecord } from '../replica/partition-trees.ts'

/** Asks for the roots of partitions. */
export const rootsCall = 'roots'
/** Asks for the leaves of a partition. */
export const leavesCall = 'leaves'
/** Asks for the records of some leaves: keys and digests. */
export const keysCall = 'keys'
/** Asks an owner to look at one record anew. */
export const differsCall = 'differs'

/** The names of all of them. */
export const comparisonCalls: ReadonlySet<unknown> = new Set([
  rootsCall,
  leavesCall,
  keysCall,
  differsCall,
])

/** What an owner says of one record, looked at anew. */
export type Difference =
  /** It has the same. */
  | 'same'
  /** It has another one, which it has brought to the asker. */
  | 'brought'
  /** It has none, or only a damaged one. */
  | 'lacking'
  /** It has another one than it listed a moment ago: somebody is writing. */
  | 'moving'
  /** It could not bring what it has. */
  | 'failed'

const differences: readonly unknown[] = ['same', 'brought', 'lacking', 'moving', 'failed']

/** The answer to `differs`: what, and the digest of what the owner has. */
export interface DifferenceAnswer {
  readonly what: Difference
  readonly digest: Uint8Array | undefined
}

/** A page of listed records. */
export interface KeysPage {
  readonly records: readonly ListedRecord[]
  /** Up to which key the page says everything; undefined for the end. */
  readonly upTo: string | undefined
}

const refused = [false] as const

/** The answer of an owner that works under another ring, is being filled, or does not own the partition. */
export function refusal(): readonly unknown[] {
  return refused
}

/** A number of a call; −1 when it is none. */
export function whole(value: unknown): number {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : -1
}

/** A list of numbers, none of them too large; undefined when it is none. */
export function wholes(
  value: unknown,
  { count, below }: { count: number; below: number },
): readonly number[] | undefined {
  if (!Array.isArray(value) || value.length > count) return undefined
  const numbers = value.map(whole)
  return numbers.every((each) => each >= 0 && each < below) ? numbers : undefined
}

/** A digest; undefined for anything else. */
export function digestIn(value: unknown): Uint8Array | undefined {
  return value instanceof Uint8Array && value.length === digestBytes ? value : undefined
}

/** A page as the rest of an answer. A damaged record has a nil for its digest. */
export function packPage({ records, upTo }: KeysPage): readonly unknown[] {
  return [
    true,
    records.map(({ key }) => key),
    records.map(({ digest }) => digest ?? null),
    upTo ?? null,
  ]
}

/** The answer to `roots`; undefined when refused. */
export function readRoots(
  answer: readonly unknown[],
  count: number,
): readonly (Uint8Array | undefined)[] | undefined {
  const [isGiven, roots] = answer
  if (isGiven !== true || !Array.isArray(roots) || roots.length !== count) return undefined
  return roots.map(digestIn)
}

/** The answer to `leaves`, a power of two of them; undefined when refused. */
export function readLeaves([isGiven, leaves]: readonly unknown[]): Uint8Array | undefined {
  if (isGiven !== true || !(leaves instanceof Uint8Array)) return undefined
  const count = leaves.length / digestBytes
  return Number.isInteger(Math.log2(count)) ? leaves : undefined
}

/** The answer to `keys`; undefined when refused. */
export function readPage([isGiven, keys, digests, upTo]: readonly unknown[]): KeysPage | undefined {
  if (isGiven !== true || !Array.isArray(keys) || !Array.isArray(digests)) return undefined
  if (keys.length !== digests.length || !keys.every((key) => typeof key === 'string'))
    return undefined
  if (upTo !== null && typeof upTo !== 'string') return undefined
  const records = keys.map((key, i) => ({ key, digest: digestIn(digests[i]) }))
  return { records, upTo: upTo ?? undefined }
}

/** The answer to `differs`; undefined when refused. */
export function readDifference(answer: readonly unknown[]): DifferenceAnswer | undefined {
  const [isGiven, what, digest] = answer
  if (isGiven !== true || !differences.includes(what)) return undefined
  return { what: what as Difference, digest: digestIn(digest) }
}
