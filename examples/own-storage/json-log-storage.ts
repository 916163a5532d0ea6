/**
 * A storage of one's own: everything in memory, and each batch a line of JSON at the end of a file.
 *
 * Left out for brevity: the file only grows, and two processes could open it at once.
 */
import { open, truncate, type FileHandle } from 'node:fs/promises'
import { ClosedError, StorageError } from 'coterie'
import type { Storage, StorageEntry, StorageWrite } from 'coterie'

/** A write in the file: partition, key, and the value in base64 or null. */
type Line = readonly (readonly [number, string, string | null])[]

export class JsonLogStorage implements Storage {
  readonly durability = 'fsync'
  readonly #path: string
  readonly #partitions = new Map<number, Map<string, Uint8Array>>()
  #file: FileHandle | undefined
  #isOpen = false
  #unwritten = ''
  #writing: Promise<void> = Promise.resolve()

  constructor(path: string) {
    this.#path = path
  }

  async open(): Promise<void> {
    if (this.#isOpen) throw new StorageError('is open already')
    this.#isOpen = true
    this.#partitions.clear()
    this.#file = await open(this.#path, 'a+')
    const text = await this.#file.readFile('utf8')
    // A process that died while it wrote may have left half a line: that batch was never acknowledged.
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    await truncate(this.#path, Buffer.byteLength(whole))
    for (const line of whole.split('\n')) {
      for (const [partition, key, value] of line === '' ? [] : (JSON.parse(line) as Line)) {
        this.#apply({
          partition,
          key,
          value: value === null ? undefined : Buffer.from(value, 'base64'),
        })
      }
    }
  }

  get(partition: number, key: string): Uint8Array | undefined {
    return this.#opened().get(partition)?.get(key)
  }

  scan(partition: number, range: { after?: string; limit: number }): readonly StorageEntry[] {
    const entries = [...(this.#opened().get(partition) ?? [])]
    const { after: start = '', limit } = range
    // Keys are byte strings: JavaScript's order of strings is the order of their bytes.
    const found = entries.filter(([key]) => key > start).toSorted(([a], [b]) => (a < b ? -1 : 1))
    return found.slice(0, limit).map(([key, value]) => ({ key, value }))
  }

  /** Seen at once, durable when the promise resolves. Batches that meet share one fsync. */
  write(batch: readonly StorageWrite[]): Promise<void> {
    this.#opened()
    for (const write of batch) this.#apply(write)
    const line = batch.map(({ partition, key, value }) => {
      return [partition, key, value === undefined ? null : Buffer.from(value).toString('base64')]
    })
    this.#unwritten += `${JSON.stringify(line)}\n`
    this.#writing = this.#writing.then(() => this.#flush())
    return this.#writing
  }

  async close(): Promise<void> {
    this.#isOpen = false
    await this.#writing.catch(() => undefined)
    await this.#file?.close()
    this.#file = undefined
  }

  async #flush(): Promise<void> {
    const text = this.#unwritten
    if (text === '') return
    this.#unwritten = ''
    try {
      await this.#file?.appendFile(text)
      await this.#file?.datasync()
    } catch (error) {
      // What the file holds is unknown now: the storage stops, and shows nothing that may vanish again.
      this.#isOpen = false
      throw new StorageError(`cannot write ${this.#path}`, error)
    }
  }

  #apply({ partition, key, value }: StorageWrite): void {
    const keys = this.#partitions.get(partition) ?? new Map<string, Uint8Array>()
    this.#partitions.set(partition, keys)
    if (value === undefined) keys.delete(key)
    else keys.set(key, value)
  }

  #opened(): Map<number, Map<string, Uint8Array>> {
    if (!this.#isOpen) throw new ClosedError('the storage is not open')
    return this.#partitions
  }
}
