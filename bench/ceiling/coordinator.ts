/**
 * The coordinator, in the process of its client. It is the first replica itself, so that W = 2 and R = 2 need one of
 * the two others: a put goes to both and the first answer counts, a get asks them in turn.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { Connection } from './connection.ts'
import { Pending, type Slot } from './pending.ts'
import { isNews, Slabs, Store, withVersion, type Version } from './store.ts'
import { clockBytes, frameBytes, keyBytes, kinds, type FrameReader } from './wire.ts'

/** Of three replicas two must answer, and the coordinator is one of them. */
const othersNeeded = 1

export interface CoordinatorOptions {
  /** Its name in clocks: unlike that of any other coordinator. */
  readonly node: number
  /** Where both other replicas listen. */
  readonly ports: readonly [number, number]
  /** Whether gets tell the version that the coordinator has, so that replicas with the same one need not send it. */
  readonly digest: boolean
}

export async function startCoordinator(options: CoordinatorOptions): Promise<Coordinator> {
  const sockets = options.ports.map((port) => connect(port, '127.0.0.1'))
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  const [first, second] = sockets
  return new Coordinator(options, (onFrame) => [
    new Connection(first!, onFrame),
    new Connection(second!, onFrame),
  ])
}

export class Coordinator {
  readonly #node: number
  readonly #digest: boolean
  readonly #store = new Store()
  /** For values on their way out. */
  readonly #slabs = new Slabs()
  readonly #pending = new Pending()
  readonly #first: Connection
  readonly #second: Connection
  #isFirstsTurn = false

  constructor(
    { node, digest }: CoordinatorOptions,
    connect: (onFrame: (frame: FrameReader) => void) => [Connection, Connection],
  ) {
    this.#node = node
    this.#digest = digest
    ;[this.#first, this.#second] = connect((frame) => this.#onAnswer(frame))
  }

  /** Replaces all versions that the coordinator knows of. The value is copied. Resolves to nothing. */
  put(key: string, value: Uint8Array): Promise<unknown> {
    const clock = this.#store.write(key, this.#node, value)
    const { id } = this.#pending.open(othersNeeded, null)
    const promise = this.#pending.promise()
    const bodyBytes = keyBytes(key) + clockBytes(clock) + value.length
    const frame = this.#first.frame(kinds.put, id, bodyBytes)
    frame.key(key)
    frame.clock(clock)
    frame.value(value)
    this.#second.repeat(frame, frameBytes(bodyBytes))
    return promise
  }

  /** The version of a key, or its siblings, or null. Values are copies. */
  get(key: string): Promise<Version | null> {
    const chain = this.#store.get(key)
    const { id } = this.#pending.open(othersNeeded, chain)
    const promise = this.#pending.promise()
    const known = this.#digest && chain?.next === null ? chain.clock : null
    const bodyBytes = keyBytes(key) + (known === null ? 0 : clockBytes(known))
    const frame = this.#nextReplica().frame(kinds.get, id, bodyBytes)
    frame.key(key)
    if (known !== null) frame.clock(known)
    return promise
  }

  close(): void {
    this.#pending.close()
    this.#first.close()
    this.#second.close()
  }

  #nextReplica(): Connection {
    this.#isFirstsTurn = !this.#isFirstsTurn
    return this.#isFirstsTurn ? this.#first : this.#second
  }

  #onAnswer(frame: FrameReader): void {
    const slot = this.#pending.find(frame.id)
    if (slot === null) return
    if (frame.kind === kinds.versions) this.#addVersions(slot, frame)
    slot.needed -= 1
    if (slot.needed > 0) return
    const { version, resolve } = slot
    slot.clear()
    resolve(this.#copyOf(version))
  }

  /** Whatever the replica has and the coordinator has not. Mostly nothing, and then no value is touched. */
  #addVersions(slot: Slot, frame: FrameReader): void {
    for (let left = frame.count(); left > 0; left--) {
      const clock = frame.clock()
      const length = frame.valueLength()
      if (isNews(slot.version, clock)) {
        const value = this.#slabs.copy(frame.value(length))
        slot.version = withVersion(slot.version, clock, value)
      } else {
        frame.skip(length)
      }
    }
  }

  /** Of the store's own bytes none leave: the client may write into what it gets. */
  #copyOf(chain: Version | null): Version | null {
    if (chain === null) return null
    const { clock, value, next } = chain
    return { clock, value: this.#slabs.copy(value), next: this.#copyOf(next) }
  }
}
