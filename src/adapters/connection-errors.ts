/**
 * The errors that a transport gives to `ConnectionHandler.close`. Whoever must tell a closed port from a silent
 * network looks at the code of the cause: `ECONNREFUSED` means that nobody listens there, now; `ETIMEDOUT` that
 * nothing answered in time. Transports without sockets use the same codes.
 */
import { StoreError, TimeoutError } from '../base/errors.ts'

/** The connection could not be made or is gone. The frames still queued on it may or may not have arrived. */
export function connectionError(message: string, cause?: unknown): StoreError {
  return new StoreError('ERR_PROTOCOL', message, cause)
}

/** Nobody listens at `address`. Nothing was sent. */
export function connectionRefused(address: string): StoreError {
  return connectionError(
    `nobody listens at ${address}`,
    withCode('ECONNREFUSED', `connect ECONNREFUSED ${address}`),
  )
}

/** A step of making a connection took too long. No frame was sent. */
export function connectionTimeout(message: string, afterMs: number): TimeoutError {
  return new TimeoutError(message, { afterMs, cause: withCode('ETIMEDOUT', message) })
}

/** The other end closed an open connection in good order. */
export function closedByOtherEnd(remote: string): StoreError {
  return connectionError(`${remote} closed the connection`)
}

function withCode(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
