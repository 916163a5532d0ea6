/**
 * When coordinator and replica work under two epochs of the ring: the replica answers with its own, and whoever is
 * behind catches up before the request is made again. Under load many requests meet a new ring at once, and all of
 * them say the same: it is packed once, read once, and told once over each connection.
 */
import { asBuffer } from '../base/bytes.ts'
import type { RingConfiguration } from '../ring/configuration.ts'
import { fromTuple, toTuple } from '../ring/configuration-check.ts'
import type { Channel } from '../rpc/channel.ts'
import { pack, unpack } from '../rpc/pack.ts'
import type { Session } from '../rpc/session.ts'
import { configurationFrame } from '../upkeep/configuration-spread.ts'

/** What is needed of the node. */
export interface OtherEpochsNode {
  readonly keeper: { readonly configuration: RingConfiguration | undefined }
  readonly peers: { data(id: string): Pick<Channel, 'post' | 'session'> }
  learn(configuration: RingConfiguration): void
}

/** Where an answer lies. */
interface Body {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

/** What one node says, as replica, and hears, as coordinator, of other epochs than its own. */
export class OtherEpochs {
  readonly #node: OtherEpochsNode
  /** The answer to those that are behind, for the configuration in force. */
  #answer: { readonly configuration: RingConfiguration; readonly body: Uint8Array } | undefined
  /** The last answer that was heard. */
  #heard: { readonly body: Buffer; readonly epoch: number } | undefined
  /** The epoch that was told last over each connection. */
  readonly #told: WeakMap<Session, number> = new WeakMap()

  constructor(node: OtherEpochsNode) {
    this.#node = node
  }

  /** The body of a replica's answer to a request that was made under another epoch: its configuration, if newer. */
  answerTo(theirs: number): Uint8Array {
    const configuration = this.#node.keeper.configuration!
    if (configuration.epoch <= theirs) return pack([configuration.epoch, null])
    if (this.#answer?.configuration !== configuration)
      this.#answer = { configuration, body: pack([configuration.epoch, toTuple(configuration)]) }
    return this.#answer.body
  }

  /** A replica gave that answer: whether it makes sense to ask it again. */
  heard(id: string, body: Body): boolean {
    const epoch = this.#epochIn(asBuffer(body.bytes).subarray(body.start, body.end))
    if (epoch === undefined) return false
    const ours = this.#node.keeper.configuration!
    if (epoch < ours.epoch) return this.#tell(id, ours)
    return ours.epoch === epoch
  }

  /** The epoch of an answer; a newer configuration that comes with it is in force then. */
  #epochIn(body: Buffer): number | undefined {
    if (this.#heard?.body.equals(body) === true) return this.#heard.epoch
    const [epoch, tuple] = unpack(body, 0, body.length) ?? []
    if (typeof epoch !== 'number') return undefined
    if (epoch > this.#node.keeper.configuration!.epoch) {
      const theirs = fromTuple(tuple)
      if (typeof theirs !== 'string') this.#node.learn(theirs)
    }
    this.#heard = { body: Buffer.from(body), epoch }
    return epoch
  }

  /** False when the member cannot be told now. What was told before arrives before what is asked next. */
  #tell(id: string, ours: RingConfiguration): boolean {
    const channel = this.#node.peers.data(id)
    const { session } = channel
    if (session !== undefined && this.#told.get(session) === ours.epoch) return true
    if (!channel.post(configurationFrame(ours))) return false
    if (session !== undefined) this.#told.set(session, ours.epoch)
    return true
  }
}
