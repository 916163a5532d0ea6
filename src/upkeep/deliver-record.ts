/** Brings one record to one owner and waits for its durable acknowledgement. */
import { StoreError, TimeoutError } from '../base/errors.ts'
import type { Clock } from '../ports/clock.ts'
import { storedHeaderBytes } from '../replica/stored-record.ts'
import type { Channel } from '../rpc/channel.ts'
import { unpackFailure } from '../rpc/failure.ts'
import { frameType } from '../rpc/frame.ts'
import { putFrame } from '../rpc/frame-buffer.ts'
import type { AnswerFrame } from '../rpc/pending-calls.ts'

/**
 * Resolves with what went wrong, or with undefined when the owner has the record.
 * @param record.hintFor members for which the receiver is to keep a hint, because it stands in for them.
 */
export function deliverRecord(
  channel: Channel,
  record: {
    partition: number
    key: string
    stored: Uint8Array
    hintFor: readonly string[]
  },
  { clock, timeoutMs, epoch }: { clock: Clock; timeoutMs: number; epoch: number },
): Promise<StoreError | undefined> {
  return new Promise((resolve) => {
    const sink = {
      answered: (_tag: number, frame: AnswerFrame): void => {
        timer.cancel()
        resolve(problemOf(frame))
      },
      unanswered: (_tag: number, error: StoreError): void => {
        timer.cancel()
        resolve(error)
      },
    }
    const { partition, key, stored, hintFor } = record
    const head = { epoch, timeLeftMs: timeoutMs }
    const frame = putFrame(head, { partition, key, hintFor }, stored, storedHeaderBytes)
    const call = channel.call(sink, 0, frame)
    const timer = clock.after(call === undefined ? 0 : timeoutMs, () => {
      if (call === undefined) return resolve(channel.lastError)
      channel.abandon(call)
      resolve(new TimeoutError(`no answer within ${timeoutMs} ms`, { afterMs: timeoutMs }))
    })
  })
}

function problemOf({ type, bytes, bodyStart, end }: AnswerFrame): StoreError | undefined {
  if (type === frameType.stored) return undefined
  if (type === frameType.failed) return unpackFailure(bytes, bodyStart, end)
  return new StoreError('ERR_PROTOCOL', 'the owner works under another ring configuration')
}
