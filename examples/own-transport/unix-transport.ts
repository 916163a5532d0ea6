/**
 * A transport of one's own: Unix domain sockets, for processes of one machine, guarded by the permissions of a
 * directory. An address is the path of a socket.
 */
import { createConnection, createServer, type Server } from 'node:net'
import { ClosedError } from 'coterie'
import type { Connection, ConnectionHandler, Transport } from 'coterie'
import { UnixConnection } from './unix-connection.ts'

export class UnixTransport implements Transport {
  readonly #path: string
  readonly #connections = new Set<UnixConnection>()
  #server: Server | undefined
  #isClosed = false

  /** @param path where it listens. */
  constructor(path: string) {
    this.#path = path
  }

  async listen(accept: (connection: Connection) => ConnectionHandler): Promise<string> {
    if (this.#isClosed) throw new ClosedError('the transport is closed')
    const server = createServer((socket) => {
      const connection = this.#track(new UnixConnection(socket, this.#path))
      connection.handle(accept(connection))
      connection.open()
    })
    this.#server = server
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(this.#path, resolve)
    })
    return this.#path
  }

  connect(address: string, handler: ConnectionHandler): Connection {
    // `connect` never throws: what cannot be a path becomes one at which nobody listens.
    const isPath = address !== '' && !address.includes('\0')
    const socket = createConnection({ path: isPath ? address : '/' })
    const connection = this.#track(new UnixConnection(socket, address))
    connection.handle(handler)
    if (this.#isClosed) connection.end(new ClosedError('the transport is closed'))
    else socket.once('connect', () => connection.open())
    return connection
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const connection of this.#connections) connection.close()
    const server = this.#server
    if (server !== undefined) await new Promise((resolve) => server.close(resolve))
  }

  #track(connection: UnixConnection): UnixConnection {
    this.#connections.add(connection)
    connection.onGone = () => this.#connections.delete(connection)
    return connection
  }
}
