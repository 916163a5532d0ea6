/**
 * The transport for nodes of one process. Frames are copied and framed as on a socket, so a node cannot tell the
 * difference: nothing is delivered from inside `send`, and what is kept of a frame must be copied.
 */
import { assert } from '../base/assert.ts'
import { ClosedError, InvalidArgumentError } from '../base/errors.ts'
import type { Connection, ConnectionHandler, Transport } from '../ports/transport.ts'
import { connectionRefused } from './connection-errors.ts'
import { MemoryConnection } from './memory-connection.ts'
import { MemoryTurns } from './memory-turns.ts'

/** Where memory transports find each other. Nodes on different networks cannot reach each other. */
export interface MemoryNetwork {
  /** The addresses that are listened to now, `memory:1`, `memory:2`, …, in the order of their opening. */
  addresses(): readonly string[]
}

type Accept = (connection: Connection) => ConnectionHandler

class Network implements MemoryNetwork {
  readonly listeners: Map<string, MemoryTransport> = new Map<string, MemoryTransport>()
  readonly turns: MemoryTurns = new MemoryTurns()
  #lastAddress = 0

  addresses(): readonly string[] {
    return [...this.listeners.keys()]
  }

  /** Addresses are not used again: a closed one refuses forever. */
  nextAddress(): string {
    return `memory:${++this.#lastAddress}`
  }
}

/** A network of one process. */
export function memoryNetwork(): MemoryNetwork {
  return new Network()
}

/**
 * A transport that reaches the other memory transports of the same network.
 * @throws {InvalidArgumentError} when `network` was not made by `memoryNetwork`.
 */
export function memoryTransport(network: MemoryNetwork): Transport {
  if (!(network instanceof Network)) {
    throw new InvalidArgumentError('network', 'must come from memoryNetwork()')
  }
  return new MemoryTransport(network)
}

class MemoryTransport implements Transport {
  readonly #network: Network
  readonly #connections = new Set<MemoryConnection>()
  #accept: Accept | undefined
  #address: string | undefined
  #connected = 0
  #isClosed = false

  constructor(network: Network) {
    this.#network = network
  }

  async listen(accept: Accept): Promise<string> {
    if (this.#isClosed) throw new ClosedError('the transport is closed')
    if (this.#address !== undefined) {
      throw new InvalidArgumentError('listen', 'was called before: a transport has one listener')
    }
    this.#accept = accept
    this.#address = this.#network.nextAddress()
    this.#network.listeners.set(this.#address, this)
    return this.#address
  }

  connect(address: string, handler: ConnectionHandler): Connection {
    const { turns, listeners } = this.#network
    const near = new MemoryConnection({ turns, remote: address, gone: (end) => this.forget(end) })
    near.handle(handler)
    if (this.#isClosed) {
      near.end(new ClosedError('the transport is closed'))
      return near
    }
    const far = new MemoryConnection({
      turns,
      remote: `${this.#address ?? 'memory'}#${++this.#connected}`,
      gone: (end) => listeners.get(address)?.forget(end),
    })
    MemoryConnection.join(near, far)
    this.#connections.add(near)
    turns.later(() => {
      const listener = listeners.get(address)
      if (near.isClosed) return
      if (listener === undefined) near.end(connectionRefused(address))
      else listener.#open(far, near)
    })
    return near
  }

  async close(): Promise<void> {
    this.#isClosed = true
    if (this.#address !== undefined) this.#network.listeners.delete(this.#address)
    for (const connection of this.#connections) connection.close()
    // Turns come in their order: after this one every handler has been told.
    await new Promise<void>((resolve) => this.#network.turns.later(resolve))
  }

  /** Opens both ends of a connection to this transport. */
  #open(far: MemoryConnection, near: MemoryConnection): void {
    assert(this.#accept !== undefined, 'a transport with an address accepts')
    this.#connections.add(far)
    far.handle(this.#accept(far))
    far.open()
    near.open()
  }

  /** A connection has ended. */
  forget(connection: MemoryConnection): void {
    this.#connections.delete(connection)
  }
}
