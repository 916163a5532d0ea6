/**
 * The hash tree of one partition (Merkle 1987; Dynamo §4.7): a root over leaves, each leaf over the records whose keys
 * fall into it. Two replicas compare roots, then leaves, then the keys of the leaves that differ.
 *
 * A leaf is the exclusive or of the digests of its records. So it does not depend on the order in which they are added,
 * and leaves can be put together: the levels between root and leaves follow from the leaves.
 */
import { asBuffer, readU32, writeU32 } from '../base/bytes.ts'
import { digestBytes, RecordDigest } from './record-digest.ts'

/** Most leaves that a tree has. */
export const leavesMax = 1024
const leavesMin = 16
/** Over all partitions: 1 MiB of leaves. */
const leavesInAll = 131_072
/** Keys that share a leaf when leaves are told: so many are listed for each one that differs. */
const recordsPerLeaf = 8

/**
 * How many leaves the tree of a partition has, the same on every node of a cluster: 128 with 1024 partitions.
 * @param partitions Q, a power of two.
 */
export function leafCount(partitions: number): number {
  return Math.max(leavesMin, Math.min(leavesMax, leavesInAll / partitions))
}

/** How many leaves are worth telling of a partition with so many records. */
export function leavesFor(records: number): number {
  const wanted = Math.min(leavesMax, Math.max(1, records / recordsPerLeaf))
  return 2 ** Math.ceil(Math.log2(wanted))
}

/** The leaf of the key that was digested last, of so many. */
export function leafOf({ place }: RecordDigest, leaves: number): number {
  return place & (leaves - 1)
}

/** Root and leaves over the records of one partition. */
export class HashTree {
  readonly #leaves: Uint8Array
  readonly #count: number
  /** The digest of all leaves, until a record is added: it is asked for far more often than the leaves change. */
  #root: Uint8Array | undefined
  /** How many records were added. */
  records = 0

  /** @param leaves a power of two */
  constructor(leaves: number) {
    this.#leaves = new Uint8Array(leaves * digestBytes)
    this.#count = leaves
  }

  /** Adds a record. */
  add(digest: RecordDigest): void {
    const at = leafOf(digest, this.#count) * digestBytes
    const leaves = this.#leaves
    writeU32(leaves, at, readU32(leaves, at) ^ digest.high)
    writeU32(leaves, at + 4, readU32(leaves, at + 4) ^ digest.low)
    this.records += 1
    this.#root = undefined
  }

  /**
   * Digests of so many leaves, one after the other; of all that there are when there are no more. Of fewer, each is the
   * exclusive or of several: so two trees of any size can be compared on a level of the asker's choice.
   * @param count a power of two
   */
  leaves(count: number): Uint8Array {
    const folded = new Uint8Array(Math.min(count, this.#count) * digestBytes)
    for (let i = 0; i < this.#leaves.length; i++)
      folded[i & (folded.length - 1)]! ^= this.#leaves[i]!
    return folded
  }

  /** The digest of all leaves. */
  root(): Uint8Array {
    return (this.#root ??= this.#digest())
  }

  /** Takes the root over from an earlier tree whose leaves are the same: comparing them is cheaper than a digest. */
  follow(before: HashTree | undefined): void {
    if (before === undefined || before.#root === undefined) return
    if (asBuffer(before.#leaves).equals(this.#leaves)) this.#root = before.#root
  }

  #digest(): Uint8Array {
    const digest = new RecordDigest(0)
    digest.compute('', this.#leaves, 0, this.#leaves.length)
    return digestOf(digest)
  }

  /** Which of their leaves differ from this tree's. */
  differing(theirs: Uint8Array): readonly number[] {
    const count = Math.min(this.#count, Math.floor(theirs.length / digestBytes))
    const mine = this.leaves(count)
    const found: number[] = []
    for (let leaf = 0; leaf < count; leaf++) {
      if (!isSameDigest(mine, theirs, leaf * digestBytes)) found.push(leaf)
    }
    return found
  }
}

/** The digest that was computed last, as bytes of its own. */
export function digestOf({ high, low }: RecordDigest): Uint8Array {
  const bytes = new Uint8Array(digestBytes)
  writeU32(bytes, 0, high)
  writeU32(bytes, 4, low)
  return bytes
}

/** Whether two lists of digests agree at an offset. */
export function isSameDigest(one: Uint8Array, other: Uint8Array, at = 0): boolean {
  for (let i = at; i < at + digestBytes; i++) if (one[i] !== other[i]) return false
  return true
}
