/**
 * The transport between machines: TCP, with mutual TLS or a shared secret. Here connections are made, accepted,
 * counted and closed; `tcp-connection.ts` is one of them.
 */
import { createServer, connect as netConnect, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, connect as tlsConnect } from 'node:tls'
import { ClosedError, InvalidArgumentError } from '../base/errors.ts'
import type { Connection, ConnectionHandler, Transport } from '../ports/transport.ts'
import { connectionError } from './connection-errors.ts'
import {
  formatAddress,
  isLoopback,
  isWildcard,
  parseAddress,
  reachableHost,
} from './tcp-address.ts'
import { CLOSE_GRACE_MS, TcpConnection, type TcpConnectionContext } from './tcp-connection.ts'
import { TcpFlusher } from './tcp-flusher.ts'
import {
  nodeTlsOptions,
  resolveTcpOptions,
  type ResolvedTcpOptions,
  type TcpTlsOptions,
  type TcpTransportOptions,
} from './tcp-options.ts'
import { OutBufferPool } from './tcp-out-queue.ts'

/** Unused out-buffers that a transport keeps: 2 MiB. More than so many connections are seldom congested at once. */
const FREE_BUFFERS_MAX = 16

let hasWarned = false

/**
 * A transport over TCP. It listens on loopback unless told otherwise.
 * @throws {InvalidArgumentError} for unknown or impossible options, all of them named, and for a host that other
 * machines can reach without `tls` or `secret`.
 */
export function tcpTransport(options: TcpTransportOptions = {}): Transport {
  return new TcpTransport(resolveTcpOptions(options))
}

type Accept = (connection: Connection) => ConnectionHandler

class TcpTransport implements Transport, TcpConnectionContext {
  readonly options: ResolvedTcpOptions
  readonly flusher: TcpFlusher = new TcpFlusher()
  readonly buffers: OutBufferPool = new OutBufferPool(FREE_BUFFERS_MAX)
  readonly #connections = new Set<TcpConnection>()
  /** Accepted sockets, from the first packet on: those amid a TLS handshake are not in `#connections` yet. */
  readonly #accepted = new Set<Socket>()
  readonly #acceptedFrom = new Map<string, number>()
  #server: Server | undefined
  #bound: Promise<void> | undefined
  #sweeper: NodeJS.Timeout | undefined
  #isClosed = false
  #closing: Promise<void> | undefined
  #onGone: () => void = () => {}

  constructor(options: ResolvedTcpOptions) {
    this.options = options
  }

  async listen(accept: Accept): Promise<string> {
    if (this.#isClosed) throw new ClosedError('the transport is closed')
    if (this.#server !== undefined) {
      throw new InvalidArgumentError(
        'tcpTransport.listen',
        'was called before: a transport has one listener',
      )
    }
    const { host, port, advertise, tls, secrets } = this.options
    if (tls === undefined && secrets.length === 0 && !isLoopback(host)) warnOnce(host)
    const server = this.#createServer(accept)
    this.#server = server
    this.#bound = bind(server, { host, port })
    await this.#bound
    const address = server.address()
    if (this.#isClosed || address === null || typeof address === 'string') {
      throw new ClosedError('the transport is closed')
    }
    const reachable = isWildcard(host) ? reachableHost(host) : host
    return advertise ?? formatAddress({ host: reachable, port: address.port })
  }

  connect(address: string, handler: ConnectionHandler): Connection {
    const connection = new TcpConnection({
      context: this,
      role: 'connector',
      remote: address,
      handler,
    })
    const parsed = parseAddress(address)
    if (this.#isClosed) {
      connection.failed(new ClosedError('the transport is closed'))
    } else if (parsed === undefined) {
      const message = `${JSON.stringify(address)} is not host:port, IPv6 as [host]:port`
      connection.failed(new InvalidArgumentError('address', message))
    } else {
      this.#add(connection)
      connection.connecting(this.#socketTo(parsed))
    }
    return connection
  }

  close(): Promise<void> {
    this.#isClosed = true
    this.#closing ??= this.#closeAll()
    return this.#closing
  }

  /** A connection's socket is gone. */
  gone(connection: TcpConnection): void {
    this.#connections.delete(connection)
    this.#onGone()
  }

  #createServer(accept: Accept): Server {
    const { tls, maxConnections } = this.options
    const take = (socket: Socket): void => this.#take(socket, accept)
    const server = tls === undefined ? createServer() : this.#createTlsServer(tls, take)
    server.maxConnections = maxConnections
    server.on('connection', (socket: Socket) => {
      if (this.#admits(socket) && tls === undefined) take(socket)
    })
    return server
  }

  /** Tells `connection` for the raw socket, as any server, and calls `take` when TLS has proved the other end. */
  #createTlsServer(tls: TcpTlsOptions, take: (socket: Socket) => void): Server {
    const handshakeTimeout = this.options.handshakeTimeoutMs
    const server = createTlsServer({ ...nodeTlsOptions(tls), handshakeTimeout }, take)
    // Node reports a handshake that timed out and leaves the socket open.
    server.on('tlsClientError', (_error, socket) => socket.destroy())
    return server
  }

  /** Counts an accepted socket, or destroys it when there are too many from its address. */
  #admits(socket: Socket): boolean {
    const from = socket.remoteAddress
    const count = this.#acceptedFrom.get(from ?? '') ?? 0
    // Without an address the other end is gone already.
    if (this.#isClosed || from === undefined || count >= this.options.maxConnectionsPerRemote) {
      socket.destroy()
      return false
    }
    this.#accepted.add(socket)
    this.#acceptedFrom.set(from, count + 1)
    socket.on('error', ignore)
    socket.once('close', () => {
      this.#accepted.delete(socket)
      const left = (this.#acceptedFrom.get(from) ?? 1) - 1
      if (left > 0) this.#acceptedFrom.set(from, left)
      else this.#acceptedFrom.delete(from)
      this.#onGone()
    })
    return true
  }

  #take(socket: Socket, accept: Accept): void {
    const { remoteAddress, remotePort } = socket
    if (this.#isClosed || remoteAddress === undefined || remotePort === undefined) {
      socket.destroy()
      return
    }
    const remote = formatAddress({ host: remoteAddress, port: remotePort })
    const connection = new TcpConnection({ context: this, role: 'acceptor', remote, accept })
    this.#add(connection)
    connection.accepted(socket)
  }

  #add(connection: TcpConnection): void {
    this.#connections.add(connection)
    this.#sweeper ??= setInterval(() => {
      for (const each of this.#connections) each.sweep()
    }, this.options.frameTimeoutMs)
  }

  #socketTo(address: { readonly host: string; readonly port: number }): Socket {
    const { tls } = this.options
    if (tls === undefined) return netConnect({ ...address })
    // The certificate is verified; its host name is not compared, see `TcpTlsOptions`.
    return tlsConnect({ ...address, ...nodeTlsOptions(tls), checkServerIdentity: () => undefined })
  }

  async #closeAll(): Promise<void> {
    clearInterval(this.#sweeper)
    for (const connection of this.#connections) connection.close()
    // Whoever was accepted and is silent, perhaps amid a TLS handshake, has no more than this.
    const grace = setTimeout(() => {
      for (const socket of this.#accepted) socket.destroy()
    }, CLOSE_GRACE_MS)
    await this.#stopListening()
    await new Promise<void>((resolve) => {
      this.#onGone = () => {
        if (this.#connections.size === 0 && this.#accepted.size === 0) resolve()
      }
      this.#onGone()
    })
    clearTimeout(grace)
  }

  /** Resolves when the listening socket is gone, which is after the last accepted connection. */
  async #stopListening(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    // A name may still be looked up: the socket opens after that, whatever happened meanwhile.
    await this.#bound?.catch(ignore)
    if (server.listening) await new Promise<void>((resolve) => server.close(() => resolve()))
  }
}

/** @throws {StoreError} when the operating system refuses; its `cause` has the code. */
function bind(
  server: Server,
  where: { readonly host: string; readonly port: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('listening', resolve)
    server.on('error', (error) => {
      // Once it listens, this is a connection that could not be accepted, and changes nothing.
      reject(connectionError(`cannot listen on ${formatAddress(where)}: ${error.message}`, error))
    })
    server.listen(where)
  })
}

function warnOnce(host: string): void {
  if (hasWarned) return
  hasWarned = true
  process.emitWarning(
    `the transport listens on ${host} without TLS or a secret: everyone who reaches it can read and destroy all data`,
    { code: 'COTERIE_INSECURE' },
  )
}

function ignore(): void {}
