/** Lets nodes into the cluster: the other side of `join.ts`. */
import { InvalidArgumentError, ProtocolError, TopologyBusyError } from '../base/errors.ts'
import { claimFromTuple } from '../membership/messages.ts'
import type { Clock } from '../ports/clock.ts'
import type { RingConfiguration, RingMember } from '../ring/configuration.ts'
import { withMember, type Change } from '../ring/configuration-change.ts'
import { configurationLimits, toTuple } from '../ring/configuration-check.ts'
import type { Greeting } from '../rpc/handshake.ts'
import { isFailure, request } from '../rpc/request.ts'
import { policyCall } from './bucket-policies.ts'
import { textProblem } from './option-checks.ts'
import type { NodeCore } from './node-core.ts'
import {
  hasTakenOver,
  refuseLiving,
  refuseReachable,
  takingOver,
  tellGone,
  type Takeover,
} from './takeover.ts'

const changeTimeoutMs = 2_500
const probeTimeoutMs = 500
/** A newcomer that is not let in within this time is told so, and asks again: silence would mean something else. */
const answerWithinMs = 1_500
/** Nodes that asked within this time run, as far as one can tell. */
const heardLatelyMs = 5_000
const heardMax = 1_000

/** Judges and answers the nodes that ask this one to be let in. */
export class Admission {
  readonly #core: NodeCore
  #heardFrom: Set<string> = new Set()
  /** When each address asked last, monotonic; the latest is last. */
  readonly #heardAtMs: Map<string, number> = new Map()

  constructor(core: NodeCore) {
    this.#core = core
  }

  /** Addresses of nodes that asked since the last call, while this node was in no cluster itself. */
  takeHeardFrom(): ReadonlySet<string> {
    const heard = this.#heardFrom
    this.#heardFrom = new Set()
    return heard
  }

  #hear(address: string): void {
    this.#heardFrom.add(address)
    this.#heardAtMs.delete(address)
    this.#heardAtMs.set(address, this.#core.ports.clock.monotonicMs())
    if (this.#heardAtMs.size > heardMax)
      this.#heardAtMs.delete(this.#heardAtMs.keys().next().value!)
  }

  #heardLately(): readonly string[] {
    const sinceMs = this.#core.ports.clock.monotonicMs() - heardLatelyMs
    return [...this.#heardAtMs].filter(([, atMs]) => atMs >= sinceMs).map(([address]) => address)
  }

  /**
   * Answers a node that wants to join, or a member that is back and looks for the others: `joined`, `none` when there
   * is no cluster yet, `busy` when it takes too long, and whether because owners change.
   */
  async admit(who: Greeting, tuple: readonly unknown[]): Promise<readonly unknown[]> {
    const takeover = readTakeover(who, tuple)
    const member = readMember(who, tuple)
    const { keeper, gossip, ports } = this.#core
    if (keeper.configuration === undefined || gossip === undefined) {
      const lately = this.#heardLately()
      // Whoever replaces a member founds nothing.
      if (takeover === undefined) this.#hear(who.address)
      return ['none', lately]
    }
    refuseOtherN(tuple[7], keeper.configuration.n)
    const claim = claimFromTuple(tuple[6])
    const busy = (): readonly unknown[] => ['busy', keeper.ring?.isMoving === true]
    // Whoever takes itself for a member is only told how things stand. One that was withdrawn is none, and has records
    // that may have been deleted meanwhile: it has to begin empty.
    const isBack = tuple[8] === true
    const admission = isBack
      ? Promise.resolve(keeper.configuration)
      : this.#enter(member, who, takeover)
    const answer = admission.then((configuration) => {
      const isMember = configuration.members.some(({ store }) => store === member.store)
      if (isMember && claim?.id === member.id) gossip.admit([claim])
      return ['joined', toTuple(configuration), gossip.claimTuples()]
    })
    return within(ports.clock, answerWithinMs, answer, busy)
  }

  /** Into a place of its own, or into that of the member that it replaces, unless it has that already. */
  #enter(
    member: RingMember,
    who: Greeting,
    takeover: Takeover | undefined,
  ): Promise<RingConfiguration> {
    const configuration = this.#core.keeper.configuration!
    if (takeover === undefined || hasTakenOver(configuration, member, takeover))
      return this.#letIn(member, who)
    return this.#letTakeOver(member, takeover)
  }

  async #letTakeOver(member: RingMember, takeover: Takeover): Promise<RingConfiguration> {
    const core = this.#core
    const asking = { member, takeover }
    // A mistake is told at once, before anybody is asked.
    takingOver(core.keeper.configuration!, asking)
    const replaced = core.keeper.ring?.member(takeover.replaces)
    await refuseLiving(core, takeover.replaces)
    const make = (base: RingConfiguration): Change | undefined => {
      refuseReachable(core, takeover.replaces)
      return takingOver(base, asking)
    }
    const configuration = await core.keeper.change(make, changeTimeoutMs)
    if (replaced !== undefined) tellGone(core, replaced)
    return configuration
  }

  async #letIn(member: RingMember, who: Greeting): Promise<RingConfiguration> {
    const { keeper } = this.#core
    const judged = keeper.ring?.member(member.id)?.store
    await this.#refuseNamesake(member, who)
    const make = (base: RingConfiguration): Change | undefined => {
      const known = base.members.find(({ id }) => id === member.id)
      if (known?.store === member.store) return undefined
      // It may be a later process of the same node: whoever asked first is the one that is gone.
      if (known !== undefined && known.store !== judged) throw nameTaken(member.id)
      return withMember(base, member)
    }
    return keeper.change(make, changeTimeoutMs)
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
      throw new InvalidArgumentError(
        'id',
        `a live member of the cluster has the id "${member.id}" already`,
      )
    }
  }
}

function nameTaken(id: string): TopologyBusyError {
  return new TopologyBusyError(`another node came under the id "${id}" meanwhile: try again`)
}

/** N is the founder's choice: nobody who expects another one is let in. */
function refuseOtherN(asked: unknown, n: number): void {
  if (typeof asked !== 'number' || asked === n) return
  throw new InvalidArgumentError('replication.n', `is ${asked}, but the cluster has N = ${n}`)
}

/** What the admission comes to, or that it takes longer. */
function within(
  clock: Clock,
  limitMs: number,
  admission: Promise<readonly unknown[]>,
  busy: () => readonly unknown[],
): Promise<readonly unknown[]> {
  return new Promise((resolve, reject) => {
    const limit = clock.after(limitMs, () => resolve(busy()))
    admission.finally(() => limit.cancel()).then(resolve, reject)
  })
}

function readMember(who: Greeting, tuple: readonly unknown[]): RingMember {
  // One that replaces another may leave weight and zone to that one.
  const [, id, store, zone = '', weight = 1] = tuple.map((each) => each ?? undefined)
  const zoneProblem = zone === '' ? undefined : textProblem(zone, 128)
  const { weightMin, weightMax } = configurationLimits
  const isWeight = typeof weight === 'number' && weight >= weightMin && weight <= weightMax
  const isSound = isWeight && zoneProblem === undefined
  if (id !== who.id || store !== who.store || !isSound) {
    throw new ProtocolError('a malformed request to join')
  }
  return { id: who.id, store: who.store, zone: zone as string, weight, stage: 'joining' }
}

/** Whose place the node asks for; undefined when it wants one of its own. */
function readTakeover({ id }: Greeting, tuple: readonly unknown[]): Takeover | undefined {
  const [, , , zone, weight] = tuple
  const replaces = tuple[9] ?? undefined
  if (replaces === undefined) return undefined
  if (textProblem(replaces, 128) !== undefined)
    throw new ProtocolError('a malformed request to join')
  return {
    id,
    replaces: replaces as string,
    zone: typeof zone === 'string' ? zone : undefined,
    weight: typeof weight === 'number' ? weight : undefined,
  }
}
