/** Records what one client does with a bucket. */

import type { Entry } from '../../coordinator/entry.ts'
import type { Receipt } from '../../coordinator/receipt.ts'
import type { Bucket } from '../../node/bucket.ts'
import { PartialWriteError } from '../../base/errors.ts'
import { checkWrites, type PutManyOptions, type PutManyWrite } from '../../node/put-many.ts'
import type {
  DeleteOptions,
  GetOptions,
  PutOptions,
  UpdateOptions,
} from '../../node/bucket-options.ts'
import type { History } from './history.ts'
import { ledgerOf, type Asked, type Ledger } from './ledger.ts'
import type { Operation } from './operation.ts'
import { outcomeOf } from './outcome.ts'
import { valueText } from './value-text.ts'

/** How operations are noted. */
export interface RecordOptions {
  /**
   * Whether `get` and `getMany` are noted as final: nothing acknowledged before them may be missing. For the last
   * reads of a test, when all is healed and settled. @default false
   */
  readonly final?: boolean
  /**
   * Whether the bucket merges, so that an `update` sees one value in place of several. Its reads are
   * then noted without what they saw. @default false
   */
  readonly merges?: boolean
  /** Whether the bucket's own options give values a time to live. @default false */
  readonly expires?: boolean
}

/**
 * A bucket that does what the given one does and notes each `get`, `getMany`, `put`, `putMany`,
 * `update` and `delete` in the history. Each call makes one more session: one for each client, and a new one for
 * a client that was restarted.
 *
 * To check the history, write each value once to a key (append a counter to it), and let all writes
 * to the checked keys be recorded.
 */
export function record<V>(
  bucket: Bucket<V>,
  history: History,
  options: RecordOptions = {},
): Bucket<V> {
  const recorded = new RecordedBucket(bucket, ledgerOf(history), options)
  const methods = new Map<PropertyKey, unknown>([
    ['get', recorded.get.bind(recorded)],
    ['getMany', recorded.getMany.bind(recorded)],
    ['put', recorded.put.bind(recorded)],
    ['putMany', recorded.putMany.bind(recorded)],
    ['update', recorded.update.bind(recorded)],
    ['delete', recorded.delete.bind(recorded)],
  ])
  return new Proxy(bucket, {
    get: (target, name) => {
      const method = methods.get(name)
      if (method !== undefined) return method
      const other: unknown = Reflect.get(target, name, target)
      return typeof other === 'function' ? (other.bind(target) as unknown) : other
    },
  })
}

class RecordedBucket<V> {
  readonly #bucket: Bucket<V>
  readonly #ledger: Ledger
  readonly #session: number
  readonly #options: RecordOptions

  constructor(bucket: Bucket<V>, ledger: Ledger, options: RecordOptions) {
    this.#bucket = bucket
    this.#ledger = ledger
    this.#session = ledger.newSession()
    this.#options = options
  }

  async get(key: string, options?: GetOptions): Promise<Entry<V>> {
    const operation = this.#beginRead(key)
    try {
      const entry = await this.#bucket.get(key, options)
      this.#endRead(operation, entry)
      return entry
    } catch (error) {
      this.#ledger.end(operation, { outcome: 'failed' })
      throw error
    }
  }

  async getMany(keys: readonly string[], options?: GetOptions): Promise<Map<string, Entry<V>>> {
    const start = this.#ledger.tick()
    const asked = Array.isArray(keys) ? new Set<string>(keys) : []
    const operations = [...asked].map((key) => this.#beginRead(key, start))
    try {
      const entries = await this.#bucket.getMany(keys, options)
      const end = this.#ledger.tick()
      for (const operation of operations) {
        const entry = entries.get(operation.key)
        if (entry === undefined) this.#ledger.end(operation, { outcome: 'failed' }, end)
        else this.#endRead(operation, entry, end)
      }
      return entries
    } catch (error) {
      const end = this.#ledger.tick()
      for (const operation of operations) this.#ledger.end(operation, { outcome: 'failed' }, end)
      throw error
    }
  }

  put(key: string, value: V, options?: PutOptions): Promise<Receipt> {
    const operation = this.#beginWrite({ kind: 'put', key, value: valueText(value) }, options)
    return this.#write(operation, options, () => this.#bucket.put(key, value, options))
  }

  async putMany(
    writes: readonly PutManyWrite<V>[],
    options: PutManyOptions = {},
  ): Promise<Map<string, Receipt>> {
    checkWrites(writes)
    const start = this.#ledger.tick()
    const operations = writes.map(({ key, value, context }) => {
      const asked = { kind: 'put', key, value: valueText(value) } as const
      return this.#beginWrite(
        asked,
        { ...options, ...(context !== undefined && { context }) },
        start,
      )
    })
    const endAll = (
      receipts: ReadonlyMap<string, Receipt>,
      errorOf: (key: string) => unknown,
    ): void => {
      const end = this.#ledger.tick()
      for (const operation of operations) {
        const receipt = receipts.get(operation.key)
        const outcome = outcomeOf(errorOf(operation.key), options.signal)
        if (receipt === undefined) this.#ledger.end(operation, { outcome }, end)
        else this.#endWrite(operation, receipt, end)
      }
    }
    try {
      const receipts = await this.#bucket.putMany(writes, options)
      endAll(receipts, () => undefined)
      return receipts
    } catch (error) {
      if (error instanceof PartialWriteError) {
        const { receipts, errors } = error as PartialWriteError<Receipt>
        endAll(receipts, (key) => errors.get(key))
      } else {
        endAll(new Map(), () => error)
      }
      throw error
    }
  }

  delete(key: string, options?: DeleteOptions): Promise<Receipt> {
    const operation = this.#beginWrite({ kind: 'delete', key }, options)
    return this.#write(operation, options, () => this.#bucket.delete(key, options))
  }

  /**
   * Notes the read when the values come to `change`, and the write when its result is there. Should
   * `change` be called again, what it made before may have been written or not.
   */
  async update(
    key: string,
    change: (siblings: readonly V[]) => V | Promise<V>,
    options?: UpdateOptions,
  ): Promise<Receipt> {
    if (typeof change !== 'function') return this.#bucket.update(key, change, options)
    let read = this.#beginUpdateRead(key)
    let write: Operation | undefined
    const noted = (siblings: readonly V[]): V | Promise<V> => {
      if (read.end !== undefined) read = this.#beginUpdateRead(key)
      const seen = read
      this.#ledger.end(seen, { outcome: 'ok', siblings: siblings.map(valueText) })
      const noteWrite = (value: V): V => {
        write = this.#beginUpdate(seen, value, options)
        return value
      }
      const changed = change(siblings)
      return isPromise(changed) ? Promise.resolve(changed).then(noteWrite) : noteWrite(changed)
    }
    try {
      const receipt = await this.#bucket.update(key, noted, options)
      if (write !== undefined) this.#endWrite(write, receipt)
      return receipt
    } catch (error) {
      if (read.end === undefined) this.#ledger.end(read, { outcome: 'failed' })
      const outcome = outcomeOf(error, options?.signal)
      if (write !== undefined) this.#ledger.end(write, { outcome })
      throw error
    }
  }

  #beginRead(key: string, start?: number): Operation {
    const { final = false } = this.#options
    return this.#ledger.begin(this.#asked({ kind: 'get', key, ...(final && { final }) }), start)
  }

  #beginUpdateRead(key: string): Operation {
    const { merges = false } = this.#options
    return this.#ledger.begin(this.#asked({ kind: 'get', key, ...(merges && { merged: true }) }))
  }

  #endRead(operation: Operation, entry: Entry<V>, end?: number): void {
    const siblings = entry.siblings.map(valueText)
    this.#ledger.end(operation, { outcome: 'ok', siblings }, end)
    this.#ledger.learn(entry.context, operation)
  }

  #beginWrite(
    asked: Pick<Asked, 'kind' | 'key' | 'value'>,
    options: (DeleteOptions & Pick<PutOptions, 'ttlMs'>) | undefined,
    start?: number,
  ): Operation {
    const given = this.#ledger.given(options?.context, this.#bucket.name, asked.key)
    const expires = asked.kind === 'put' && this.#expires(options)
    const context = given === undefined ? {} : { context: given }
    const noted = this.#asked({ ...asked, ...context, ...(expires && { expires }) })
    return this.#ledger.begin(noted, start)
  }

  #beginUpdate(read: Operation, value: V, options: UpdateOptions | undefined): Operation {
    const { key } = read
    const expires = this.#expires(options)
    const written = { kind: 'put', key, value: valueText(value), context: { of: read.id } } as const
    return this.#ledger.begin(this.#asked({ ...written, ...(expires && { expires }) }))
  }

  async #write(
    operation: Operation,
    options: DeleteOptions | undefined,
    write: () => Promise<Receipt>,
  ): Promise<Receipt> {
    try {
      const receipt = await write()
      this.#endWrite(operation, receipt)
      return receipt
    } catch (error) {
      this.#ledger.end(operation, { outcome: outcomeOf(error, options?.signal) })
      throw error
    }
  }

  #endWrite(operation: Operation, receipt: Receipt, end?: number): void {
    this.#ledger.end(operation, { outcome: 'ok' }, end)
    this.#ledger.learn(receipt.context, operation)
  }

  #expires(options: Pick<PutOptions, 'ttlMs'> | undefined): boolean {
    return this.#options.expires === true || options?.ttlMs !== undefined
  }

  /** A key that is none is noted as text: the bucket itself refuses it. */
  #asked(asked: Omit<Asked, 'session' | 'bucket'>): Asked {
    const { name: bucket } = this.#bucket
    const key = typeof asked.key === 'string' ? asked.key : valueText(asked.key)
    return { ...asked, session: this.#session, bucket, key }
  }
}

function isPromise<V>(value: V | Promise<V>): value is Promise<V> {
  return typeof value === 'object' && value !== null && 'then' in value
}
