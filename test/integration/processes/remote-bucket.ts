/** A bucket whose operations are done by node processes, one now and another then, as behind a load balancer. */
import type { Bucket, Context, Entry, Receipt } from '../../../src/index.ts'
import { putMany } from '../../../src/node/put-many.ts'
import type { Log } from './log.ts'
import type { Change, Member } from './member.ts'
import type { BucketName, CommandName, Commands, WireEntry, WireReceipt } from './protocol.ts'

type Parameter<M extends keyof Bucket<string>, I extends number> = Bucket<string>[M] extends (
  ...args: infer A
) => unknown
  ? A[I]
  : never

/** The options of an operation that a storm uses. */
interface UsedOptions {
  readonly r?: unknown
  readonly sloppy?: unknown
  readonly timeoutMs?: unknown
  readonly context?: unknown
}

export interface RemoteBucketOptions {
  readonly name: BucketName
  readonly log: Log
  /** The member to be asked next; there must be one. */
  readonly choose: () => Member
}

export class RemoteBucket implements Bucket<string> {
  readonly name: BucketName
  readonly #log: Log
  readonly #choose: () => Member

  constructor({ name, log, choose }: RemoteBucketOptions) {
    this.name = name
    this.#log = log
    this.#choose = choose
  }

  async get(key: string, options?: Parameter<'get', 1>): Promise<Entry<string>> {
    const ask = { bucket: this.name, key, options: wireOptions(options) }
    return new RemoteEntry(key, await this.#ask('get', ask))
  }

  async getMany(
    keys: readonly string[],
    options?: Parameter<'getMany', 1>,
  ): Promise<Map<string, Entry<string>>> {
    const ask = { bucket: this.name, keys, options: wireOptions(options) }
    const entries = await this.#ask('getMany', ask)
    return new Map(entries.map((entry, i) => [keys[i]!, new RemoteEntry(keys[i]!, entry)]))
  }

  async put(key: string, value: string, options?: Parameter<'put', 2>): Promise<Receipt> {
    const ask = { bucket: this.name, key, value, options: wireOptions(options) }
    return receiptOf(await this.#ask('put', ask))
  }

  putMany(
    writes: Parameter<'putMany', 0>,
    options: Parameter<'putMany', 1> = {},
  ): Promise<Map<string, Receipt>> {
    return putMany(writes, options, (key, value, each) => this.put(key, value, each))
  }

  async update(key: string, change: Change, options?: Parameter<'update', 2>): Promise<Receipt> {
    const ask = { bucket: this.name, key, options: wireOptions(options) }
    return receiptOf(await this.#ask('update', ask, change))
  }

  async delete(key: string, options?: Parameter<'delete', 1>): Promise<Receipt> {
    const ask = { bucket: this.name, key, options: wireOptions(options) }
    return receiptOf(await this.#ask('delete', ask))
  }

  entries(): never {
    throw new Error('no scan is sent to the processes')
  }

  keys(): never {
    throw new Error('no scan is sent to the processes')
  }

  async #ask<K extends CommandName>(
    name: K,
    ask: Commands[K]['ask'],
    change?: Change,
  ): Promise<Commands[K]['answer']> {
    const member = this.#choose()
    try {
      const answer = await member.ask(name, ask, change)
      this.#log.ended(name)
      return answer
    } catch (error) {
      this.#log.ended(`${name} at ${member.id}`, error)
      throw error
    }
  }
}

function wireOptions(options: UsedOptions = {}): object {
  const { context } = options
  // `RemoteContext` is the only kind of context there is here.
  const isContext = typeof context === 'object' && context !== null
  const sent = isContext ? (context as RemoteContext).toString() : context
  return { ...options, ...(context !== undefined && { context: sent }) }
}

function receiptOf({ context, ...receipt }: WireReceipt): Receipt {
  return { ...receipt, context: contextOf(context) }
}

/** To its owner a context is no more than its text, and an object to be known again by. */
class RemoteContext {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  toString(): string {
    return this.#text
  }
}

function contextOf(text: string): Context {
  return new RemoteContext(text) as unknown as Context
}

class RemoteEntry implements Entry<string> {
  readonly key: string
  readonly siblings: readonly string[]
  readonly context: Context

  constructor(key: string, { siblings, context }: WireEntry) {
    this.key = key
    this.siblings = siblings
    this.context = contextOf(context)
  }

  get found(): boolean {
    return this.siblings.length > 0
  }

  value(): string | undefined {
    return this.siblings[0]
  }
}
