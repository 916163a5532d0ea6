/** Channels of `node:diagnostics_channel`, one for each kind of operation, shared by all nodes of the process. */
import { channel } from 'node:diagnostics_channel'
import type { Diagnostics } from '../ports/diagnostics.ts'

const diagnostics: Diagnostics = Object.freeze({
  get: channel('coterie:get'),
  put: channel('coterie:put'),
  delete: channel('coterie:delete'),
})

/** `coterie:get`, `coterie:put` and `coterie:delete`. */
export function processDiagnostics(): Diagnostics {
  return diagnostics
}
