/** The keys of a workload: how they are spelt, and how many a machine can bear. */

/** Most keys that can be asked for: their strings alone take 400 MB. */
export const keysMax = 10_000_000

/** `k000000000000000` and so on, of 16 bytes each. */
export function makeKeys(count: number): string[] {
  const bytes = Buffer.alloc(16)
  return Array.from({ length: count }, (_, i) => {
    // A string that is put together keeps its parts, and is flattened when it is first used: three times the memory,
    // some of which would be taken for the store's.
    bytes.write(`k${String(i).padStart(15, '0')}`, 'latin1')
    return bytes.toString('latin1')
  })
}

/** What a key takes beside its value in each copy in memory: the library's 106 bytes, its own 16, and some room. */
const storedKeyBytes = 150
/** A string of 16 characters and its place in an array. */
const keyStringBytes = 40

/** Keys in the memory of one machine. */
export interface KeysInMemory {
  readonly keyCount: number
  readonly valueBytes: number
  readonly copies: number
}

/** About how much memory they need, in bytes. */
export function memoryNeeded({ keyCount, valueBytes, copies }: KeysInMemory): number {
  return keyCount * (keyStringBytes + copies * (storedKeyBytes + valueBytes))
}
