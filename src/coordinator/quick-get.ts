/**
 * The common way of a read, with next to nothing to keep: this node owns a copy, and at most one other owner has to say
 * that its own is the same. Whatever else happens (another answer, none, a slow one), a `GetOperation` goes on from
 * there: it knows all ways, and this one only the shortest.
 */
import type { StoreError } from '../base/errors.ts'
import { storedHeaderBytes, type Stored } from '../replica/stored-record.ts'
import type { Ring } from '../ring/ring.ts'
import { frameType } from '../rpc/frame.ts'
import { getFrame } from '../rpc/frame-buffer.ts'
import type { AnswerFrame, CallSink } from '../rpc/pending-calls.ts'
import { kindNumber } from '../versions/record-layout.ts'
import { nextOwner } from './availability.ts'
import type { Coordination } from './coordination.ts'
import type { BegunGet, GetRequest, TellResult } from './get-request.ts'
import { GetOperation } from './get.ts'
import { Deadline } from './timer-wheel.ts'

/** Reads a key. The read is counted in; it counts itself out. */
export function startGet<T>(
  node: Coordination,
  request: GetRequest,
  tell: TellResult<T>,
): Promise<T> {
  if (request.needed > 2 || !node.everyoneIsReachable()) {
    return new GetOperation(node, request, tell).start()
  }
  const ring = node.ring()
  const self = ring.owners(request.partition).indexOf(node.selfId)
  const own = self < 0 ? undefined : ownCopy(node, request)
  if (own instanceof Uint8Array && own[storedHeaderBytes + 1] === kindNumber[request.kind]) {
    const quick = new QuickGet(node, request, tell)
    if (quick.begin(ring, self, own)) return quick.promise
  }
  return new GetOperation(node, request, tell).start(own)
}

/** What this node has stored; undefined also when reading fails, as it will again for the whole operation. */
function ownCopy(
  node: Coordination,
  { partition, storageKey }: GetRequest,
): Stored | Promise<Stored> {
  try {
    return node.store.read(partition, storageKey)
  } catch {
    return undefined
  }
}

/** The operation whose promise is being made: one function for all of them, instead of a closure for each. */
let unborn: QuickGet<unknown>
const adopt = (resolve: (result: unknown) => void, reject: (error: unknown) => void): void => {
  unborn.resolve = resolve
  unborn.reject = reject
}

/** A read that at most one other owner has to confirm; itself the record that this node has, for `tell`. */
class QuickGet<T> extends Deadline implements CallSink, BegunGet<T> {
  promise!: Promise<T>
  ring!: Ring
  self = 0
  other = 0
  call: number | undefined
  resolve!: (result: T) => void
  reject!: (error: unknown) => void
  bytes!: Uint8Array
  readonly start = storedHeaderBytes
  private readonly node: Coordination
  private readonly request: GetRequest
  private readonly tell: TellResult<T>
  /** What goes on in its place. */
  private whole: GetOperation<T> | undefined

  constructor(node: Coordination, request: GetRequest, tell: TellResult<T>) {
    super()
    this.node = node
    this.request = request
    this.tell = tell
  }

  /** Begins with the copy of this node, the owner `self`. False when another owner has to be asked and cannot be. */
  begin(ring: Ring, self: number, own: Uint8Array): boolean {
    const { node, request } = this
    this.ring = ring
    this.self = self
    this.bytes = own
    if (request.needed === 2 && !this.ask()) return false
    unborn = this as QuickGet<unknown>
    this.promise = new Promise(adopt as never)
    if (request.needed === 2) node.wheel.set(this, Math.min(request.timeoutMs, node.hedgeAfterMs))
    else this.succeed()
    return true
  }

  private ask(): boolean {
    const { node, request, ring } = this
    const owners = ring.owners(request.partition)
    this.other = nextOwner(node, owners, 1 << this.self)
    if (this.other < 0) return false
    const head = { epoch: ring.epoch, timeLeftMs: request.timeoutMs }
    const { partition, storageKey } = request
    const what = { partition, kind: kindNumber[request.kind], key: storageKey }
    const channel = node.data(owners[this.other]!)
    this.call = channel.call(this, this.other, getFrame(head, what, this))
    return this.call !== undefined
  }

  answered(replica: number, frame: AnswerFrame): void {
    if (this.whole === undefined && frame.type === frameType.same) this.succeed()
    else this.widen().answered(replica, frame)
  }

  unanswered(replica: number, error: StoreError, sent: boolean): void {
    this.widen().unanswered(replica, error, sent)
  }

  expire(): void {
    this.widen().expire()
  }

  /** Hands over to the whole operation. */
  private widen(): GetOperation<T> {
    this.whole ??= new GetOperation(this.node, this.request, this.tell, this)
    return this.whole
  }

  private succeed(): void {
    const { node } = this
    node.stats.inFlight -= 1
    node.wheel.cancel(this)
    try {
      this.resolve(this.tell(this.request, this))
    } catch (error) {
      this.reject(error)
    }
  }
}
