/**
 * Answers the requests of coordinators: `put` merges a finished record, `get` gives the one that is stored. Calls no
 * other node. Whatever a peer sends ends in an answer or in the end of its session, never in an exception.
 */
import { ConflictPolicyError, ProtocolError, StorageError, StoreError } from '../base/errors.ts'
import type { LentRegion, ValueRegion } from '../ports/storage.ts'
import type { Ring } from '../ring/ring.ts'
import {
  flagDamaged,
  flagDurable,
  flagGaining,
  flagRecovering,
  frameType,
  wholeBodyBytesMax,
} from '../rpc/frame.ts'
import {
  plainFrame,
  readGet,
  readPut,
  requestEpoch,
  requestId,
  type GetRequest,
  type PutRequest,
} from '../rpc/frame-buffer.ts'
import { batchKeysMax, GetsReader, PutsReader } from '../rpc/batch-frame.ts'
import { packFailure } from '../rpc/failure.ts'
import { hasVersion, isRecord, kindOf } from '../versions/record-layout.ts'
import type { RecordKind } from '../versions/sibling-set.ts'
import type { HintStore } from './hint-store.ts'
import { AnswersToMany, type Responder } from './answers-to-many.ts'
import type { Lack } from './lack.ts'
import { splitStorageKey } from './places.ts'
import { look, type AlsoWrite, type ReplicaStore } from './replica-store.ts'
import { storedHeaderBytes, type Stored } from './stored-record.ts'

/** What the handlers need of their node. */
export interface HandlersOptions {
  readonly selfId: string
  readonly store: ReplicaStore
  readonly hints: HintStore
  ring(): Ring
  wallMs(): number
  /** The policy with which this node's service opened the bucket, if it did. */
  kindOpened(bucket: string): RecordKind | undefined
  /** Whether this node may still lack data of the partition that others have (HAZARDS D4). */
  lackOf(partition: number): Lack | undefined
  /** The body of an answer to a request made under another epoch; also takes note of a newer one. */
  otherEpoch(theirs: number): Uint8Array
  readonly hinted: (target: string) => void
  /** Something failed that is no error of a store: a mistake in the library or in an adapter. */
  readonly failed: (error: Error) => void
}

const nobody: readonly string[] = Object.freeze([])

/** Which request an answer is for, and the flags that go with it. */
interface AnswerHead {
  readonly id: number
  readonly flags: number
}

const maxKeyBytes = 1280
/** Where the record that is asked for lies. */
const region: LentRegion = { bytes: new Uint8Array(0), start: 0, end: 0, hold: undefined }

/** Answers `put` and `get` frames, and those of many keys, from this node's own storage. */
export class ReplicaHandlers {
  readonly #options: HandlersOptions
  /** The bucket of the last request, and what its storage keys begin with: most requests are for the same one. */
  #bucket = ''
  #bucketPrefix = ''

  constructor(options: HandlersOptions) {
    this.#options = options
  }

  put(to: Responder, bytes: Uint8Array, start: number, end: number): void {
    const id = requestId(bytes, start)
    const request = readPut(bytes, start, end)
    if (request === undefined) return to.fail(new ProtocolError('a malformed put'))
    if (this.#sameEpoch(to, id, requestEpoch(bytes, start))) this.#put(to, id, request, bytes, end)
  }

  #put(to: Responder, id: number, request: PutRequest, bytes: Uint8Array, end: number): void {
    const problem = this.#putProblem(request, bytes, end)
    if (problem !== undefined) return this.#refuse(to, id, problem)
    const { store } = this.#options
    try {
      const record = { bytes, start: request.recordStart, end }
      const isPlain = request.hintFor.length === 0
      if (isPlain && store.near.merge(request.partition, request.key, record)) {
        return acknowledge(to, id, false)
      }
      const done = store.merge(request.partition, request.key, record, this.#hints(request))
      if (done === undefined) return acknowledge(to, id, store.isDurable)
      done.then(
        () => acknowledge(to, id, store.isDurable),
        (error: unknown) => this.#refuse(to, id, error),
      )
    } catch (error) {
      this.#refuse(to, id, error)
    }
  }

  #putProblem(request: PutRequest, bytes: Uint8Array, end: number): Error | undefined {
    const { partition, key, recordStart, hintFor } = request
    const ring = this.#options.ring()
    if (partition >= ring.partitions || key.length > maxKeyBytes || this.#bucketOf(key) === '') {
      return new ProtocolError('a put outside of the ring')
    }
    if (!isRecord(bytes, recordStart, end)) return new ProtocolError('a put without a sound record')
    if (hintFor.length === 0 && !ring.ownsPartition(this.#options.selfId, partition)) {
      return new ProtocolError('a put for a node that does not own the partition')
    }
    if (hintFor.some((id) => !ring.isKnown(id))) {
      return new ProtocolError('a put with a hint for a stranger')
    }
    return this.#kindProblem(key, bytes[recordStart + 1]!)
  }

  /** Hints that a fallback keeps for absent owners. */
  #hints(request: PutRequest): AlsoWrite | undefined {
    if (request.hintFor.length === 0) return undefined
    const { hints, hinted } = this.#options
    const { partition, key, hintFor } = request
    return (storedBytes) =>
      hintFor.flatMap((target) => {
        const writes = hints.add({ target, partition, key }, storedBytes, this.#options.wallMs())
        if (writes.length > 0) hinted(target)
        return writes
      })
  }

  get(to: Responder, bytes: Uint8Array, start: number, end: number): void {
    const id = requestId(bytes, start)
    const request = readGet(bytes, start, end)
    if (request === undefined) return to.fail(new ProtocolError('a malformed get'))
    if (this.#sameEpoch(to, id, requestEpoch(bytes, start))) this.#get(to, id, request, bytes, end)
  }

  #get(to: Responder, id: number, request: GetRequest, bytes: Uint8Array, end: number): void {
    const { partition, key, kind, versionStart } = request
    const problem = this.#kindProblem(key, kind)
    if (problem !== undefined) return this.#refuse(to, id, problem)
    try {
      const found = look(this.#options.store, { partition, key }, region, 'now')
      const flags = this.#lackFlag(partition)
      if (found === 'found') {
        // A long record is sent from where it lies, later than now.
        if (isLong(region)) void look(this.#options.store, { partition, key }, region, 'kept')
        return this.#tellFound(to, { id, flags }, { bytes, start: versionStart, end })
      }
      if (!(found instanceof Promise)) return this.#tell(to, { id, flags }, found)
      found.then(
        // What was lacking is filled up meanwhile, perhaps, and what was read is older than that.
        (stored) => this.#tell(to, { id, flags: flags | this.#lackFlag(partition) }, stored),
        (error: unknown) => this.#refuse(to, id, error),
      )
    } catch (error) {
      this.#refuse(to, id, error)
    }
  }

  /** The record in `region`, or that it is the one whose version the coordinator told. */
  #tellFound(to: Responder, { id, flags }: AnswerHead, version: ValueRegion): void {
    const { bytes, end } = region
    const start = region.start + storedHeaderBytes
    const isKnown =
      version.start < version.end &&
      hasVersion(bytes, start, version.bytes, version.start, version.end)
    if (isKnown) to.send(plainFrame({ type: frameType.same, flags, id }))
    else tellRecord(to, { flags, id }, bytes, start, end)
  }

  #tell(to: Responder, { id, flags: lack }: AnswerHead, stored: Stored): void {
    const flags = lack | (stored === 'damaged' ? flagDamaged : 0)
    if (stored instanceof Uint8Array) {
      return tellRecord(to, { flags, id }, stored, storedHeaderBytes, stored.length)
    }
    to.send(plainFrame({ type: frameType.absent, flags, id }))
  }

  /** As `put` or `get` for each key of a frame of many; one answer for all. @returns how many keys there are */
  many(to: Responder, bytes: Uint8Array, start: number, end: number): number {
    const id = requestId(bytes, start)
    if (!this.#sameEpoch(to, id, requestEpoch(bytes, start))) return 1
    const answers = new AnswersToMany(to, id)
    const isPut = bytes[start] === frameType.puts
    const items = isPut ? new PutsReader(bytes, start, end) : new GetsReader(bytes, start, end)
    let index = 0
    while (index < batchKeysMax && items.next()) {
      answers.expect()
      if (items instanceof GetsReader) this.#get(answers, index, items, bytes, items.versionEnd)
      else this.#put(answers, index, putIn(items), bytes, items.recordEnd)
      index += 1
    }
    if (items.isMalformed || items.next()) to.fail(new ProtocolError('malformed: many keys'))
    else answers.done()
    return index
  }

  #lackFlag(partition: number): number {
    const lack = this.#options.lackOf(partition)
    if (lack === undefined) return 0
    return lack === 'recovering' ? flagRecovering : flagGaining
  }

  #refuse(to: Responder, id: number, error: unknown): void {
    refuse(to, id, error)
    if (!(error instanceof StoreError)) this.#options.failed(error as Error)
  }

  #sameEpoch(to: Responder, id: number, theirs: number): boolean {
    if (theirs === this.#options.ring().epoch) return true
    const body = this.#options.otherEpoch(theirs)
    to.send(plainFrame({ type: frameType.otherEpoch, flags: 0, id }, body))
    return false
  }

  #kindProblem(key: string, kind: number): Error | undefined {
    const bucket = this.#bucketOf(key)
    const opened = this.#options.kindOpened(bucket)
    const asked = kindOf(kind)
    if (asked === undefined) return new ProtocolError('an unknown conflict policy')
    if (opened === undefined || opened === asked) return undefined
    return new ConflictPolicyError(otherPolicy(this.#options.selfId, { bucket, opened, asked }), {
      bucket,
    })
  }

  #bucketOf(key: string): string {
    if (this.#bucketPrefix === '' || !key.startsWith(this.#bucketPrefix)) {
      this.#bucketPrefix = key.slice(0, key.indexOf('\0') + 1)
      this.#bucket = splitStorageKey(this.#bucketPrefix).bucket
    }
    return this.#bucket
  }
}

function isLong({ start, end }: ValueRegion): boolean {
  return end - start > wholeBodyBytesMax
}

function putIn({ partition, key, recordStart }: PutsReader): PutRequest {
  return { partition, key, hintFor: nobody, recordStart }
}

function tellRecord(
  to: Responder,
  { flags, id }: { flags: number; id: number },
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  if (to.putsOff?.(id, end - start) === true) return
  to.send(plainFrame({ type: frameType.record, flags, id }, bytes, start, end))
}

function acknowledge(to: Responder, id: number, durable: boolean): void {
  to.send(plainFrame({ type: frameType.stored, flags: durable ? flagDurable : 0, id }))
}

/** Why a node does not take part in an operation on a bucket that it opened with another conflict policy. */
export function otherPolicy(
  node: string,
  { bucket, opened, asked }: { bucket: string; opened: string; asked: string },
): string {
  return (
    `node "${node}" has opened bucket "${bucket}" with conflict policy ${opened}, ` +
    `another node with ${asked}: open it with one policy on every node`
  )
}

/** Tells the coordinator why not. Anything that is not an error of ours is the storage's. */
export function refuse(to: Responder, id: number, error: unknown): void {
  const known = error instanceof StoreError ? error : new StorageError('the replica failed', error)
  to.send(plainFrame({ type: frameType.failed, flags: 0, id }, packFailure(known)))
}
