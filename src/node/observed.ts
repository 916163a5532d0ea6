/** An operation that somebody observes: told when it starts and when it ends. */
import type { OperationChannel } from '../ports/diagnostics.ts'
import type { BucketNode } from './bucket-node.ts'

let operations = 0

/** What is told of an operation, and where. */
export interface Observed {
  readonly channel: OperationChannel
  readonly bucket: string
  readonly key: unknown
  readonly options: { readonly signal?: AbortSignal | undefined } | undefined
}

/** Runs the operation, and tells. Gives back its own promise. */
export function observed<T>(
  { coordination }: BucketNode,
  { channel, bucket, key, options }: Observed,
  run: () => Promise<T>,
): Promise<T> {
  const { selfId: node, clock } = coordination
  operations += 1
  const keyBytes = typeof key === 'string' ? Buffer.byteLength(key) : 0
  const about = { operation: operations, node, bucket, keyBytes }
  const startedMs = clock.monotonicMs()
  channel.publish({ phase: 'start', ...about })
  const end = (outcome: string): void => {
    const durationMs = clock.monotonicMs() - startedMs
    channel.publish({ phase: 'end', ...about, outcome, durationMs })
  }
  const running = run()
  running.then(
    () => end('done'),
    (error: unknown) => end(outcomeOf(error, options?.signal)),
  )
  return running
}

function outcomeOf(error: unknown, signal: AbortSignal | undefined): string {
  if (signal?.aborted === true && error === signal.reason) return 'aborted'
  const code = (error as { code?: unknown } | undefined | null)?.code
  return typeof code === 'string' ? code : 'failed'
}
