/**
 * Listens to the nodes of a simulation: shows their events to whoever watches the trace, and finds
 * the errors that no node may have, wherever they were caught.
 */

import { BrokenInvariantError } from '../base/assert.ts'
import { StoreError } from '../base/errors.ts'
import type { Bucket } from '../node/bucket.ts'
import type { BucketOptions, RequestOptions } from '../node/bucket-options.ts'
import type { Scan } from '../node/bucket-scan.ts'
import type { CoterieNode } from '../node/coterie-node.ts'
import type { Trace } from './trace.ts'

/**
 * Trouble of the world is a `StoreError`, and a node may have that in the background, or reject an
 * operation with it. Anything else is a mistake in the code, and so is what an assertion threw,
 * whatever was wrapped around it. Scenarios catch what operations reject with: so it is found here.
 * @param failed told of such a mistake.
 */
export function watchNode(
  node: CoterieNode,
  { name, trace, failed }: { name: string; trace: Trace; failed: (error: Error) => void },
): void {
  node.on('background-error', ({ error }) => {
    if (isMistake(error)) failed(error)
  })
  watchBuckets(node, failed)
  if (!trace.isWatched) return
  const show = (event: string, text: string): void => trace.show(name, 'event', `${event} ${text}`)
  for (const event of ['member-up', 'member-suspect', 'member-down', 'member-left'] as const) {
    node.on(event, ({ id }) => show(event, id))
  }
  for (const event of ['hint-stored', 'hints-delivered'] as const) {
    node.on(event, ({ target, count }) => show(event, `${target} ${count}`))
  }
  node.on('ring-change', ({ epoch }) => show('ring-change', String(epoch)))
  node.on('read-repair', ({ bucket, key, replicas }) => {
    show('read-repair', `${bucket} ${key} ${replicas.join()}`)
  })
  node.on('background-error', ({ task, error }) => {
    show('background-error', `${task}: ${error.message}`)
  })
}

/** Lets every bucket that the node opens from now on tell of mistakes, whoever catches them. */
function watchBuckets(node: CoterieNode, failed: (error: Error) => void): void {
  const open = node.bucket.bind(node)
  const watched = new WeakMap<Bucket<unknown>, Bucket<unknown>>()
  node.bucket = <V>(name: string, options?: BucketOptions<V>): Bucket<V> => {
    const bucket = open(name, options) as Bucket<unknown>
    let watching = watched.get(bucket)
    if (watching === undefined) watched.set(bucket, (watching = watchBucket(bucket, failed)))
    return watching as Bucket<V>
  }
}

function watchBucket(bucket: Bucket<unknown>, failed: (error: Error) => void): Bucket<unknown> {
  /** The same rejection: its owner has to handle it as before. */
  const watch = <T>(work: Promise<T>, options: RequestOptions | undefined): Promise<T> =>
    work.catch((error: unknown) => {
      const { signal } = options ?? {}
      const isAborted = signal?.aborted === true && signal.reason === error
      if (!isAborted && error instanceof Error && isMistake(error)) failed(error)
      throw error
    })
  const watchScan = <T>(scan: Scan<T>, options: RequestOptions | undefined): Scan<T> => {
    const next = scan.next.bind(scan)
    scan.next = () => watch(next(), options)
    return scan
  }
  return {
    name: bucket.name,
    get: (key, options) => watch(bucket.get(key, options), options),
    getMany: (keys, options) => watch(bucket.getMany(keys, options), options),
    put: (key, value, options) => watch(bucket.put(key, value, options), options),
    putMany: (writes, options) => watch(bucket.putMany(writes, options), options),
    delete: (key, options) => watch(bucket.delete(key, options), options),
    entries: (options) => watchScan(bucket.entries(options), options),
    keys: (options) => watchScan(bucket.keys(options), options),
    // Its function is the scenario's, and may throw what it likes.
    update: (key, change, options) =>
      bucket.update(key, change, options).catch((error: unknown) => {
        if (error instanceof Error && isBrokenInvariant(error)) failed(error)
        throw error
      }),
  }
}

function isMistake(error: Error): boolean {
  return !(error instanceof StoreError) || isBrokenInvariant(error)
}

/** Whether `assert` threw the error, or one that caused it. */
function isBrokenInvariant(error: Error): boolean {
  if (error instanceof BrokenInvariantError) return true
  return error.cause instanceof Error && isBrokenInvariant(error.cause)
}
