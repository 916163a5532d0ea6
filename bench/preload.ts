/** Writes all keys before anything is measured. */

/** Most writes at once, and most bytes of their values: probes of members wait behind them. */
const batchMax = 500
const batchBytesMax = 2 ** 20

/** Writes the value under each key once, a batch after the other. */
export async function preload(
  { keys, value }: { readonly keys: readonly string[]; readonly value: Uint8Array },
  put: (key: string) => Promise<unknown>,
): Promise<void> {
  const fitting = Math.floor(batchBytesMax / value.length)
  const batchLength = Math.max(1, Math.min(batchMax, fitting))
  for (let i = 0; i < keys.length; i += batchLength) {
    await Promise.all(keys.slice(i, i + batchLength).map(put))
  }
}
