/**
 * The `Transport` port of one simulated process: owns the process's ends of connections;
 * `SimNetwork` does the rest.
 */

import { ClosedError } from '../base/errors.ts'
import type { Connection, ConnectionHandler, Transport } from '../ports/transport.ts'
import { SimConnection } from './sim-connection.ts'
import type { SimNetwork } from './sim-network.ts'
import type { SimProcess } from './sim-process.ts'

type Accept = (connection: Connection) => ConnectionHandler

/** Invariant: every end that is not closed is in its set. */
export class SimTransport implements Transport {
  readonly process: SimProcess
  readonly #network: SimNetwork
  readonly #ends = new Set<SimConnection>()
  #accept: Accept | undefined
  #isClosed = false

  constructor(network: SimNetwork, process: SimProcess) {
    this.#network = network
    this.process = process
  }

  listen(accept: Accept): Promise<string> {
    if (this.#isClosed) return Promise.reject(new ClosedError('the transport is closed'))
    this.#accept = accept
    return Promise.resolve(this.#network.bind(this))
  }

  connect(address: string, handler: ConnectionHandler): Connection {
    if (!this.#isClosed) return this.#network.dial(this, address, handler)
    const refused = this.newEnd(address)
    refused.handle(handler)
    refused.fail(new ClosedError('the transport is closed'))
    return refused
  }

  close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true
      this.#network.release(this)
      for (const end of this.#ends) end.close()
    }
    // An event after those that tell the handlers.
    return new Promise((resolve) => {
      this.process.after(0, resolve)
    })
  }

  /** An end of a new connection of this process. */
  newEnd(remote: string): SimConnection {
    const { process } = this
    const onClosed = (closed: SimConnection): void => {
      this.#ends.delete(closed)
    }
    const end = new SimConnection({ process, remote, onClosed })
    this.#ends.add(end)
    return end
  }

  /** Hands a new connection to the node. Called in an event of the process. */
  accept(server: SimConnection): void {
    if (this.#accept === undefined || server.isClosed) return
    server.handle(this.#accept(server))
    server.open()
  }

  /** Cuts the connections to a peer, from this end. Returns how many there are. */
  reset(peer: string): number {
    const ends = [...this.#ends].filter((end) => end.peer === peer)
    for (const end of ends) end.reset()
    return ends.length
  }

  /** The process died: see `SimNetwork.crash`. */
  abandon(isMachineAlive: boolean): void {
    this.#isClosed = true
    this.#network.release(this)
    for (const end of this.#ends) end.abandon(isMachineAlive)
  }
}
