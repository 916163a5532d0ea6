/**
 * Many writes at once. The common way of each is that of `quick-put.ts`: this node owns a copy and stores it at once,
 * and every other owner can be sent it. They go in lots: of each lot one frame to each owner, one answer from each, and
 * one deadline. A write to which anything else happens leaves the others and goes on as a `PutOperation`.
 */
import type { StoreError } from '../base/errors.ts'
import { ProtocolError } from '../base/errors.ts'
import {
  AnswersReader,
  batchBytesMax,
  batchRecordBytesMax,
  putsItemBytes,
  PutsFrame,
} from '../rpc/batch-frame.ts'
import type { Channel } from '../rpc/channel.ts'
import { frameType } from '../rpc/frame.ts'
import type { Frame, RequestHead } from '../rpc/frame-buffer.ts'
import type { AnswerFrame, CallSink } from '../rpc/pending-calls.ts'
import type { Coordination } from './coordination.ts'
import { routePut } from './forward.ts'
import type { Gathering } from './gathering.ts'
import { KeyWrite, type ManyWrites, type SharedFrame, type WriteLot } from './key-write.ts'
import type { PutRequest } from './put-request.ts'
import type { Receipt } from './receipt.ts'
import { Deadline } from './timer-wheel.ts'

/** What a record has beside its value, about; where it has more, its frame is longer than others. */
const recordAllowanceBytes = 512

/**
 * Writes many keys, and tells of each under its number; a number may be left out. The writes are counted in; each
 * counts itself out.
 */
export function startPuts(
  node: Coordination,
  requests: readonly (PutRequest | undefined)[],
  writes: Gathering<Receipt>,
  writeId: () => string,
): void {
  const many = { node, writes, ring: node.ring() }
  const isPlain = node.everyoneIsReachable() && node.store.near.isThere
  const writing = new Writing(many)
  for (let i = 0; i < requests.length; i++) {
    const request = requests[i]
    if (request === undefined) continue
    const isCommon = isPlain && request.value.length <= batchRecordBytesMax
    if (!isCommon || !writing.write(i, request)) {
      begin(writes, i, () => routePut(node, request, writeId))
    }
  }
  writing.send()
}

/** A write on its own way. */
function begin(writes: Gathering<Receipt>, index: number, start: () => Promise<Receipt>): void {
  try {
    writes.await(index, start())
  } catch (error) {
    writes.failed(index, error)
  }
}

/** Stores writes here, and puts them into lots. */
class Writing {
  readonly #many: ManyWrites
  #lot: PutLot

  constructor(many: ManyWrites) {
    this.#many = many
    this.#lot = new PutLot(many)
  }

  /** False, and nothing was done, when the write cannot go the common way. */
  write(index: number, request: PutRequest): boolean {
    const { ring } = this.#many
    if (ring.changesOwners(request.partition)) return false
    const owners = ring.owners(request.partition)
    const { value, storageKey } = request
    const aboutBytes = putsItemBytes(storageKey, value.length + recordAllowanceBytes)
    if (this.#lot.bytes > 0 && this.#lot.bytes + aboutBytes > batchBytesMax) this.send()
    const others = this.#lot.othersOf(owners)
    if (!others.mayBeSent || request.needed > owners.length) return false
    const key = new KeyWrite(this.#many, { index, request, owners })
    try {
      if (!key.store()) return false
    } catch (error) {
      key.fail(error)
      return true
    }
    this.#lot.add(key, putsItemBytes(storageKey, key.end - key.recordStart))
    return true
  }

  /** Sends what is not sent yet. */
  send(): void {
    this.#lot.send()
    this.#lot = new PutLot(this.#many)
  }
}

/** The owners of some partitions. */
interface Others {
  /** This node's number among them. */
  readonly self: number
  /** The frame to each of them; undefined for this node. */
  readonly frames: readonly (PutsSent | undefined)[]
  /** Whether this node is one of them, and there is room for a frame to each other one. */
  readonly mayBeSent: boolean
}

/** Writes that go out together: one frame to each other owner, and one deadline. */
export class PutLot extends Deadline implements WriteLot {
  /** Length of all of them, but for the heads of frames. */
  bytes = 0
  private readonly many: ManyWrites
  private readonly keys: KeyWrite[] = []
  private readonly frames: Map<string, PutsSent> = new Map()
  private readonly others: Map<readonly string[], Others> = new Map()
  /** Frames that wait for their answers. */
  private waiting = 0

  constructor(many: ManyWrites) {
    super()
    this.many = many
  }

  othersOf(owners: readonly string[]): Others {
    const known = this.others.get(owners)
    if (known !== undefined) return known
    const self = owners.indexOf(this.many.node.selfId)
    const frames = owners.map((id, i) => (i === self ? undefined : this.frameTo(id)))
    const mayBeSent = self >= 0 && frames.every((frame) => frame === undefined || frame.hasRoom)
    const others = { self, frames, mayBeSent }
    this.others.set(owners, others)
    return others
  }

  private frameTo(id: string): PutsSent {
    const known = this.frames.get(id)
    if (known !== undefined) return known
    const frame = new PutsSent(this, this.many.node.data(id))
    this.frames.set(id, frame)
    return frame
  }

  add(key: KeyWrite, itemBytes: number): void {
    this.bytes += itemBytes
    this.keys.push(key)
    const { self, frames } = this.othersOf(key.owners)
    key.lot = this
    key.self = self
    key.frames = frames
    for (let i = 0; i < frames.length; i++) frames[i]?.add(key, i)
  }

  send(): void {
    const { keys, many } = this
    if (keys.length === 0) return
    const { timeoutMs } = keys[0]!.request
    many.node.wheel.set(this, timeoutMs)
    const head = { epoch: many.ring.epoch, timeLeftMs: timeoutMs }
    const frames = [...this.frames.values()].filter((frame) => frame.keys.length > 0)
    // Those with all keys are the same bytes.
    const whole = frames.filter((frame) => frame.keys.length === keys.length)
    const shared = whole.length > 0 ? encoded(head, keys, this.bytes) : undefined
    for (const frame of whole) frame.send(shared!)
    for (const frame of frames)
      if (!whole.includes(frame)) frame.send(encoded(head, frame.keys, this.bytes))
    this.waiting = frames.filter(({ isSent }) => isSent).length
    for (const key of keys) key.sent()
    if (this.waiting === 0) many.node.wheel.cancel(this)
  }

  /** One frame more waits for no answer. */
  frameIsOver(): void {
    this.waiting -= 1
    if (this.waiting === 0) this.many.node.wheel.cancel(this)
  }

  expire(): void {
    for (const key of this.keys) key.expire()
  }

  handOver(to: Deadline): void {
    this.many.node.wheel.join(this, to)
  }
}

function encoded(head: RequestHead, keys: readonly KeyWrite[], bytes: number): Frame {
  const frame = new PutsFrame(head, bytes)
  for (const { request, bytes, recordStart, end } of keys) {
    frame.add(request, bytes, recordStart, end)
  }
  return frame.done()
}

/** The writes of a lot that one owner is sent. */
class PutsSent implements CallSink, SharedFrame {
  readonly keys: KeyWrite[] = []
  /** The owner's number for each of the keys. */
  readonly replicas: number[] = []
  readonly hasRoom: boolean
  private readonly lot: PutLot
  private readonly channel: Channel
  private call: number | undefined
  isSent = false
  /** Keys that wait for the answer. */
  private waiting = 0

  constructor(lot: PutLot, channel: Channel) {
    this.lot = lot
    this.channel = channel
    this.hasRoom = channel.hasRoom(batchBytesMax)
  }

  add(key: KeyWrite, replica: number): void {
    this.keys.push(key)
    this.replicas.push(replica)
  }

  send(frame: Frame): void {
    this.waiting = this.keys.length
    this.call = this.channel.call(this, 0, frame)
    this.isSent = this.call !== undefined
  }

  answered(_: number, frame: AnswerFrame): void {
    this.call = undefined
    const { keys, replicas } = this
    if (frame.type === frameType.answers) {
      const answers = new AnswersReader(frame)
      while (answers.next()) keys[answers.index]?.answered(replicas[answers.index]!, answers)
      this.allUnanswered(new ProtocolError('an answer to many keys left one out'), true)
    } else {
      for (let i = 0; i < keys.length; i++) keys[i]!.answered(replicas[i]!, frame)
    }
    this.lot.frameIsOver()
  }

  unanswered(_: number, error: StoreError, sent: boolean): void {
    this.call = undefined
    this.allUnanswered(error, sent)
    this.lot.frameIsOver()
  }

  private allUnanswered(error: StoreError, sent: boolean): void {
    const { keys, replicas } = this
    for (let i = 0; i < keys.length; i++) keys[i]!.unanswered(replicas[i]!, error, sent)
  }

  /** One key waits no longer. */
  abandonOne(): void {
    this.waiting -= 1
    if (this.waiting > 0 || this.call === undefined) return
    this.channel.abandon(this.call)
    this.call = undefined
    this.lot.frameIsOver()
  }
}
