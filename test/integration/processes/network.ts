/**
 * The network between the node processes: for each pair of members, and each of the two that may dial, a port of the
 * loopback interface and a proxy behind it. The way from one member to another can be blocked or slowed down, whoever
 * dialled the connection.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { Flow, type Lane } from './flow.ts'

/** Undoes a fault. */
export type Undo = () => void

export class Network {
  readonly #ids: readonly string[]
  readonly #lanes = new Map<string, SharedLane>()
  readonly #links: Link[] = []
  /** Where each member that runs really listens. */
  readonly #ports = new Map<string, number>()

  constructor(ids: readonly string[]) {
    this.#ids = ids
    for (const [from, to] of this.#pairs()) this.#lanes.set(laneName(from, to), new SharedLane())
  }

  async open(): Promise<void> {
    for (const [from, to] of this.#pairs()) {
      const there = this.#lane(from, to)
      const back = this.#lane(to, from)
      this.#links.push(new Link({ from, to, there, back, port: () => this.#ports.get(to) }))
    }
    await Promise.all(this.#links.map((link) => link.open()))
  }

  async close(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.close()))
  }

  /** The ports by which a member dials the others. */
  linksOf(id: string): Readonly<Record<string, number>> {
    const own = this.#links.filter(({ from }) => from === id)
    return Object.fromEntries(own.map(({ to, port }) => [to, port]))
  }

  /** A process of the member listens there. Undefined: it has none. */
  listening(id: string, port: number | undefined): void {
    if (port === undefined) this.#ports.delete(id)
    else this.#ports.set(id, port)
  }

  /** Nothing more gets from one to the other, until it is undone as often as it was done. */
  block(from: string, to: string): Undo {
    const lane = this.#lane(from, to)
    lane.blocks += 1
    this.#refresh()
    return () => {
      lane.blocks -= 1
      this.#refresh()
    }
  }

  /** What goes from one to the other takes so much longer. */
  slow(from: string, to: string, delayMs: number): Undo {
    const lane = this.#lane(from, to)
    lane.delayMs += delayMs
    return () => {
      lane.delayMs -= delayMs
    }
  }

  /** Ends all connections between the two, with whatever is under way in them. */
  reset(one: string, other: string): void {
    for (const link of this.#links) {
      const { from, to } = link
      if ((from === one && to === other) || (from === other && to === one)) link.reset()
    }
  }

  #refresh(): void {
    for (const link of this.#links) link.refresh()
  }

  #lane(from: string, to: string): SharedLane {
    const lane = this.#lanes.get(laneName(from, to))
    if (lane === undefined) throw new Error(`there is no way from ${from} to ${to}`)
    return lane
  }

  #pairs(): [from: string, to: string][] {
    const ids = this.#ids
    return ids.flatMap((from) =>
      ids.filter((to) => to !== from).map((to): [string, string] => [from, to]),
    )
  }
}

function laneName(from: string, to: string): string {
  return `${from} > ${to}`
}

class SharedLane implements Lane {
  /** How many faults block it now. */
  blocks = 0
  delayMs = 0

  get isBlocked(): boolean {
    return this.blocks > 0
  }
}

interface LinkOptions {
  readonly from: string
  readonly to: string
  readonly there: Lane
  readonly back: Lane
  /** Where `to` listens; undefined while it is down. */
  readonly port: () => number | undefined
}

/** The connections that one member dials to another. */
class Link {
  readonly from: string
  readonly to: string
  readonly #options: LinkOptions
  readonly #server: Server
  readonly #flows = new Set<readonly [Flow, Flow]>()
  /** Dialled while a lane is blocked: as if its first packet, or the answer, were lost. */
  readonly #waiting = new Set<Socket>()

  constructor(options: LinkOptions) {
    this.#options = options
    this.from = options.from
    this.to = options.to
    this.#server = createServer({ noDelay: true }, (socket) => this.#dialled(socket))
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject).listen(0, '127.0.0.1', resolve)
    })
  }

  close(): Promise<void> {
    this.reset()
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }

  refresh(): void {
    if (this.#isOpen()) {
      for (const socket of this.#waiting) this.#forward(socket)
      this.#waiting.clear()
    }
    for (const pair of this.#flows) for (const flow of pair) flow.refresh()
  }

  reset(): void {
    for (const socket of this.#waiting) socket.destroy()
    for (const pair of this.#flows) for (const flow of pair) flow.stop()
    this.#waiting.clear()
    this.#flows.clear()
  }

  #isOpen(): boolean {
    return !this.#options.there.isBlocked && !this.#options.back.isBlocked
  }

  #dialled(socket: Socket): void {
    socket.on('error', () => undefined)
    socket.on('close', () => this.#waiting.delete(socket))
    if (this.#isOpen()) this.#forward(socket)
    else this.#waiting.add(socket)
  }

  #forward(near: Socket): void {
    const port = this.#options.port()
    if (port === undefined) {
      near.resetAndDestroy()
      return
    }
    const far = connect({ host: '127.0.0.1', port, noDelay: true })
    far.on('error', () => undefined)
    const { there, back } = this.#options
    const pair = [new Flow(there, near, far), new Flow(back, far, near)] as const
    this.#flows.add(pair)
    const forget = (): void => {
      if (near.closed && far.closed) this.#flows.delete(pair)
    }
    near.on('close', forget)
    far.on('close', forget)
  }
}
