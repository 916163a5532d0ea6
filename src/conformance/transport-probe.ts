/** A connection handler that writes down what happens to it, and lets a test wait for it. */
import { equal, fail } from 'node:assert/strict'
import type { Connection, ConnectionHandler, Transport } from '../ports/transport.ts'

/** How long a test waits for something that must happen, in milliseconds. Generous: busy machines are slow. */
const WITHIN_MS = 20_000

/** Lets tests wait for something to become true, with a deadline and no timer that keeps the process alive. */
class Watch {
  #waiters: (() => void)[] = []

  /** To be called after each change. */
  wake(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const resolve of waiters) resolve()
  }

  /** @throws {AssertionError} when it does not hold in time. */
  async until(what: string, holds: () => boolean): Promise<void> {
    const deadline = AbortSignal.timeout(WITHIN_MS)
    deadline.addEventListener('abort', () => this.wake(), { once: true })
    while (!holds()) {
      if (deadline.aborted) fail(`waited ${WITHIN_MS} ms for ${what}`)
      await new Promise<void>((resolve) => this.#waiters.push(resolve))
    }
  }
}

/** Frames of a suite are at most this long, unless a test says otherwise. */
const FRAME_BYTES_MAX = 2 ** 21

/** What a probe does with the frames it gets. */
export interface ProbeOptions {
  readonly frameBytesMax?: (firstByte: number) => number
  readonly onOpen?: () => void
  readonly onFrame?: (frame: Uint8Array) => void
}

/**
 * Checks on its own what holds for every connection: `open` before frames and at most once, one `close` at the end,
 * and no call from inside `quietly`.
 */
export class TransportProbe implements ConnectionHandler {
  readonly frames: Uint8Array[] = []
  closes = 0
  closeError: Error | undefined
  opens = 0
  /** What a transport did that it must not do. */
  readonly breaches: string[] = []
  #isQuiet = false
  readonly #options: ProbeOptions
  readonly #watch: Watch = new Watch()

  constructor(options: ProbeOptions = {}) {
    this.#options = options
  }

  frameBytesMax(firstByte: number): number {
    return this.#options.frameBytesMax?.(firstByte) ?? FRAME_BYTES_MAX
  }

  open(): void {
    this.#note('open')
    if (this.opens > 0) this.breaches.push('open was called twice')
    this.opens++
    this.#options.onOpen?.()
    this.#watch.wake()
  }

  frame(bytes: Uint8Array, start: number, end: number): void {
    this.#note('frame')
    if (this.opens === 0) this.breaches.push('a frame came before open')
    // Not `bytes.slice`: on a Buffer that is a view.
    const frame = Uint8Array.from(bytes.subarray(start, end))
    this.frames.push(frame)
    this.#options.onFrame?.(frame)
    this.#watch.wake()
  }

  close(error?: Error): void {
    this.#note('close')
    this.closes++
    this.closeError = error
    this.#watch.wake()
  }

  /** Runs `call`, during which the transport must not call this handler. */
  quietly<T>(call: () => T): T {
    this.#isQuiet = true
    try {
      return call()
    } finally {
      this.#isQuiet = false
    }
  }

  async opened(): Promise<void> {
    await this.#watch.until('open', () => this.opens > 0 || this.closes > 0)
    equal(this.closes, 0, `the connection closed instead of opening: ${String(this.closeError)}`)
  }

  async received(count: number): Promise<readonly Uint8Array[]> {
    await this.#watch.until(`${count} frames`, () => this.frames.length >= count || this.closes > 0)
    equal(
      this.closes,
      0,
      `closed with ${this.frames.length}/${count} frames: ${String(this.closeError)}`,
    )
    return this.frames
  }

  async closed(): Promise<void> {
    await this.#watch.until('close', () => this.closes > 0)
  }

  #note(call: string): void {
    if (this.#isQuiet) this.breaches.push(`${call} was called from inside connect, send or close`)
    if (this.closes > 0) this.breaches.push(`${call} was called after close`)
  }
}

/** Two transports, one of which listens, and the ends of connections between them. */
export class TransportPair {
  readonly listening: Transport
  readonly connecting: Transport
  readonly probes: TransportProbe[] = []
  /** The listener's address. */
  address = ''
  readonly #acceptedOptions: ProbeOptions
  readonly #accepted: ProbedEnd[] = []
  readonly #watch: Watch = new Watch()

  private constructor(transports: readonly [Transport, Transport], acceptedOptions: ProbeOptions) {
    this.listening = transports[0]
    this.connecting = transports[1]
    this.#acceptedOptions = acceptedOptions
  }

  static async create(
    create: () => Promise<Transport>,
    acceptedOptions: ProbeOptions = {},
  ): Promise<TransportPair> {
    const pair = new TransportPair([await create(), await create()], acceptedOptions)
    pair.address = await pair.listening.listen((connection) => {
      const probe = new TransportProbe(pair.#acceptedOptions)
      pair.probes.push(probe)
      pair.#accepted.push({ probe, connection })
      pair.#watch.wake()
      return probe
    })
    return pair
  }

  /** Starts a connection to the listener, or to `address`. */
  connect(options: ProbeOptions & { readonly address?: string } = {}): ProbedEnd {
    const probe = new TransportProbe(options)
    this.probes.push(probe)
    const connection = probe.quietly(() => {
      return this.connecting.connect(options.address ?? this.address, probe)
    })
    return { probe, connection }
  }

  /** A connection that is open at both ends. */
  async open(
    options: ProbeOptions = {},
  ): Promise<{ readonly near: ProbedEnd; readonly far: ProbedEnd }> {
    const near = this.connect(options)
    await near.probe.opened()
    const far = await this.nextAccepted()
    await far.probe.opened()
    return { near, far }
  }

  /** The accepting end of the next connection that has not been asked for. */
  async nextAccepted(): Promise<ProbedEnd> {
    await this.#watch.until('a connection', () => this.#accepted.length > 0)
    return this.#accepted.shift()!
  }

  async close(): Promise<void> {
    await this.connecting.close()
    await this.listening.close()
  }

  /** Closes both transports and checks what must hold for every connection there was. */
  async finish(): Promise<void> {
    await this.close()
    for (const probe of this.probes) {
      await probe.closed()
      equal(probe.closes, 1, 'close is called exactly once')
      equal(probe.breaches.join('; '), '')
    }
  }
}

/** One end of a connection and what happened to it. */
export interface ProbedEnd {
  readonly probe: TransportProbe
  readonly connection: Connection
}
