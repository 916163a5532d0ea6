/**
 * The node's own books: who it is, what it promised, whom it knows. Kept with the data, so that a node that is started
 * again on its storage is itself again, and one that is started on another storage is somebody else (HAZARDS E7).
 */
import { InvalidArgumentError, StorageError } from '../base/errors.ts'
import { toByteString, toHex } from '../base/bytes.ts'
import type { Random } from '../ports/random.ts'
import type { Storage } from '../ports/storage.ts'
import { pack, unpack } from '../rpc/pack.ts'
import { DotSource, incarnationBytes } from '../versions/dot-source.ts'
import { booksPartition } from './places.ts'

/** What a node is. */
export interface Identity {
  readonly id: string
  /** Name of the cluster. */
  readonly name: string
  /** 32 hexadecimal digits, drawn when the storage was empty. */
  readonly store: string
  /** 16 hexadecimal digits, drawn at each start. */
  readonly boot: string
  /** How often the storage has been opened, this time included. */
  readonly starts: number
  /** Whether the storage was empty. */
  readonly isNew: boolean
}

/** Entries of the books beside the identity, each a packed tuple. */
export type BookName =
  | 'acceptor'
  | 'fence'
  | 'filling'
  | 'marked'
  | 'members'
  | 'incarnation'
  | 'starts'

const identityKey = 'identity'
/** Bumped when the layout of the storage changes: an older library refuses a newer storage. */
const storageFormat = 1

/** The books of one open storage. */
export class Books {
  #identity: Identity
  readonly dots: DotSource
  readonly #storage: Storage
  readonly #random: Random

  private constructor(
    storage: Storage,
    random: Random,
    opened: { identity: Identity; dots: DotSource },
  ) {
    this.#storage = storage
    this.#random = random
    this.#identity = opened.identity
    this.dots = opened.dots
  }

  /**
   * Opens the books of an open storage, and makes durable that it was opened: the mark of a clean shutdown counts
   * once.
   * @throws {InvalidArgumentError} when the storage belongs to another node or cluster than asked for.
   * @throws {StorageError} when the books cannot be read.
   */
  static async open(
    storage: Storage,
    random: Random,
    asked: { id: string | undefined; name: string },
  ): Promise<Books> {
    const bytes = await storage.get(booksPartition, identityKey)
    const boot = toHex(random.bytes(8))
    const opened =
      bytes === undefined ? founded(random, asked, boot) : reopened(bytes, random, asked, boot)
    const books = new Books(storage, random, opened)
    await books.#keepIdentity(false)
    return books
  }

  get identity(): Identity {
    return this.#identity
  }

  /** A peer remembers a later start of this storage: counts on from there, durably. */
  async countStarts(starts: number): Promise<void> {
    this.#identity = { ...this.#identity, starts }
    await this.#keepIdentity(false)
  }

  /** Starts a new incarnation of the storage: what was minted before is never minted again. */
  renew(): void {
    this.dots.renew(randomIncarnation(this.#random))
  }

  /** Marks a clean shutdown: the next start goes on in the same incarnation. The last write of all. */
  async closeCleanly(): Promise<void> {
    await this.#keepIdentity(true)
  }

  /** A tuple of the books; undefined when it was never kept. @throws {StorageError} when it is damaged. */
  async read(name: BookName): Promise<readonly unknown[] | undefined> {
    const bytes = await this.#storage.get(booksPartition, name)
    if (bytes === undefined) return undefined
    const tuple = unpack(bytes, 0, bytes.length)
    if (tuple === undefined) throw new StorageError(`the storage's entry "${name}" is damaged`)
    return tuple
  }

  /** Resolves when it is durable. */
  async keep(name: BookName, tuple: readonly unknown[]): Promise<void> {
    const value = Buffer.from(pack(tuple))
    await this.#storage.write([{ partition: booksPartition, key: name, value }])
  }

  async #keepIdentity(clean: boolean): Promise<void> {
    const { id, name, store, starts } = this.#identity
    const { incarnation, nextEpoch } = this.dots
    const marks = [Buffer.from(incarnation, 'latin1'), nextEpoch, clean]
    const value = Buffer.from(pack([storageFormat, id, name, store, starts, ...marks]))
    await this.#storage.write([{ partition: booksPartition, key: identityKey, value }])
  }
}

function founded(
  random: Random,
  asked: { id: string | undefined; name: string },
  boot: string,
): { identity: Identity; dots: DotSource } {
  const identity = {
    id: asked.id ?? toHex(random.bytes(16)),
    name: asked.name,
    store: toHex(random.bytes(16)),
    boot,
    starts: 1,
    isNew: true,
  }
  return { identity, dots: new DotSource(randomIncarnation(random)) }
}

function reopened(
  bytes: Uint8Array,
  random: Random,
  asked: { id: string | undefined; name: string },
  boot: string,
): { identity: Identity; dots: DotSource } {
  const kept = readIdentity(bytes)
  if (asked.id !== undefined && asked.id !== kept.id) {
    throw new InvalidArgumentError(
      'id',
      `the storage belongs to the node "${kept.id}", not "${asked.id}": use its own id or an empty storage`,
    )
  }
  if (asked.name !== kept.name) {
    throw new InvalidArgumentError(
      'cluster',
      `the storage belongs to the cluster "${kept.name}", not "${asked.name}"`,
    )
  }
  const { id, name, store, starts, incarnation, nextEpoch, clean } = kept
  const dots = clean
    ? new DotSource(incarnation, nextEpoch)
    : new DotSource(randomIncarnation(random))
  return { identity: { id, name, store, boot, starts: starts + 1, isNew: false }, dots }
}

function readIdentity(bytes: Uint8Array): {
  id: string
  name: string
  store: string
  starts: number
  incarnation: string
  nextEpoch: number
  clean: boolean
} {
  const [format, id, name, store, starts, incarnation, nextEpoch, clean] =
    unpack(bytes, 0, bytes.length) ?? []
  if (typeof format === 'number' && format > storageFormat) {
    throw new StorageError(
      `the storage has format ${format}, this library reads up to ${storageFormat}: use a newer one`,
    )
  }
  if (
    format !== storageFormat ||
    typeof id !== 'string' ||
    typeof name !== 'string' ||
    typeof store !== 'string' ||
    typeof starts !== 'number' ||
    !(incarnation instanceof Uint8Array) ||
    incarnation.length !== incarnationBytes ||
    typeof nextEpoch !== 'number' ||
    typeof clean !== 'boolean'
  ) {
    throw new StorageError(
      'the identity in the storage is damaged: restore it or start with an empty one',
    )
  }
  const text = toByteString(incarnation, 0, incarnation.length)
  return { id, name, store, starts, incarnation: text, nextEpoch, clean }
}

function randomIncarnation(random: Random): string {
  return toByteString(random.bytes(incarnationBytes), 0, incarnationBytes)
}
