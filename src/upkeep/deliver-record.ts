/** Brings one record to one owner and waits for its durable acknowledgement; or asks whether it has it. */
import { StoreError, TimeoutError } from '../base/errors.ts'
import type { Clock } from '../ports/clock.ts'
import { storedHeaderBytes } from '../replica/stored-record.ts'
import type { Channel } from '../rpc/channel.ts'
import { unpackFailure } from '../rpc/failure.ts'
import { frameType } from '../rpc/frame.ts'
import { getFrame, inBackground, putFrame, type Frame } from '../rpc/frame-buffer.ts'
import type { AnswerFrame } from '../rpc/pending-calls.ts'

/** How long it is waited, and under which epoch it is asked. */
export interface Wait {
  readonly clock: Clock
  readonly timeoutMs: number
  readonly epoch: number
}

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
  wait: Wait,
): Promise<StoreError | undefined> {
  const { partition, key, stored, hintFor } = record
  const head = { epoch: wait.epoch, timeLeftMs: wait.timeoutMs }
  const frame = putFrame(head, { partition, key, hintFor }, stored, storedHeaderBytes)
  return answerTo(channel, frame, wait, { answered: problemOf, failed: (error) => error })
}

/** Resolves with whether the owner has this very record, which only names its version. */
export function hasRecord(
  channel: Channel,
  { partition, key, stored }: { partition: number; key: string; stored: Uint8Array },
  wait: Wait,
): Promise<boolean> {
  const head = { epoch: wait.epoch, timeLeftMs: wait.timeoutMs }
  const known = { bytes: stored, start: storedHeaderBytes }
  const kind = stored[storedHeaderBytes + 1]!
  return answerTo(channel, getFrame(head, { partition, kind, key }, known), wait, {
    answered: ({ type }) => type === frameType.same,
    failed: () => false,
  })
}

/** Sends a request of background work. Resolves with what the owner's answer means, or that there is none. */
export function answerTo<T>(
  channel: Channel,
  frame: Frame,
  { clock, timeoutMs }: Wait,
  meaning: { answered(frame: AnswerFrame): T; failed(error: StoreError): T },
): Promise<T> {
  return new Promise((resolve) => {
    const sink = {
      answered: (_tag: number, answer: AnswerFrame): void => {
        timer.cancel()
        resolve(meaning.answered(answer))
      },
      unanswered: (_tag: number, error: StoreError): void => {
        timer.cancel()
        resolve(meaning.failed(error))
      },
    }
    const call = channel.call(sink, 0, inBackground(frame))
    if (call === undefined) return resolve(meaning.failed(channel.lastError))
    const timer = clock.after(timeoutMs, () => {
      channel.abandon(call)
      const late = new TimeoutError(`no answer within ${timeoutMs} ms`, { afterMs: timeoutMs })
      resolve(meaning.failed(late))
    })
  })
}

/** What an answer to a record says went wrong; undefined when the owner has it. */
export function problemOf({ type, bytes, bodyStart, end }: AnswerFrame): StoreError | undefined {
  if (type === frameType.stored) return undefined
  if (type === frameType.failed) return unpackFailure(bytes, bodyStart, end)
  return new StoreError('ERR_PROTOCOL', 'the owner works under another ring configuration')
}

/** The peer is away or behind: it is tried again, there is nothing to tell. */
export function isTransient(error: StoreError): boolean {
  return (
    error.code === 'ERR_TIMEOUT' || error.code === 'ERR_PROTOCOL' || error.code === 'ERR_CLOSED'
  )
}
