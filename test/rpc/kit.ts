/**
 * Sessions and channels without nodes: a clock that is moved by hand, a wire that does as it is told, hosts
 * that note.
 */
import type { Clock, Timer } from '../../src/ports/clock.ts'
import type { Connection, ConnectionHandler, Transport } from '../../src/ports/transport.ts'
import { plainFrame, type Frame } from '../../src/rpc/frame-buffer.ts'
import { frameType, protocolVersion } from '../../src/rpc/frame.ts'
import { judge, packGreeting, type Greeting, type Refusal } from '../../src/rpc/handshake.ts'
import type { Session, SessionHost } from '../../src/rpc/session.ts'

/** Time that passes only when it is told to. */
export class HandClock implements Clock {
  #nowMs = 0
  readonly #timers = new Set<{ atMs: number; run: () => void }>()

  get pending(): number {
    return this.#timers.size
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return this.#nowMs
  }

  after(delayMs: number, run: () => void): Timer {
    const timer = { atMs: this.#nowMs + delayMs, run }
    this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }

  /** Runs what is due, in order. */
  pass(ms: number): void {
    const untilMs = this.#nowMs + ms
    for (;;) {
      const due = [...this.#timers].filter(({ atMs }) => atMs <= untilMs)
      const first = due.sort((a, b) => a.atMs - b.atMs)[0]
      if (first === undefined) break
      this.#timers.delete(first)
      this.#nowMs = first.atMs
      first.run()
    }
    this.#nowMs = untilMs
  }

  /** Runs what is due now, and not what that sets. */
  passTurn(): void {
    for (const timer of [...this.#timers].filter(({ atMs }) => atMs <= this.#nowMs)) {
      this.#timers.delete(timer)
      timer.run()
    }
  }
}

/** One end of a wire: notes what is sent; the test plays the other end. */
export class Wire implements Connection {
  readonly remote: string
  readonly provenNames?: readonly string[] | undefined
  readonly sent: Buffer[] = []
  queuedBytes = 0
  isClosed = false

  constructor(remote: string, provenNames?: readonly string[]) {
    this.remote = remote
    this.provenNames = provenNames
  }

  send(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.isClosed) return false
    this.sent.push(Buffer.from(bytes.subarray(start, end)))
    return true
  }

  close(): void {
    this.isClosed = true
  }

  /** Types of the frames that were sent. */
  get types(): readonly number[] {
    return this.sent.map((frame) => frame[0]!)
  }
}

/** Hands a frame to a handler as a transport does: somewhere inside of a larger buffer. */
export function deliver(handler: ConnectionHandler, frame: Uint8Array): void {
  const around = Buffer.alloc(frame.length + 7, 0xff)
  around.set(frame, 3)
  handler.frame(around, 3, 3 + frame.length)
}

/** A transport whose connections are wires. */
export class WireTransport implements Transport {
  readonly dialled: { address: string; wire: Wire; handler: ConnectionHandler }[] = []

  async listen(): Promise<string> {
    return 'here'
  }

  connect(address: string, handler: ConnectionHandler): Connection {
    const wire = new Wire(address)
    this.dialled.push({ address, wire, handler })
    return wire
  }

  async close(): Promise<void> {
    // Wires are closed by hand.
  }
}

/** A greeting of a sound node of the cluster, or with something else about it. */
export function greeting(about: Partial<Greeting> = {}): Greeting {
  return {
    protocol: protocolVersion,
    name: 'coterie',
    cluster: 'c1',
    id: 'them',
    store: 's-them',
    boot: 'b-them',
    starts: 1,
    address: 'there',
    lane: 'data',
    remembers: 0,
    ...about,
  }
}

/** The greeting of the node under test. */
const ownGreeting: Greeting = greeting({
  id: 'me',
  store: 's-me',
  boot: 'b-me',
  address: 'here',
})

/** A greeting as a frame. */
export function greetingFrame(type: number, about: Partial<Greeting> = {}): Buffer {
  return copyOf(plainFrame({ type, flags: 0, id: 0 }, packGreeting(greeting(about))))
}

/** A frame with a body of its own memory. */
export function frameOf(type: number, body: Uint8Array = new Uint8Array(0), id = 0): Buffer {
  return copyOf(plainFrame({ type, flags: 0, id }, body))
}

/** The bytes of a frame of the shared buffer. */
export function copyOf({ bytes, end }: Frame): Buffer {
  return Buffer.from(bytes.subarray(0, end))
}

/** A host that notes what reaches it and judges as a node does. */
export class Host implements SessionHost {
  readonly clock: HandClock
  readonly handshakeTimeoutMs = 5_000
  readonly heard: string[] = []
  departed: readonly string[] = []

  constructor(clock: HandClock = new HandClock()) {
    this.clock = clock
  }

  greeting(lane: 'data' | 'control'): Greeting {
    return { ...ownGreeting, lane }
  }

  judge(theirs: Greeting, expected: string | undefined): Refusal | undefined {
    return judge(ownGreeting, theirs, { expected, departed: this.departed })
  }

  opened(session: Session): void {
    this.heard.push(`opened ${session.remote!.id} ${session.lane}`)
  }

  request(_session: Session, bytes: Uint8Array, start: number): void {
    this.heard.push(`request ${bytes[start]}`)
  }

  cast(_session: Session, message: readonly unknown[]): void {
    this.heard.push(`cast ${String(message[0])}`)
  }
}

/** All types of frames that there are. */
export const allTypes: readonly number[] = Object.values(frameType)
