/** A walk over all that a storage keeps of one partition, in the order of the keys. */
import type { Storage, StorageEntry } from '../ports/storage.ts'

/** Pages of `limit` entries, the last one shorter. None is empty. What is written meanwhile may be in it or not. */
export async function* pagesOf(
  storage: Storage,
  partition: number,
  limit: number,
): AsyncGenerator<readonly StorageEntry[], void, void> {
  let after: string | undefined
  for (;;) {
    const page = await storage.scan(partition, { limit, ...(after === undefined ? {} : { after }) })
    if (page.length > 0) yield page
    if (page.length < limit) return
    after = page[page.length - 1]!.key
  }
}
