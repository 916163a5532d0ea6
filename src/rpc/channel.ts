/**
 * The way to one peer in one lane: dials when there is something to say, keeps the calls that wait, and fails fast for
 * a short while after the peer could not be reached.
 */
import { ClosedError, OverloadedError, type StoreError } from '../base/errors.ts'
import type { Random } from '../ports/random.ts'
import type { Transport } from '../ports/transport.ts'
import type { Greeting, Lane } from './handshake.ts'
import { frameBytes, setRequestId, type Frame, type FrameTail } from './frame-buffer.ts'
import { PeerLoad } from './peer-load.ts'
import { PendingCalls, type AnswerFrame, type CallSink } from './pending-calls.ts'
import { Session, type SessionHost, type SessionOwner } from './session.ts'

const backoffMinMs = 50
const backoffMaxMs = 2_000
/** An attempt to connect that took so long met a network that was silent: a new one may be through at once. */
const dialStaleMs = 1_000
/** Most sessions that are kept besides the one in use and the one that takes its place. */
const olderMax = 4

/** Whom a channel leads to, and what it needs to get there. */
export interface ChannelOptions {
  readonly lane: Lane
  /** The id that must answer; undefined while only an address is known. */
  readonly expected: string | undefined
  /** Where the peer listens now; undefined when nobody knows. */
  address(): string | undefined
  /** Where a connection with the peer in the other lane leads, by its own word; undefined without one. */
  elsewhere(): string | undefined
  readonly host: SessionHost
  readonly transport: Transport
  readonly random: Random
  /** Most bytes that may wait for this peer. */
  readonly queuedBytesMax: number
  /** Called when dialling failed. */
  readonly unreachable: (error: StoreError) => void
}

/** A frame that waits for a session: a copy of what is in the shared buffer, and its tail. */
type QueuedFrame = { readonly bytes: Buffer; readonly tail: FrameTail | undefined }

/** One lane to one peer, over whichever session carries it now. */
export class Channel implements SessionOwner {
  readonly #options: ChannelOptions
  readonly #pending: PendingCalls = new PendingCalls()
  /** For those who choose whom to ask. */
  readonly load: PeerLoad
  #session: Session | undefined
  /** One that the peer dialled while there was another: used when that one has ended. */
  #spare: Session | undefined
  /** Spare ones that newer ones took the place of: used when all else fails, for they may lead into the void. */
  #older: Session[] = []
  #queue: QueuedFrame[] = []
  #queuedBytes = 0
  #dialledMs = 0
  #dialledTo: string | undefined
  #coolUntilMs = 0
  #failures = 0
  #closed = false
  #lastError: StoreError | undefined

  constructor(options: ChannelOptions) {
    this.#options = options
    this.load = new PeerLoad(options.expected ?? '', this.#pending)
  }

  /** The session that carries this channel now, once it is open. */
  get session(): Session | undefined {
    return this.#session?.isOpen === true ? this.#session : undefined
  }

  /** Why nothing can be sent now, or could not the last time. */
  get lastError(): StoreError {
    return this.#lastError ?? new ClosedError('the peer was not reached')
  }

  get waiting(): number {
    return this.#pending.size
  }

  /** Bytes accepted and not yet handed to the network. */
  get queuedBytes(): number {
    return this.#queuedBytes + (this.#session?.queuedBytes ?? 0)
  }

  /** Whether one more request of so many bytes may wait for this peer now. */
  hasRoom(bytes: number): boolean {
    return this.#pending.hasRoom && this.queuedBytes + bytes <= this.#options.queuedBytesMax
  }

  /**
   * Sends a request. The answer, or that there will be none, reaches the sink in a later turn.
   * @returns what `abandon` takes; undefined when it cannot be sent now (`lastError` tells why, the sink is not
   * called).
   */
  call(sink: CallSink, tag: number, frame: Frame): number | undefined {
    if (!this.#accepts(frameBytes(frame))) return undefined
    const id = this.#pending.add(sink, tag)
    if (id === undefined) {
      this.#lastError = new OverloadedError('too many calls wait for this peer')
      return undefined
    }
    setRequestId(frame.bytes, id)
    if (this.#deliver(frame)) return id
    this.#pending.take(id)
    return undefined
  }

  /** Sends a frame that nobody answers. False when it cannot be sent now. */
  post(frame: Frame): boolean {
    return this.#accepts(frameBytes(frame)) && this.#deliver(frame)
  }

  /** The caller waits no longer. A late answer is ignored. */
  abandon(id: number): void {
    this.#pending.take(id)
  }

  /**
   * Uses a session that the peer dialled: at once when there is none, else when that one has ended, for the address
   * that is known of the peer may be wrong (a copy of it was met there last). One that another start of the peer has
   * opened leads into the void (it lost power, and its address is another now): it is given up.
   */
  adopt(session: Session): void {
    const old = this.#session
    if (old?.isOpen === true && isEarlierStart(old.remote!, session.remote!)) {
      const error = new ClosedError('the peer has started anew')
      this.#session = undefined
      this.#lastError = error
      old.fail(error)
      this.#pending.failAll(error, true)
    }
    if (this.#closed) return
    if (this.#session === undefined) return this.#take(session)
    const older = this.#spare === undefined ? this.#older : [...this.#older, this.#spare]
    this.#older = older.filter(({ isOpen }) => isOpen).slice(-olderMax)
    this.#spare = session
  }

  #take(session: Session): void {
    this.#session = session
    session.adopt(this)
    this.opened()
  }

  #takeSpare(): boolean {
    const spare = this.#spare
    this.#spare = undefined
    if (spare?.isOpen !== true) return false
    this.#take(spare)
    return true
  }

  /** A copy of the peer was met last, and is gone, with its address: the peer itself may still be there. */
  #takeOlder(): boolean {
    const session = this.#older.findLast(({ isOpen }) => isOpen)
    this.#older = this.#older.filter((each) => each !== session && each.isOpen)
    if (session !== undefined) this.#take(session)
    return session !== undefined
  }

  /** Forgets past failures: there is reason to think that the peer is back. */
  retryNow(): void {
    this.#coolUntilMs = 0
    this.#failures = 0
  }

  /**
   * The peer has just been heard of: also a dial that got no answer for long begins anew. A network that was silent
   * and is not any more lets a new one through at once, while an old one waits for its next repetition (TCP waits
   * 1 s, then 2 s, then 4 s) and would fail in the end, with all that waits for it.
   */
  hurry(): void {
    this.retryNow()
    const old = this.#session
    const isStale = this.#options.host.clock.monotonicMs() - this.#dialledMs >= dialStaleMs
    if (old?.isConnecting !== true || !isStale || this.#closed) return
    if (this.#dialElsewhere() || this.#dial())
      old.fail(new ClosedError('another attempt to connect took its place'))
  }

  close(): void {
    this.#closed = true
    this.#spare = undefined
    this.#older = []
    this.#session?.fail(new ClosedError('the node is closed'))
  }

  /** The session is open: what waited goes out. */
  opened(): void {
    this.#failures = 0
    const queue = this.#queue
    this.#queue = []
    this.#queuedBytes = 0
    for (const { bytes, tail } of queue) this.#session?.sendBytes(bytes, bytes.length, tail)
  }

  answered(id: number, frame: AnswerFrame): void {
    const call = this.#pending.take(id)
    if (call !== undefined) call.sink.answered(call.tag, frame)
  }

  ended(session: Session, error: StoreError, opened: boolean): void {
    if (session !== this.#session) return
    this.#session = undefined
    this.#lastError = error
    // Nothing was sent yet: what waits may take another way, if there is one.
    if (!opened && (this.#takeSpare() || this.#dialElsewhere() || this.#takeOlder()))
      return this.#options.unreachable(error)
    this.#queue = []
    this.#queuedBytes = 0
    if (!opened) this.#cool(error)
    this.#pending.failAll(error, opened)
  }

  #cool(error: StoreError): void {
    const { host, random, unreachable } = this.#options
    const backoffMs = Math.min(backoffMaxMs, backoffMinMs * 2 ** Math.min(this.#failures, 10))
    this.#failures += 1
    this.#coolUntilMs = host.clock.monotonicMs() + backoffMs * (0.5 + random.float() / 2)
    unreachable(error)
  }

  #accepts(bytes: number): boolean {
    if (this.#closed) {
      this.#lastError = new ClosedError('the node is closed')
      return false
    }
    if (this.queuedBytes + bytes > this.#options.queuedBytesMax) {
      this.#lastError = new OverloadedError('too many bytes wait for this peer')
      return false
    }
    return this.#session !== undefined || this.#takeSpare() || this.#dial() || this.#takeOlder()
  }

  #dial(): boolean {
    if (this.#options.host.clock.monotonicMs() < this.#coolUntilMs) return false
    const address = this.#options.address()
    if (address === undefined) {
      this.#lastError = new ClosedError('the address of the peer is not known')
      return false
    }
    this.#connect(address)
    return true
  }

  /** The address that is known of the peer leads nowhere: it may be that of a copy which is gone. */
  #dialElsewhere(): boolean {
    const address = this.#options.elsewhere()
    const isNew = this.#dialledTo === this.#options.address() && this.#dialledTo !== address
    if (this.#closed || address === undefined || !isNew) return false
    this.#connect(address)
    return true
  }

  #connect(address: string): void {
    const { host, transport, lane, expected } = this.#options
    const session = new Session(host, { lane, expected, owner: this })
    this.#session = session
    this.#dialledMs = host.clock.monotonicMs()
    this.#dialledTo = address
    session.attach(transport.connect(address, session))
  }

  #deliver(frame: Frame): boolean {
    if (this.#session!.isOpen) return this.#session!.send(frame)
    const bytes = Buffer.from(frame.bytes.subarray(0, frame.end))
    this.#queue.push({ bytes, tail: frame.tail })
    this.#queuedBytes += frameBytes(frame)
    return true
  }
}

function isEarlierStart(one: Greeting, other: Greeting): boolean {
  return one.store === other.store && one.boot !== other.boot
}
