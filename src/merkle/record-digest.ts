/**
 * The digest of a record under its key: what replicas compare in place of the record. 64 bits over every byte, clock
 * and values (HAZARDS G2: a digest of the clock alone never sees that a value is another one). It is keyed by a number
 * of the cluster's own, so that nobody outside can prepare two records with one digest.
 *
 * Two lanes of MurmurHash3's mixing, each fed with every word, in one pass: about a nanosecond for each byte.
 */
import { readU32 } from '../base/bytes.ts'

/** Bytes of a digest. */
export const digestBytes = 8

/** Computes digests. One object for many of them, so that none is allocated. */
export class RecordDigest {
  readonly #key: number
  /** The two halves of the digest that was computed last. */
  high = 0
  low = 0
  /** A hash of the storage key alone: tells its leaf. */
  place = 0

  /** @param key 32 bits; equal on all nodes of a cluster. */
  constructor(key: number) {
    this.#key = key | 0
  }

  /** Of the bytes `[start, end)` under a storage key, a byte string. */
  compute(key: string, bytes: Uint8Array, start: number, end: number): void {
    let high = this.#key ^ 0x9e3779b9
    let low = this.#key ^ 0x7f4a7c15
    for (let i = 0; i < key.length; i++) {
      high = mixHigh(high, key.charCodeAt(i))
      low = mixLow(low, key.charCodeAt(i))
    }
    this.place = finish(high ^ key.length)
    let at = start
    for (; at + 4 <= end; at += 4) {
      const word = readU32(bytes, at) | 0
      high = mixHigh(high, word)
      low = (mixLow(low, word) + high) | 0
    }
    for (; at < end; at++) {
      high = mixHigh(high, bytes[at]! | 0x100)
      low = (mixLow(low, bytes[at]! | 0x100) + high) | 0
    }
    high = finish(high ^ (end - start) ^ low)
    low = finish(low + high)
    this.high = high
    this.low = low
  }
}

function mixHigh(hash: number, word: number): number {
  const mixed = Math.imul(word, 0xcc9e2d51)
  const both = hash ^ Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593)
  return (Math.imul((both << 13) | (both >>> 19), 5) + 0xe6546b64) | 0
}

function mixLow(hash: number, word: number): number {
  const mixed = Math.imul(word, 0x239b961b)
  const both = hash ^ Math.imul((mixed << 16) | (mixed >>> 16), 0xab0e9789)
  return (Math.imul((both << 17) | (both >>> 15), 5) + 0x561ccd1b) | 0
}

function finish(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
