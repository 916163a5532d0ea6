/** A simulated cluster of membership machines that weighs what they say in bytes of the wire. */
import type { Claim } from '../../src/membership/claim.ts'
import { claimToTuple, toTuple, type MembershipMessage } from '../../src/membership/messages.ts'
import { membershipDefaults } from '../../src/membership/options.ts'
import { answerHeadBytes } from '../../src/rpc/frame.ts'
import { pack } from '../../src/rpc/pack.ts'
import { membershipCast } from '../../src/upkeep/gossip.ts'
import { Cluster } from '../../test/membership/kit/cluster.ts'
import { hexOf } from './scale-table.ts'
import { lengthBytes } from './scale-wire.ts'

/** Claims that are admitted at once while a cluster is set up. */
const batch = 16

/**
 * A cluster that starts when all know each other and nothing is left to tell. All else would be first a minute of
 * everyone telling everyone of everyone.
 */
export class MeteredCluster extends Cluster {
  /** Bytes of all messages since `reset`, on the wire. */
  bytes = 0
  messages = 0
  /** Claims that rode on messages other than exchanges. */
  rumours = 0
  /** Bytes that one member sent. */
  bytesFrom = 0
  watched = ''
  readonly #sizes = new WeakMap<Claim, number>()

  constructor(start: { readonly seed: number; readonly nodes: number }) {
    super(start)
    this.carries = (from, _to, message) => {
      this.#weigh(from, message)
      return true
    }
  }

  reset(): void {
    this.bytes = 0
    this.messages = 0
    this.rumours = 0
    this.bytesFrom = 0
    this.sights.length = 0
  }

  /** Called while the cluster is made too: each acknowledgement takes rumours along, which go nowhere. */
  override admit(id: string, claims: readonly Claim[]): void {
    if (this.now > 0) {
      super.admit(id, claims)
      return
    }
    const machine = this.machine(id)
    for (let at = 0; at < claims.length; at += batch) {
      machine.admit(0, claims.slice(at, at + batch))
      let told = 1
      while (told > 0) {
        const ping = { kind: 'ping', sequence: 1, claims: [] } as const
        const [answer] = machine.receive(0, 'nobody', ping)
        told = answer?.kind === 'send' ? answer.message.claims.length : 0
      }
    }
    super.admit(id, [])
  }

  /** Runs until no rumour travels. @returns how long that took, in milliseconds. */
  runUntilQuiet(): number {
    const startMs = this.now
    for (;;) {
      const { now, rumours } = this
      this.run(2 * membershipDefaults.gossipIntervalMs)
      if (this.rumours === rumours) return now - startMs
    }
  }

  #weigh(from: string, message: MembershipMessage): void {
    const bytes = messageBytes(message, (claim) => this.#claimBytes(claim))
    this.bytes += bytes
    this.messages += 1
    if (message.kind !== 'exchange') this.rumours += message.claims.length
    if (from === this.watched) this.bytesFrom += bytes
  }

  #claimBytes(claim: Claim): number {
    let bytes = this.#sizes.get(claim)
    if (bytes === undefined) {
      bytes = pack(claimToTuple(realClaim(claim))).length
      this.#sizes.set(claim, bytes)
    }
    return bytes
  }
}

/** The simulation's short names, as long as those that nodes draw when they are given none. */
function realClaim(claim: Claim): Claim {
  return {
    ...claim,
    id: hexOf(claim.id, 32),
    store: hexOf(claim.store, 32),
    boot: hexOf(claim.boot, 16),
    address: realAddress,
    ...(claim.by !== undefined && { by: hexOf(claim.by, 32) }),
  }
}

const realAddress = '10.20.30.40:4300'

/** A message as `upkeep/gossip.ts` sends it, with its frame. Claims are weighed apart: they repeat. */
function messageBytes(message: MembershipMessage, claimBytes: (claim: Claim) => number): number {
  const real =
    message.kind === 'ping-request'
      ? { ...message, target: hexOf(message.target, 32), address: realAddress }
      : message
  const head = pack([membershipCast, toTuple({ ...real, claims: [] })]).length
  const count = message.claims.length
  const countBytes = count < 16 ? 0 : count < 65_536 ? 2 : 4
  let bytes = lengthBytes + answerHeadBytes + head + countBytes
  for (const claim of message.claims) bytes += claimBytes(claim)
  return bytes
}

/**
 * Bytes of one direction of a full exchange, packed whole.
 * @throws {Error} when the sum of the parts is another.
 */
export function exchangeBytes(cluster: Cluster): number {
  const claims = cluster.machine('n1').claims()
  const message: MembershipMessage = { kind: 'exchange', reply: false, claims }
  const whole = { ...message, claims: claims.map(realClaim) }
  const body = pack([membershipCast, toTuple(whole)])
  const bytes = lengthBytes + answerHeadBytes + body.length
  const sum = messageBytes(message, (claim) => pack(claimToTuple(realClaim(claim))).length)
  if (sum !== bytes) throw new Error(`an exchange of ${bytes} B was weighed as ${sum} B`)
  return bytes
}
