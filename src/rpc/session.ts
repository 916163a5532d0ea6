/**
 * One connection between two nodes: the greeting, then requests, answers and casts in both directions. Nothing but
 * a greeting is read before it was judged.
 */
import { ProtocolError, type StoreError } from '../base/errors.ts'
import { asBuffer } from '../base/bytes.ts'
import type { Clock, Timer } from '../ports/clock.ts'
import type { Connection, ConnectionHandler } from '../ports/transport.ts'
import { unpack } from './pack.ts'
import { answerHeadBytes, frameBytesMax, frameType, isAnswer, isRequest } from './frame.ts'
import { plainFrame, requestId, type Frame, type FrameTail } from './frame-buffer.ts'
import {
  packGreeting,
  refusalReasons,
  RefusedError,
  unpackGreeting,
  type Greeting,
  type Lane,
  type Refusal,
} from './handshake.ts'
import type { AnswerFrame } from './pending-calls.ts'
import { PieceCutter, PieceJoiner } from './pieces.ts'

/** What a session needs of its node. */
export interface SessionHost {
  readonly clock: Clock
  /** A greeting must be answered within this time. */
  readonly handshakeTimeoutMs: number
  /** What this node says to a node; `to` is known when answering. */
  greeting(lane: Lane, to: Greeting | undefined): Greeting
  judge(theirs: Greeting, expected: string | undefined): Refusal | undefined
  opened(session: Session): void
  /** A request `bytes[start, end)` of the other side; readable during the call. */
  request(session: Session, bytes: Uint8Array, start: number, end: number): void
  /** A one-way message. */
  cast(session: Session, message: readonly unknown[]): void
}

/** Who dialled: it hears of the end of its session and of the answers. */
export interface SessionOwner {
  opened(): void
  answered(id: number, frame: AnswerFrame): void
  ended(session: Session, error: StoreError, opened: boolean): void
}

/** A lost greeting is said again after this time. */
const greetAgainMs = 500
/** When no piece of a long frame has come for so long, what came of it is forgotten. */
const forgetPiecesMs = 30_000

/** `failed`: the connection is being closed, and nothing is read or sent any more. */
type State = 'connecting' | 'greeting' | 'open' | 'failed' | 'closed'

const answer: { -readonly [K in keyof AnswerFrame]: AnswerFrame[K] } = {
  type: 0,
  flags: 0,
  bytes: new Uint8Array(0),
  bodyStart: 0,
  end: 0,
}

/** One end of a connection between two nodes, from its greeting to its end. */
export class Session implements ConnectionHandler {
  readonly #host: SessionHost
  readonly #dialled: boolean
  readonly #expected: string | undefined
  #lane: Lane
  #state: State = 'connecting'
  #connection: Connection | undefined
  #remote: Greeting | undefined
  #owner: SessionOwner | undefined
  #deadline: Timer | undefined
  #again: Timer | undefined
  #error: StoreError | undefined
  #wasOpen = false
  /** Long frames, out and in; each is there once one has come. */
  #cutter: PieceCutter | undefined
  #joiner: PieceJoiner | undefined
  #forgetting: Timer | undefined

  /** A session that this node dials has an owner; one that it accepts gets one when it is adopted. */
  constructor(
    host: SessionHost,
    dial?: { lane: Lane; expected: string | undefined; owner: SessionOwner },
  ) {
    this.#host = host
    this.#dialled = dial !== undefined
    this.#lane = dial?.lane ?? 'data'
    this.#expected = dial?.expected
    this.#owner = dial?.owner
  }

  /** Called once, right after the connection exists. */
  attach(connection: Connection): void {
    this.#connection = connection
    this.#deadline = this.#host.clock.after(this.#host.handshakeTimeoutMs, () => {
      const waited = `no greeting within ${this.#host.handshakeTimeoutMs} ms`
      this.fail(new ProtocolError(`${connection.remote}: ${waited}`))
    })
  }

  get lane(): Lane {
    return this.#lane
  }

  /** Who is at the other end; undefined until it was judged. */
  get remote(): Greeting | undefined {
    return this.#remote
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** Whether there is no connection yet: nobody at the other end knows of this session. */
  get isConnecting(): boolean {
    return this.#state === 'connecting'
  }

  get hasOwner(): boolean {
    return this.#owner !== undefined
  }

  get queuedBytes(): number {
    return (this.#connection?.queuedBytes ?? 0) + (this.#cutter?.waitingBytes ?? 0)
  }

  /** Lets an accepted session carry this node's own requests too. */
  adopt(owner: SessionOwner): void {
    this.#owner = owner
  }

  send(frame: Frame): boolean {
    return this.sendBytes(frame.bytes, frame.end, frame.tail)
  }

  /** Sends the frame of `bytes[0, end)`, and of its tail if it is a long one. */
  sendBytes(bytes: Uint8Array, end: number, tail: FrameTail | undefined): boolean {
    if (this.#state !== 'open') return false
    if (tail === undefined) return this.#connection!.send(bytes, 0, end)
    this.#cutter ??= new PieceCutter(this.#host.clock, this.#connection!)
    this.#cutter.push(bytes, end, tail)
    return true
  }

  /** Ends the session because of an error. */
  fail(error: StoreError): void {
    if (this.#state === 'failed' || this.#state === 'closed') return
    this.#state = 'failed'
    this.#error = error
    this.#stopPieces()
    this.#connection?.close()
  }

  frameBytesMax(firstByte: number): number {
    return frameBytesMax(firstByte)
  }

  open(): void {
    if (this.#state !== 'connecting') return
    this.#state = 'greeting'
    if (this.#dialled) this.#greet()
  }

  #greet(): void {
    this.#say(frameType.hello, undefined)
    this.#again = this.#host.clock.after(greetAgainMs, () => {
      if (this.#state === 'greeting') this.#greet()
    })
  }

  #say(type: number, to: Greeting | undefined): void {
    const body = packGreeting(this.#host.greeting(this.#lane, to))
    const { bytes, end } = plainFrame({ type, flags: 0, id: 0 }, body)
    this.#connection!.send(bytes, 0, end)
  }

  frame(bytes: Uint8Array, start: number, end: number): void {
    if (end - start < answerHeadBytes) return this.fail(malformed(this))
    if (this.#state !== 'open') return this.#greeted(bytes, start, end)
    const type = bytes[start]!
    if (isAnswer(type)) {
      answer.type = type
      answer.flags = bytes[start + 1]!
      answer.bytes = bytes
      answer.bodyStart = start + answerHeadBytes
      answer.end = end
      this.#owner?.answered(requestId(bytes, start), answer)
    } else if (isRequest(type)) {
      this.#host.request(this, bytes, start, end)
    } else if (type === frameType.cast) {
      this.#cast(bytes, start, end)
    } else if (type === frameType.piece) {
      this.#piece(bytes, start, end)
    } else if (type === frameType.hello && !this.#dialled) {
      this.#say(frameType.welcome, this.#remote)
    } else if (type !== frameType.welcome) {
      this.fail(malformed(this))
    }
  }

  #cast(bytes: Uint8Array, start: number, end: number): void {
    const message = unpack(bytes, start + answerHeadBytes, end)
    if (message === undefined) this.fail(malformed(this))
    else this.#host.cast(this, message)
  }

  #piece(bytes: Uint8Array, start: number, end: number): void {
    this.#joiner ??= new PieceJoiner()
    const frame = this.#joiner.take(bytes, start, end)
    if (frame === 'malformed') return this.fail(malformed(this))
    if (this.#forgetting === undefined) this.#forgetPieces(this.#joiner)
    if (frame !== 'more') this.frame(frame, 0, frame.length)
  }

  /** Memory for long frames goes when none come any more. */
  #forgetPieces(joiner: PieceJoiner): void {
    const { pieces } = joiner
    this.#forgetting = this.#host.clock.after(forgetPiecesMs, () => {
      this.#forgetting = undefined
      if (joiner.pieces === pieces) joiner.stop()
      else this.#forgetPieces(joiner)
    })
  }

  #stopPieces(): void {
    this.#cutter?.stop()
    this.#joiner?.stop()
    this.#forgetting?.cancel()
  }

  /** Reads a frame before the session is open. */
  #greeted(bytes: Uint8Array, start: number, end: number): void {
    const type = bytes[start]!
    if (this.#state !== 'greeting') return
    if (type === frameType.refused && this.#dialled) {
      const text = asBuffer(bytes).toString('utf8', start + answerHeadBytes, end)
      const reason = refusalReasons[bytes[start + 1]!] ?? 'protocol'
      const message = `refused by ${this.#connection!.remote}: ${text}`
      return this.fail(new RefusedError({ reason, message }, { byPeer: true }))
    }
    if (type !== (this.#dialled ? frameType.welcome : frameType.hello)) {
      return this.fail(new ProtocolError(`${this.#connection!.remote} does not greet`))
    }
    const theirs = unpackGreeting(bytes, start + answerHeadBytes, end)
    if (typeof theirs === 'string') return this.#refuse({ reason: 'protocol', message: theirs })
    const refusal = this.#host.judge(theirs, this.#expected) ?? this.#nameUnproven(theirs)
    if (refusal !== undefined) return this.#refuse(refusal)
    this.#settle(theirs)
  }

  /** With certificates, a node is who its certificate names (HAZARDS §4). */
  #nameUnproven(theirs: Greeting): Refusal | undefined {
    const proven = this.#connection!.provenNames
    if (proven === undefined || proven.includes(theirs.id)) return undefined
    const names = proven.join(', ')
    return {
      reason: 'identity',
      message: `the certificate of "${theirs.id}" names ${names === '' ? 'nobody' : names}`,
    }
  }

  #refuse(refusal: Refusal): void {
    if (!this.#dialled) {
      const body = Buffer.from(refusal.message.slice(0, 1000))
      const flags = refusalReasons.indexOf(refusal.reason)
      const { bytes, end } = plainFrame({ type: frameType.refused, flags, id: 0 }, body)
      this.#connection!.send(bytes, 0, end)
    }
    this.fail(new RefusedError(refusal))
  }

  #settle(theirs: Greeting): void {
    this.#remote = theirs
    if (!this.#dialled) {
      this.#lane = theirs.lane
      this.#say(frameType.welcome, theirs)
    }
    this.#state = 'open'
    this.#wasOpen = true
    this.#deadline?.cancel()
    this.#again?.cancel()
    this.#host.opened(this)
    if (this.#dialled) this.#owner?.opened()
  }

  close(error?: Error): void {
    this.#state = 'closed'
    this.#deadline?.cancel()
    this.#again?.cancel()
    this.#stopPieces()
    const reason =
      this.#error ?? new ProtocolError(`${this.#remoteName()}: connection closed`, error)
    this.#owner?.ended(this, reason, this.#wasOpen)
  }

  #remoteName(): string {
    return this.#remote?.id ?? this.#connection?.remote ?? 'a peer'
  }
}

function malformed(session: Session): ProtocolError {
  return new ProtocolError(`malformed frame from ${session.remote?.id ?? 'a peer'}`)
}
