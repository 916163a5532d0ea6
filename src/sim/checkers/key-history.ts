/**
 * The operations of one key, sorted and put in relation: which writes each read showed, and whose
 * context each write was given. Refuses malformed histories, and tells which keys cannot be checked.
 */

import { InvalidArgumentError } from '../../base/errors.ts'
import type { History } from '../history/history.ts'
import { checkOperation, type Operation, type OperationId } from '../history/operation.ts'
import { inWords, placeInWords, valuesInWords } from './words.ts'

/** A put or delete. */
export interface Write {
  readonly operation: Operation
  /** Its position among the writes of the key, in the order of their starts. */
  readonly index: number
  readonly start: number
  /** When it was acknowledged, if it was. */
  readonly acknowledgedAt: number | undefined
}

/** A read that ended well. */
export interface Read {
  readonly operation: Operation
  readonly start: number
  readonly end: number
  /** The writes whose values it returned, each once. */
  readonly shown: readonly Write[]
  /** What it returned that nobody wrote. */
  readonly strange: readonly string[]
}

/** Whose context a write was given. */
export type Source =
  | { readonly kind: 'read'; readonly read: Read }
  | { readonly kind: 'receipt'; readonly write: Write }
  /** Nobody knows what is in it, but that it all had been asked for at `before`. */
  | { readonly kind: 'unseen'; readonly before: number }
  | { readonly kind: 'null' }
  /** None: what the coordinating replica held. */
  | { readonly kind: 'plain' }

/** One key of one bucket. */
export interface KeyHistory {
  readonly bucket: string
  readonly key: string
  /** By start. */
  readonly writes: readonly Write[]
  /** By start. Without those that show values merged into one. */
  readonly reads: readonly Read[]
  /** By the index of the write. */
  readonly sources: readonly Source[]
  /** Why nothing can be said of the key: nobody knows which write a value that was read is of. */
  readonly ambiguity?: string
}

/**
 * The history by key, in the order in which the keys first occur.
 * @throws {InvalidArgumentError} when it is malformed.
 */
export function keyHistories(history: History): KeyHistory[] {
  const byKey = new Map<string, Operation[]>()
  const byId = new Map<OperationId, Operation>()
  for (const operation of history.operations) {
    checkOperation(operation)
    if (byId.has(operation.id)) throw malformed(`two operations have the id ${operation.id}`)
    byId.set(operation.id, operation)
    const place = JSON.stringify([operation.bucket, operation.key])
    const operations = byKey.get(place)
    if (operations === undefined) byKey.set(place, [operation])
    else operations.push(operation)
  }
  return [...byKey.values()].map((operations) => keyHistory(operations, byId))
}

function keyHistory(
  operations: readonly Operation[],
  byId: ReadonlyMap<OperationId, Operation>,
): KeyHistory {
  const { bucket, key } = operations[0]!
  const sorted = operations.toSorted((a, b) => a.start - b.start)
  const writes = sorted.filter(({ kind }) => kind !== 'get').map(toWrite)
  const { byValue, ambiguity } = writesByValue(writes)
  const gets = sorted.filter(({ kind, outcome }) => kind === 'get' && outcome === 'ok')
  const reads = gets.filter(({ merged }) => merged !== true).map((get) => toRead(get, byValue))
  const writeOf = new Map(writes.map((write) => [write.operation, write]))
  const readOf = new Map(reads.map((read) => [read.operation, read]))
  const sources = writes.map(({ operation, start }): Source => {
    const { context } = operation
    if (context === undefined) return { kind: 'plain' }
    if (context === null) return { kind: 'null' }
    if (context === 'unrecorded') return { kind: 'unseen', before: start }
    const given = givenBy(operation, byId.get(context.of))
    const read = readOf.get(given)
    if (read !== undefined) return { kind: 'read', read }
    const write = writeOf.get(given)
    if (write !== undefined) return { kind: 'receipt', write }
    return { kind: 'unseen', before: start }
  })
  return { bucket, key, writes, reads, sources, ...(ambiguity !== undefined && { ambiguity }) }
}

function toWrite(operation: Operation, index: number): Write {
  const { start, end, outcome } = operation
  return { operation, index, start, acknowledgedAt: outcome === 'ok' ? end : undefined }
}

/**
 * A failed write may be repeated with the same value: then the value tells of the repetition. Other
 * repetitions are lawful as well (a retry after an unknown outcome, an update that changes nothing),
 * but then a read does not tell which of the writes it shows.
 */
function writesByValue(writes: readonly Write[]): {
  byValue: ReadonlyMap<string, Write>
  ambiguity?: string
} {
  const byValue = new Map<string, Write>()
  for (const write of writes) {
    const { value, outcome } = write.operation
    if (value === undefined) continue
    const other = byValue.get(value)
    if (other === undefined || other.operation.outcome === 'failed') byValue.set(value, write)
    else if (outcome !== 'failed') return { byValue, ambiguity: repeated(other, write) }
  }
  return { byValue }
}

function repeated(first: Write, second: Write): string {
  const { value = '' } = first.operation
  return (
    `${valuesInWords([value])} was written twice: ${inWords(first.operation)}, ` +
    `${inWords(second.operation)}. Write each value once to a key, for example with a counter in it`
  )
}

function toRead(operation: Operation, byValue: ReadonlyMap<string, Write>): Read {
  const { start, end = start, siblings = [] } = operation
  const shown = new Set<Write>()
  const strange: string[] = []
  for (const value of siblings) {
    const write = byValue.get(value)
    if (write === undefined) strange.push(value)
    else shown.add(write)
  }
  return { operation, start, end, shown: [...shown], strange }
}

/** The operation whose context was given, if it can have been. */
function givenBy(operation: Operation, given: Operation | undefined): Operation {
  const refused = (why: string): InvalidArgumentError =>
    malformed(`${inWords(operation)} in ${placeInWords(operation)}, with the context of ${why}`)
  if (given === undefined) throw refused('an operation that is not in the history')
  const words = inWords(given)
  if (given.bucket !== operation.bucket || given.key !== operation.key) {
    throw refused(`another key: ${words} in ${placeInWords(given)}`)
  }
  if (given.outcome !== 'ok') throw refused(`an operation that gave none: ${words}`)
  if (given.end! >= operation.start) throw refused(`an operation that had not ended: ${words}`)
  return given
}

function malformed(message: string): InvalidArgumentError {
  return new InvalidArgumentError('history', message)
}
