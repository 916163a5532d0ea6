/** The error of an operation that is refused before any work. */
import { OverloadedError } from '../base/errors.ts'

/** Without a stack: to note one costs more than all the rest of a refusal, and it would tell nothing. */
export function overloaded(message: string): OverloadedError {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  const error = new OverloadedError(message)
  Error.stackTraceLimit = stackTraceLimit
  return error
}

/** As many operations are under way as may be. */
export function tooManyInFlight(inFlightMax: number): OverloadedError {
  return overloaded(`${inFlightMax} operations are under way: try again later`)
}
