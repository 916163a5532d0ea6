/** Lets nodes into the cluster: the other side of `join.ts`. */
import { InvalidArgumentError, ProtocolError } from '../base/errors.ts'
import { claimFromTuple } from '../membership/messages.ts'
import type { RingConfiguration, RingMember } from '../ring/configuration.ts'
import { withMember } from '../ring/configuration-change.ts'
import { toTuple } from '../ring/configuration-check.ts'
import type { Greeting } from '../rpc/handshake.ts'
import { isFailure, request } from '../rpc/request.ts'
import { policyCall } from './bucket-policies.ts'
import { textProblem } from './option-checks.ts'
import type { NodeCore } from './node-core.ts'

const changeTimeoutMs = 2_500
const probeTimeoutMs = 500

export class Admission {
  readonly #core: NodeCore
  #heardFrom: Set<string> = new Set()

  constructor(core: NodeCore) {
    this.#core = core
  }

  /** Addresses of nodes that asked since the last call. */
  takeHeardFrom(): ReadonlySet<string> {
    const heard = this.#heardFrom
    this.#heardFrom = new Set()
    return heard
  }

  /** Answers a node that wants to join, or a member that is back and looks for the others. */
  async admit(who: Greeting, tuple: readonly unknown[]): Promise<readonly unknown[]> {
    const member = readMember(who, tuple)
    this.#heardFrom.add(who.address)
    const { keeper, gossip } = this.#core
    if (keeper.configuration === undefined || gossip === undefined) return ['none']
    await this.#refuseNamesake(member, who)
    const make = (base: RingConfiguration): RingConfiguration | undefined => {
      const known = base.members.find(({ id }) => id === member.id)
      return known?.store === member.store ? undefined : withMember(base, member)
    }
    const configuration = await keeper.change(make, changeTimeoutMs)
    const claim = claimFromTuple(tuple[6])
    if (claim?.id === who.id) gossip.admit([claim])
    return ['joined', toTuple(configuration), gossip.claimTuples()]
  }

  /** A member under this id with another storage may still live: then the newcomer is a mistake. */
  async #refuseNamesake(member: RingMember, who: Greeting): Promise<void> {
    const { keeper, gossip, peers, ports } = this.#core
    const known = keeper.ring?.member(member.id)
    if (known === undefined || known.store === member.store) return
    if (gossip?.member(member.id)?.address === who.address) return
    const wait = { clock: ports.clock, timeoutMs: probeTimeoutMs, epoch: 0 }
    const control = peers.control(member.id)
    const outcome = await request(control, [policyCall, ''], wait)
    const lives = !isFailure(outcome) && control.session?.remote?.store === known.store
    if (lives) {
      throw new InvalidArgumentError('id', `a live member of the cluster has the id "${member.id}" already`)
    }
  }
}

function readMember(who: Greeting, tuple: readonly unknown[]): RingMember {
  const [, id, store, zone, weight] = tuple
  const zoneProblem = zone === '' ? undefined : textProblem(zone, 128)
  const isSound = typeof weight === 'number' && weight > 0 && weight <= 1000 && zoneProblem === undefined
  if (id !== who.id || store !== who.store || !isSound) {
    throw new ProtocolError('a malformed request to join')
  }
  return { id: who.id, store: who.store, zone: zone as string, weight, stage: 'normal' }
}
