/** Empties the storage of a node that is to begin anew under its identity. */
import type { Storage } from '../ports/storage.ts'
import { pagesOf } from './pages.ts'
import { dirtyPartition, hintsPartition } from './places.ts'

const pageLength = 1000

/** Removes all records of partitions 0 to Q − 1, and all hints and marks. Durable when the promise resolves. */
export async function removeRecords(storage: Storage, partitions: number): Promise<void> {
  for (let partition = 0; partition < partitions; partition++) await empty(storage, partition)
  await empty(storage, hintsPartition)
  await empty(storage, dirtyPartition)
}

async function empty(storage: Storage, partition: number): Promise<void> {
  for await (const page of pagesOf(storage, partition, pageLength))
    await storage.write(page.map(({ key }) => ({ partition, key, value: undefined })))
}
