/** The peers of a node: two channels each, made when they are first needed, and the sessions that others dialled. */
import type { StoreError } from '../base/errors.ts'
import type { Random } from '../ports/random.ts'
import type { Connection, ConnectionHandler, Transport } from '../ports/transport.ts'
import { Channel, type ChannelOptions } from './channel.ts'
import type { Greeting, Lane } from './handshake.ts'
import { Session, type SessionHost } from './session.ts'

/** What the peers of a node need of it. */
export interface PeersOptions {
  readonly host: Omit<SessionHost, 'opened'>
  readonly transport: Transport
  readonly random: Random
  readonly queuedBytesMax: number
  /** Where a member listens, as membership knows it. */
  addressOf(id: string): string | undefined
  /** Whether this is the member of that id, or may become it; false for a namesake with another storage. */
  isWhoItSays(theirs: Greeting): boolean
  /** Whether the member is in this node's zone, as far as is known. */
  isNear(id: string): boolean
  /** A session was opened and judged, by either side. */
  readonly greeted: (session: Session) => void
  /** A member could not be reached by the transport: news for membership. */
  readonly unreachable: (id: string, error: StoreError) => void
}

type Places = Pick<ChannelOptions, 'address' | 'elsewhere'>

interface Peer {
  readonly data: Channel
  readonly control: Channel
}

/** All channels and sessions of one node. */
export class Peers {
  readonly #options: PeersOptions
  readonly #peers: Map<string, Peer> = new Map()
  readonly #contacts: Set<Channel> = new Set()
  readonly #host: SessionHost
  #closed = false

  constructor(options: PeersOptions) {
    this.#options = options
    const { host } = options
    this.#host = {
      clock: host.clock,
      handshakeTimeoutMs: host.handshakeTimeoutMs,
      greeting: (lane, to) => host.greeting(lane, to),
      judge: (theirs, expected) => host.judge(theirs, expected),
      request: (session, bytes, start, end) => host.request(session, bytes, start, end),
      cast: (session, message) => host.cast(session, message),
      opened: (session) => this.#opened(session),
    }
  }

  /** For the transport: what becomes of a connection that a peer dialled. */
  accept(connection: Connection): ConnectionHandler {
    const session = new Session(this.#host)
    session.attach(connection)
    if (this.#closed) connection.close()
    return session
  }

  data(id: string): Channel {
    return this.#peer(id).data
  }

  control(id: string): Channel {
    return this.#peer(id).control
  }

  /** A channel to an address whose node is not known yet; the caller closes it. */
  contact(address: string): Channel {
    const elsewhere = (): undefined => undefined
    const channel = this.#channel('control', undefined, { address: () => address, elsewhere })
    this.#contacts.add(channel)
    return channel
  }

  /** Members came, went or moved to another zone. */
  ringChanged(): void {
    for (const [id, { data }] of this.#peers) data.load.isNear = this.#options.isNear(id)
  }

  /** The peer is thought to be back. */
  hurry(id: string): void {
    const peer = this.#peers.get(id)
    peer?.data.hurry()
    peer?.control.hurry()
  }

  /** Closes the channels to a node that is no member any more. */
  forget(id: string): void {
    const peer = this.#peers.get(id)
    this.#peers.delete(id)
    peer?.data.close()
    peer?.control.close()
  }

  close(): void {
    this.#closed = true
    for (const id of this.#peers.keys()) this.forget(id)
    for (const channel of this.#contacts) channel.close()
  }

  #peer(id: string): Peer {
    let peer = this.#peers.get(id)
    if (peer === undefined) {
      peer = {
        data: this.#channel('data', id, this.#places(id, 'control')),
        control: this.#channel('control', id, this.#places(id, 'data')),
      }
      peer.data.load.isNear = this.#options.isNear(id)
      // Whoever still has something to say after the end is told that it is over.
      if (this.#closed) {
        peer.data.close()
        peer.control.close()
      }
      this.#peers.set(id, peer)
    }
    return peer
  }

  #places(id: string, otherLane: Lane): Places {
    return {
      address: () => this.#options.addressOf(id),
      elsewhere: () => this.#peers.get(id)?.[otherLane].session?.remote?.address,
    }
  }

  #channel(lane: Lane, expected: string | undefined, places: Places): Channel {
    const { transport, random, queuedBytesMax, unreachable } = this.#options
    return new Channel({
      lane,
      expected,
      ...places,
      host: this.#host,
      transport,
      random,
      queuedBytesMax,
      unreachable: (error) => {
        if (expected !== undefined) unreachable(expected, error)
      },
    })
  }

  #opened(session: Session): void {
    const theirs = session.remote!
    this.#options.greeted(session)
    if (!this.#options.isWhoItSays(theirs)) return
    // Whoever is reached in one lane is reached in the other.
    this.hurry(theirs.id)
    if (session.hasOwner) return
    this.#peers.get(theirs.id)?.[session.lane].adopt(session)
  }
}
