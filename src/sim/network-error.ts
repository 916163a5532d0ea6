/**
 * The errors that the simulated network gives to `ConnectionHandler.close`, of the same shape as
 * those of the other transports: what happened is told by the `code` of the cause.
 */

import { StoreError, TimeoutError } from '../base/errors.ts'

/** Nobody listens at the address. Nothing was sent. */
export function connectionRefused(address: string): StoreError {
  return failure(`nobody listens at ${address}`, 'ECONNREFUSED')
}

/** The connection broke. What was on its way may or may not have arrived. */
export function connectionReset(message: string): StoreError {
  return failure(message, 'ECONNRESET')
}

/** Nothing got through for too long. What was on its way may or may not have arrived. */
export function connectionTimeout(message: string, afterMs: number): TimeoutError {
  return new TimeoutError(message, { afterMs, cause: withCode('ETIMEDOUT', message) })
}

/** The other end closed the connection in good order. */
export function closedByOtherEnd(name: string): StoreError {
  return new StoreError('ERR_PROTOCOL', `${name} closed the connection`)
}

function failure(message: string, code: string): StoreError {
  return new StoreError('ERR_PROTOCOL', message, withCode(code, message))
}

function withCode(code: string, message: string): Error {
  return Object.assign(new Error(`${code}: ${message}`), { code })
}
