/** Randomness of the operating system. */

import { randomFillSync } from 'node:crypto'
import type { Random } from '../ports/random.ts'

/** A call of the generator costs a microsecond and more, whatever it returns: small requests share one. */
const POOL_BYTES = 4096

/** Requests above this are filled by a call of their own, so that one does not eat the pool. */
const POOLED_REQUEST_BYTES_MAX = 256

/** `bytes` is cryptographically strong; `float` is not, and need not be. */
export function systemRandom(): Random {
  const pool = new Uint8Array(POOL_BYTES)
  let used = POOL_BYTES

  return {
    float: () => Math.random(),
    bytes(count) {
      if (count > POOLED_REQUEST_BYTES_MAX) return randomFillSync(new Uint8Array(count))
      if (used + count > POOL_BYTES) {
        randomFillSync(pool)
        used = 0
      }
      // A copy, wiped from the pool: bytes handed out as a secret stay with whoever asked for them.
      const bytes = pool.slice(used, used + count)
      pool.fill(0, used, used + count)
      used += count
      return bytes
    },
  }
}
