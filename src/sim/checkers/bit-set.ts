/** Sets of writes of one key, as bits: write i is bit i. */

/** Bits of a fixed number of writes. */
export type Bits = Uint32Array

/** A set of up to `count` writes, empty. */
export function emptyBits(count: number): Bits {
  return new Uint32Array((count + 31) >>> 5)
}

/** Adds one write. */
export function addBit(bits: Bits, index: number): void {
  bits[index >>> 5]! |= 1 << (index & 31)
}

/** Whether the write is in the set. */
export function hasBit(bits: Bits, index: number): boolean {
  return (bits[index >>> 5]! & (1 << (index & 31))) !== 0
}

/** Adds all of `other`. */
export function addAll(bits: Bits, other: Bits): void {
  for (let i = 0; i < bits.length; i++) bits[i]! |= other[i]!
}

/** Takes away all of `other`. */
export function removeAll(bits: Bits, other: Bits): void {
  for (let i = 0; i < bits.length; i++) bits[i]! &= ~other[i]!
}

/** Adds the writes 0 to `count` − 1. */
export function addFirst(bits: Bits, count: number): void {
  const whole = count >>> 5
  bits.fill(0xffffffff, 0, whole)
  if ((count & 31) !== 0) bits[whole]! |= (1 << (count & 31)) - 1
}

/** Takes away the writes from `count` on. */
export function keepFirst(bits: Bits, count: number): void {
  const whole = count >>> 5
  if (whole >= bits.length) return
  bits[whole]! &= (1 << (count & 31)) - 1
  bits.fill(0, whole + 1)
}

/** Indexes that are in `bits` and not in `without`. */
export function difference(bits: Bits, without: Bits): number[] {
  const found: number[] = []
  for (let i = 0; i < bits.length; i++) {
    let word = bits[i]! & ~without[i]!
    while (word !== 0) {
      found.push((i << 5) + (31 - Math.clz32(word & -word)))
      word &= word - 1
    }
  }
  return found
}
