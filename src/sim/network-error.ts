/** Errors of the simulated network: like those of Node's sockets, they are told apart by `code`. */

export type NetworkErrorCode = 'ECONNREFUSED' | 'ECONNRESET' | 'ETIMEDOUT'

export interface NetworkError extends Error {
  readonly code: NetworkErrorCode
}

export function networkError(code: NetworkErrorCode, message: string): NetworkError {
  return Object.assign(new Error(`${code}: ${message}`), { code })
}
