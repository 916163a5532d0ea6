/**
 * Hands over a whole partition that is marked dirty for a member, page by page: to the member, or to all who own the
 * partition now. What the receiver has already is not sent. The mark goes when each record was acknowledged durably,
 * and only if nothing was marked anew meanwhile (HAZARDS F5).
 */
import type { Storage, StorageEntry } from '../ports/storage.ts'
import type { DirtyMark, Hint, HintStore } from '../replica/hint-store.ts'
import { pagesOf } from '../replica/pages.ts'
import type { ReplicaStore } from '../replica/replica-store.ts'
import { openStored } from '../replica/stored-record.ts'
import type { Ring } from '../ring/ring.ts'
import type { KeptRecord } from './deliver-records.ts'
import type { RecordSender } from './record-sender.ts'
import { mayHave, recipientsOf } from './recipients.ts'

/** Records that are read at once. */
const pageLength = 64

/** What a transfer needs of its node. */
export interface PartitionTransferOptions {
  readonly selfId: string
  readonly store: ReplicaStore
  readonly hints: HintStore
  readonly storage: Storage
  readonly sender: RecordSender
  ring(): Ring | undefined
  isClosed(): boolean
  /** Gets a damaged record anew from the owners that are not the target. */
  mend(ring: Ring, hint: Hint): Promise<'mended' | 'lost' | 'unknown'>
  /** So many records were handed over. */
  handedOver(count: number): void
}

/** True when every record of the partition was delivered and the mark is gone. */
export async function transferPartition(
  node: PartitionTransferOptions,
  mark: DirtyMark,
): Promise<boolean> {
  const { storage, hints } = node
  const { partition } = mark
  const revision = hints.dirtyRevision(mark)
  if (revision === undefined) return true
  for await (const page of pagesOf(storage, partition, pageLength)) {
    const ring = node.ring()
    if (node.isClosed() || ring === undefined) return false
    if (!(await deliverPage(node, ring, mark, page))) return false
    node.handedOver(page.length)
  }
  if (node.isClosed()) return false
  const cleaned = hints.clean(mark, revision)
  if (cleaned.length === 0) return false
  await storage.write(cleaned)
  return true
}

/** True unless something of it must be tried again. */
async function deliverPage(
  node: PartitionTransferOptions,
  ring: Ring,
  mark: DirtyMark,
  page: readonly StorageEntry[],
): Promise<boolean> {
  const read = await Promise.all(page.map((entry) => soundRecord(node, ring, mark, entry)))
  const records = read.filter((each) => typeof each !== 'string')
  const recipients = recipientsOf(ring, mark, node.selfId)
  const [only] = recipients
  const isAsked = only !== undefined && recipients.length === 1 && mayHave(ring, mark, node.selfId)
  const missing = isAsked ? await node.sender.missing(ring, only, records) : records
  const isSent = await node.sender.send(ring, recipients, missing)
  return isSent && !read.includes('unknown')
}

/** `gone`: there is nothing to be handed over. `unknown`: it is damaged, and was not got anew. */
async function soundRecord(
  node: PartitionTransferOptions,
  ring: Ring,
  mark: DirtyMark,
  { key, value }: StorageEntry,
): Promise<KeptRecord | 'gone' | 'unknown'> {
  const { partition } = mark
  let stored = openStored(value, key)
  if (stored === 'damaged') {
    const outcome = await node.mend(ring, { ...mark, key })
    if (outcome !== 'mended') return outcome === 'lost' ? 'gone' : 'unknown'
    stored = await node.store.read(partition, key)
  }
  return stored instanceof Uint8Array ? { partition, key, stored } : 'gone'
}
