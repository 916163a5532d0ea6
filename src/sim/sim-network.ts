/**
 * A network between simulated processes: connections that take time, break, go silent and are
 * refused, as seeded chance and the scenario will have it. It implements the `Transport` port for
 * each process.
 *
 * Addresses are `name:port`, the first port of a process being 1: `n1:1`.
 */

import type { ConnectionHandler, Transport } from '../ports/transport.ts'
import { FaultCounts } from './faults.ts'
import { connectionRefused } from './network-error.ts'
import type { SimConnection } from './sim-connection.ts'
import { linkName, SimLinks } from './sim-links.ts'
import type { LinkQuality, NetworkQuality, Obstacle } from './sim-links.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { SimProcess } from './sim-process.ts'
import { faultOf, SimStream } from './sim-stream.ts'
import type { StreamNetwork } from './sim-stream.ts'
import { SimTransport } from './sim-transport.ts'
import type { Trace } from './trace.ts'
import type { VirtualClock } from './virtual-clock.ts'

/**
 * How long an attempt to connect, or a sender whose frames do not get through, waits before it
 * gives up.
 */
const CONNECT_TIMEOUT_MS = 10_000
const SILENCE_MAX_MS = 20_000

/**
 * An attempt to connect that meets a silent network is repeated after this time, then after twice
 * as long, and so on.
 */
const FIRST_RETRY_MS = 1000

/** What the network is made of. */
export interface SimNetworkOptions {
  readonly clock: VirtualClock
  readonly random: SeededRandom
  readonly trace: Trace
  readonly faults?: FaultCounts
  readonly quality?: NetworkQuality | undefined
}

/** All connections of a simulation. */
export class SimNetwork implements StreamNetwork {
  readonly clock: VirtualClock
  readonly trace: Trace
  readonly faults: FaultCounts
  readonly silenceMaxMs: number = SILENCE_MAX_MS
  readonly streams: Set<SimStream> = new Set()
  readonly #random: SeededRandom
  readonly #randoms = new Map<string, SeededRandom>()
  readonly #links: SimLinks
  readonly #listeners = new Map<string, SimTransport>()
  readonly #transports = new Set<SimTransport>()
  readonly #dark = new Set<string>()
  #connections = 0

  /** @throws {InvalidArgumentError} */
  constructor(options: SimNetworkOptions) {
    this.clock = options.clock
    this.trace = options.trace
    this.faults = options.faults ?? new FaultCounts()
    this.#random = options.random
    this.#links = new SimLinks(options.quality)
  }

  /** The network as one process sees it. A machine that was off is on again. */
  transport(process: SimProcess): Transport {
    const transport = new SimTransport(this, process)
    this.#transports.add(transport)
    if (this.#dark.delete(process.name)) this.#refresh()
    return transport
  }

  /** Gives the process its lowest free port. */
  bind(transport: SimTransport): string {
    let port = 1
    while (this.#listeners.has(`${transport.process.name}:${port}`)) port++
    const address = `${transport.process.name}:${port}`
    this.#listeners.set(address, transport)
    return address
  }

  /** Forgets a transport that was closed. */
  release(transport: SimTransport): void {
    this.#transports.delete(transport)
    for (const [address, listener] of this.#listeners) {
      if (listener === transport) this.#listeners.delete(address)
    }
  }

  /**
   * Ends all connections of a process that died, and frees its addresses. Its peers are told by its
   * operating system after one latency; if the whole machine is off (loss of power), they are told
   * nothing until it is back.
   */
  crash(process: SimProcess, options: { isMachineOff?: boolean } = {}): void {
    const { isMachineOff = false } = options
    if (isMachineOff) this.#dark.add(process.name)
    for (const transport of this.#transports) {
      if (transport.process === process) transport.abandon(!isMachineOff)
    }
  }

  /** Replaces an earlier partition; see `SimLinks.partition`. */
  partition(groups: readonly (readonly string[])[]): void {
    this.#links.partition(groups)
    this.#refresh()
  }

  /** Stops what `from` sends to `to`, and so every connection between them after a while. */
  block(from: string, to: string): void {
    this.#links.block(from, to)
  }

  /** Holds what `from` sends to `to` until `unclog`, which lets it all through at once. */
  clog(from: string, to: string): void {
    this.#links.clog(from, to)
  }

  unclog(from: string, to: string): void {
    this.#links.unclog(from, to)
    this.#refresh()
  }

  /** Cuts all connections between two processes. Both ends hear of it in an event of their own. */
  reset(a: string, b: string): void {
    let count = 0
    for (const transport of this.#transports) {
      const { name } = transport.process
      if (name === a) count += transport.reset(b)
      else if (name === b) transport.reset(a)
    }
    this.faults.add('connection-reset', count)
  }

  /** @throws {InvalidArgumentError} */
  link(from: string, to: string, quality: NetworkQuality | undefined): void {
    this.#links.override(from, to, quality)
  }

  /** Undoes `partition`, `block`, `clog` and `link`. What waited goes on. */
  heal(): void {
    this.#links.heal()
    this.#refresh()
  }

  /**
   * Attempts to connect. Opens after a round trip; refused after a round trip when nobody listens
   * there; in a silent network it tries again and then times out.
   */
  dial(transport: SimTransport, address: string, handler: ConnectionHandler): SimConnection {
    const { process } = transport
    const client = transport.newEnd(address)
    client.handle(handler)
    this.trace.note(process.name, 'connect', address)
    const target = address.slice(0, address.lastIndexOf(':'))
    this.#knock(client, { address, target, retryMs: FIRST_RETRY_MS })
    client.openWithin(CONNECT_TIMEOUT_MS)
    return client
  }

  obstacle(from: string, to: string): Obstacle | undefined {
    return this.#links.obstacle(from, to)
  }

  isDark(name: string): boolean {
    return this.#dark.has(name)
  }

  quality(from: string, to: string): LinkQuality {
    return this.#links.quality(from, to)
  }

  random(link: string): SeededRandom {
    let random = this.#randoms.get(link)
    if (random === undefined) {
      random = this.#random.fork(link)
      this.#randoms.set(link, random)
    }
    return random
  }

  travelMs(from: string, to: string): number {
    const { latencyMs, jitterMs } = this.quality(from, to)
    return latencyMs + jitterMs * this.random(linkName(from, to)).float()
  }

  #knock(
    client: SimConnection,
    attempt: { address: string; target: string; retryMs: number },
  ): void {
    const from = client.process.name
    const { address, target, retryMs } = attempt
    this.clock.after(this.travelMs(from, target), () => {
      if (client.isClosed) return
      if (this.#isLost(from, target) || this.#isLost(target, from)) {
        const again = (): void => this.#knock(client, { address, target, retryMs: 2 * retryMs })
        this.clock.after(retryMs, again)
        return
      }
      const listener = this.#listeners.get(address)
      if (listener === undefined) this.#refuse(client, address, target)
      else this.#establish(client, listener)
    })
  }

  #isLost(from: string, to: string): boolean {
    if (this.isDark(from) || this.isDark(to)) return true
    const obstacle = this.obstacle(from, to)
    if (obstacle !== undefined) this.faults.add(faultOf[obstacle])
    return (
      obstacle !== undefined || this.random(linkName(from, to)).chance(this.quality(from, to).loss)
    )
  }

  #refuse(client: SimConnection, address: string, target: string): void {
    const error = connectionRefused(address)
    this.clock.after(this.travelMs(target, client.process.name), () => {
      this.trace.note(client.process.name, 'refuse', address)
      client.process.hand(() => client.fail(error))
    })
  }

  #establish(client: SimConnection, listener: SimTransport): void {
    const { name } = client.process
    const server = listener.newEnd(`${name}:${50_000 + this.#connections++}`)
    const forth = new SimStream(this, { source: client, target: server })
    const back = new SimStream(this, { source: server, target: client })
    client.sendOver(forth)
    server.sendOver(back)
    const opensAfterMs = this.travelMs(listener.process.name, name)
    back.startAt(this.clock.nowMs + opensAfterMs)
    // The operating system accepts, also for a process that is paused: the client opens whether it
    // goes on or not.
    listener.process.hand(() => listener.accept(server))
    this.clock.after(opensAfterMs, () => {
      this.trace.note(name, 'open', listener.process.name)
      client.process.hand(() => client.open())
    })
  }

  #refresh(): void {
    for (const stream of this.streams) stream.refresh()
  }
}
