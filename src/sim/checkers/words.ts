/** Operations in plain words, for the messages of checkers. */

import type { Operation } from '../history/operation.ts'

const charsMax = 80

/** `"42" in bucket "cart"`. */
export function placeInWords({ bucket, key }: { bucket: string; key: string }): string {
  return `${JSON.stringify(key)} in bucket ${JSON.stringify(bucket)}`
}

/** `session 1 put a (3 to 4)`: who did what, when, and how it ended if it was not well. */
export function inWords(operation: Operation): string {
  const { session, start, end, outcome } = operation
  const time = end === undefined ? `from ${start} on` : `${start} to ${end}`
  const ending = { ok: '', failed: ', failed', unknown: ', outcome unknown' }[outcome]
  return `session ${session} ${deed(operation)} (${time}${ending})`
}

function deed({ kind, outcome, siblings = [], value = '' }: Operation): string {
  if (kind === 'delete') return 'deleted it'
  if (kind === 'put') return `put ${cut(value)}`
  return outcome === 'ok' ? `read ${valuesInWords(siblings)}` : 'read'
}

/** `nothing`, `a`, `a and b`, `a, b and c`. */
export function valuesInWords(values: readonly string[]): string {
  if (values.length === 0) return 'nothing'
  const words = values.map(cut)
  const last = words.pop()!
  return words.length === 0 ? last : `${words.join(', ')} and ${last}`
}

function cut(text: string): string {
  return text.length > charsMax ? `${text.slice(0, charsMax)}…` : text
}
