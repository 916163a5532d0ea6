/**
 * Gets a record that is damaged here anew from the members that own it. What a read of the key would do, without a
 * read: a hint must not wait for one (HAZARDS H3, C3).
 */
import type { Clock } from '../ports/clock.ts'
import type { ReplicaStore } from '../replica/replica-store.ts'
import { storedHeaderBytes } from '../replica/stored-record.ts'
import type { Channel } from '../rpc/channel.ts'
import { isFailure, request } from '../rpc/request.ts'
import { isRecord } from '../versions/record-layout.ts'

/** Asks a member for the record that it stores. */
export const recordCall = 'record'

interface Place {
  readonly partition: number
  readonly key: string
}

/** What mending needs of the node. */
export interface MendOptions {
  readonly store: ReplicaStore
  readonly clock: Clock
  readonly timeoutMs: number
  data(id: string): Channel
}

/**
 * `mended`: some owner has the record, and this node has it again. `lost`: each of them answered, and none has it, or
 * only a damaged one.
 * `unknown`: some did not answer.
 * @param owners the owners to be asked, without this node.
 */
export async function mendRecord(
  options: MendOptions,
  { partition, key }: Place,
  { owners, epoch }: { readonly owners: readonly string[]; readonly epoch: number },
): Promise<'mended' | 'lost' | 'unknown'> {
  const { store, clock, timeoutMs } = options
  const wait = { clock, timeoutMs, epoch }
  const answers = await Promise.all(
    owners.map((id) => request(options.data(id), [recordCall, partition, key], wait)),
  )
  let isMended = false
  for (const answer of answers) {
    const bytes = isFailure(answer) ? undefined : answer[0]
    if (!(bytes instanceof Uint8Array) || !isRecord(bytes, 0, bytes.length)) continue
    await store.merge(partition, key, { bytes, start: 0, end: bytes.length })
    isMended = true
  }
  if (isMended) return 'mended'
  return answers.some(isFailure) ? 'unknown' : 'lost'
}

/** The answer to `recordCall`: the record, nil for none, false for a damaged one. */
export async function recordAnswer(
  store: ReplicaStore,
  partition: number,
  key: string,
): Promise<readonly unknown[]> {
  const stored = await store.read(partition, key)
  if (stored === 'damaged') return [false]
  return [stored === undefined ? null : stored.subarray(storedHeaderBytes)]
}
