/**
 * What recording needs besides the operations: the order of starts and ends, and which operation
 * each context came from. Contexts are told apart as objects and as texts, and never looked into.
 */

import type { Context } from '../../versions/context.ts'
import type { History } from './history.ts'
import type { GivenContext, NewOperation, Operation, OperationId } from './operation.ts'

/** What `get`, `put` and `delete` are known by before they start. */
export type Asked = Pick<Operation, 'session' | 'bucket' | 'key' | 'kind'> &
  Partial<Pick<Operation, 'value' | 'expires' | 'context' | 'final' | 'merged'>>

/** How an operation ended. */
export type Ending = Pick<Operation, 'outcome'> & Partial<Pick<Operation, 'siblings'>>

type Open = { -readonly [name in keyof Operation]: Operation[name] }

const ledgers = new WeakMap<History, Ledger>()

/** The ledger of a history: one for all who record into it. */
export function ledgerOf(history: History): Ledger {
  let ledger = ledgers.get(history)
  if (ledger === undefined) ledgers.set(history, (ledger = new Ledger(history)))
  return ledger
}

/** Numbers sessions, starts and ends, and knows contexts again. */
export class Ledger {
  readonly #history: History
  readonly #byObject = new WeakMap<object, OperationId>()
  readonly #byText = new Map<string, OperationId>()
  /** What is not in `#byText` yet: texts are made when one is asked for, which few callers ever do. */
  #unread: { readonly context: Context; readonly of: Operation }[] = []
  #now = 0
  #sessions = 0

  constructor(history: History) {
    this.#history = history
    for (const { start, end = start } of history.operations) this.#now = Math.max(this.#now, end)
  }

  newSession(): number {
    return ++this.#sessions
  }

  /** The present, for operations that start or end together. */
  tick(): number {
    return ++this.#now
  }

  /** Adds an operation that has started: of unknown outcome until `end` is told. */
  begin(asked: Asked, start: number = this.tick()): Operation {
    const operation: NewOperation = { ...asked, start, outcome: 'unknown' }
    return this.#history.add(operation)
  }

  /** Completes an operation that `begin` gave. */
  end(operation: Operation, ending: Ending, at: number = this.tick()): void {
    Object.assign(operation as Open, ending, { end: at })
  }

  /** Remembers whose entry or receipt a context is of. */
  learn(context: Context, of: Operation): void {
    this.#byObject.set(context, of.id)
    this.#unread.push({ context, of })
  }

  /** What a write was given, as its operation tells it; undefined when it was given nothing. */
  given(
    context: Context | string | null | undefined,
    bucket: string,
    key: string,
  ): GivenContext | null | undefined {
    if (context === undefined || context === null) return context
    const known = typeof context === 'string' ? undefined : this.#byObject.get(context)
    const of = known ?? this.#ofText(placed(bucket, key, String(context)))
    return of === undefined ? 'unrecorded' : { of }
  }

  #ofText(text: string): OperationId | undefined {
    for (const { context, of } of this.#unread) {
      this.#byText.set(placed(of.bucket, of.key, String(context)), of.id)
    }
    this.#unread = []
    return this.#byText.get(text)
  }
}

function placed(bucket: string, key: string, text: string): string {
  return JSON.stringify([bucket, key, text])
}
