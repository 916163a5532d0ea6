/**
 * The hash of the ring: of keys, and of members onto the ring. The only file that knows which function it is.
 * Every node of a cluster must compute the same, for ever: a change of this file is a change of the data's format.
 */
import mh from 'murmurhash3js-revisited'

/**
 * MurmurHash3 x86 32 of the bytes, seed 0: 0 to 2³² − 1.
 * Takes bytes only, because the package answers a string with a silent `undefined`.
 */
export function hashKey(bytes: Uint8Array): number {
  return mh.x86.hash32(bytes)
}

/**
 * The partition that a hash falls into: its top bits, so that partition p holds the hashes from p × 2³² / Q on.
 * @param partitions Q, a power of two from 1 to 65 536.
 */
export function partitionOf(hash: number, partitions: number): number {
  // Shifted in two steps: for Q = 1 the shift is by 32 bits, which JavaScript takes for a shift by none.
  return (hash >>> 1) >>> Math.clz32(partitions)
}
