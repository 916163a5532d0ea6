/** A cold request as a promise: packed body, packed result, one timer. */
import { ProtocolError, TimeoutError, type StoreError } from '../base/errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Channel } from './channel.ts'
import { unpackFailure } from './failure.ts'
import { callFrame } from './frame-buffer.ts'
import { frameType } from './frame.ts'
import { pack, unpack } from './pack.ts'
import type { AnswerFrame } from './pending-calls.ts'

/** Why a request has no result. */
export interface RequestOutcome {
  readonly error: StoreError
  /** Whether the peer may have acted on the request. */
  readonly sent: boolean
  /** Whether the error is the peer's own answer. */
  readonly answered: boolean
}

/** How long a request waits, by which clock, and the epoch under which it is made. */
export interface RequestWait {
  readonly clock: Clock
  readonly timeoutMs: number
  readonly epoch: number
}

/**
 * Resolves with the result's tuple, or with why there is none: an expected outcome, so never by rejection.
 */
export function request(
  channel: Channel,
  body: readonly unknown[],
  wait: RequestWait,
): Promise<readonly unknown[] | RequestOutcome> {
  return requestPacked(channel, pack(body), wait)
}

/** The same for a body that is packed already, once for many peers. */
export function requestPacked(
  channel: Channel,
  body: Uint8Array,
  { clock, timeoutMs, epoch }: RequestWait,
): Promise<readonly unknown[] | RequestOutcome> {
  return new Promise((resolve) => {
    const sink = {
      answered: (_tag: number, frame: AnswerFrame): void => {
        timer.cancel()
        resolve(readResult(frame))
      },
      unanswered: (_tag: number, error: StoreError, sent: boolean): void => {
        timer.cancel()
        resolve({ error, sent, answered: false })
      },
    }
    const frame = callFrame({ epoch, timeLeftMs: timeoutMs }, body)
    const id = channel.call(sink, 0, frame)
    if (id === undefined) {
      return resolve({ error: channel.lastError, sent: false, answered: false })
    }
    const timer = clock.after(timeoutMs, () => {
      channel.abandon(id)
      const error = new TimeoutError(`no answer within ${timeoutMs} ms`, { afterMs: timeoutMs })
      resolve({ error, sent: true, answered: false })
    })
  })
}

function readResult(frame: AnswerFrame): readonly unknown[] | RequestOutcome {
  const { type, bytes, bodyStart, end } = frame
  if (type === frameType.failed) {
    return { error: unpackFailure(bytes, bodyStart, end), sent: true, answered: true }
  }
  const tuple = type === frameType.result ? unpack(bytes, bodyStart, end) : undefined
  if (tuple !== undefined) return tuple
  const error = new ProtocolError('the peer gave no sensible answer')
  return { error, sent: true, answered: false }
}

/** Whether the request failed. */
export function isFailure(outcome: readonly unknown[] | RequestOutcome): outcome is RequestOutcome {
  return 'error' in outcome
}
