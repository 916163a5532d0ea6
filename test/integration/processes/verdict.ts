/** Holds the histories of a round to what each bucket promises (docs/CONSISTENCY.md, In short). */
import { check, createHistory } from '../../../src/sim/index.ts'
import type { History, Model, Operation } from '../../../src/sim/index.ts'
import type { BucketName } from './protocol.ts'

/** Violations of one model that are told. */
const toldMax = 3

const promised: Readonly<Record<BucketName, readonly Model[]>> = {
  strict: ['no-lost-write', 'causal', 'read-your-writes', 'monotonic', 'register'],
  loose: ['no-lost-write', 'causal'],
}

/** What the checks came to. */
export interface Verdict {
  /** What is wrong, in words. */
  readonly problems: readonly string[]
  /** Models, by bucket. */
  readonly checks: number
  /** Keys that behaved like one variable. */
  readonly registers: number
}

export function judge(histories: Readonly<Record<BucketName, History>>): Verdict {
  const problems: string[] = []
  let checks = 0
  let registers = 0
  for (const bucket of ['strict', 'loose'] as const) {
    const history = histories[bucket]
    for (const { id, kind, key, end } of history.operations) {
      if (end === undefined) problems.push(`the ${kind} ${id} of "${key}" never ended`)
    }
    for (const model of promised[bucket]) {
      checks += 1
      const { violations, skipped = [] } = check(history, model, { across: 'sessions' })
      for (const { message } of violations.slice(0, toldMax)) problems.push(`${model}: ${message}`)
      const untold = violations.length - toldMax
      if (untold > 0) problems.push(`${model}: and ${untold} more`)
      for (const { key, reason } of skipped) {
        // Keys of many writers are no registers, and of those that are, some are too busy to be judged.
        const isShared = !key.startsWith('register') || !reason.includes('several writers')
        if (model !== 'register' || !isShared)
          problems.push(`${model}: "${key}" was not checked: ${reason}`)
      }
      if (model === 'register') registers = keysOf(history).size - skipped.length
    }
  }
  return { problems, checks, registers }
}

/**
 * A copy of the history in which no final read returns one write that was acknowledged, and that no other can have
 * replaced: the first of its key, which has no other. Undefined when there is none.
 */
export function withALostWrite(history: History): History | undefined {
  const writes = history.operations.filter(({ kind }) => kind !== 'get')
  const counts = new Map<string, number>()
  for (const { key } of writes) counts.set(key, (counts.get(key) ?? 0) + 1)
  const lone = writes.find(({ key, outcome }) => outcome === 'ok' && counts.get(key) === 1)
  const value = lone?.value
  if (value === undefined) return undefined
  return altered(history, (operation) => {
    const { final = false, siblings } = operation
    if (!final || siblings === undefined) return operation
    return { ...operation, siblings: siblings.filter((each) => each !== value) }
  })
}

/**
 * A copy in which a final read returns what an acknowledged write replaced, in place of what is there. Undefined when
 * no write replaced anything that a client had read.
 */
export function withAReturn(history: History): History | undefined {
  const { operations } = history
  const byId = new Map(operations.map((operation) => [operation.id, operation]))
  for (const write of operations) {
    const { context, outcome, bucket, key } = write
    if (outcome !== 'ok' || context === 'unrecorded') continue
    const seen = context === undefined || context === null ? undefined : byId.get(context.of)
    const [replaced] = seen?.siblings ?? []
    const read = operations.find((one) => one.final === true && one.key === key && one.siblings)
    if (replaced === undefined || read === undefined || read.bucket !== bucket) continue
    return altered(history, (one) => (one === read ? { ...one, siblings: [replaced] } : one))
  }
  return undefined
}

function altered(history: History, alter: (operation: Operation) => Operation): History {
  const copy = createHistory()
  for (const operation of history.operations) copy.add(alter(operation))
  return copy
}

function keysOf(history: History): ReadonlySet<string> {
  return new Set(history.operations.map(({ key }) => key))
}
