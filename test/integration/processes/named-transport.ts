/**
 * TCP, but members are known by names: each process resolves a name to the port of its own link to that member, which
 * a proxy forwards. (`tcpTransport.advertise` gives all others one and the same address, so that nobody could cut the
 * way from one member to one other.)
 */
import { tcpTransport } from '../../../src/index.ts'
import type { Connection, ConnectionHandler, Transport } from '../../../src/index.ts'

/** The address that the member `id` announces. */
export function nameOf(id: string): string {
  return `${id}:1`
}

/** What a named transport needs. */
export interface NamedTransportOptions {
  readonly id: string
  /** For each other member, the port of the link to it. */
  readonly links: Readonly<Record<string, number>>
  /** Called with the port that the node really listens on, before anybody can dial its name. */
  readonly listening: (port: number) => void
}

export class NamedTransport implements Transport {
  readonly #options: NamedTransportOptions
  readonly #tcp: Transport = tcpTransport({
    connectTimeoutMs: 1_000,
    handshakeTimeoutMs: 2_000,
  })
  readonly #addresses: ReadonlyMap<string, string>

  constructor(options: NamedTransportOptions) {
    this.#options = options
    const links = Object.entries(options.links)
    this.#addresses = new Map(links.map(([id, port]) => [nameOf(id), `127.0.0.1:${port}`]))
  }

  async listen(accept: (connection: Connection) => ConnectionHandler): Promise<string> {
    const address = await this.#tcp.listen(accept)
    this.#options.listening(Number(address.slice(address.lastIndexOf(':') + 1)))
    return nameOf(this.#options.id)
  }

  connect(address: string, handler: ConnectionHandler): Connection {
    return this.#tcp.connect(this.#addresses.get(address) ?? address, handler)
  }

  close(): Promise<void> {
    return this.#tcp.close()
  }
}
