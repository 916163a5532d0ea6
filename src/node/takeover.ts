/**
 * Whether a newcomer may take over the place of a member that is dead. It gets exactly what that one owned, with its
 * weight and its zone; the other one is out for good.
 */
import { InvalidArgumentError, TopologyBusyError } from '../base/errors.ts'
import type { RingConfiguration, RingMember } from '../ring/configuration.ts'
import { withReplacement, type Change } from '../ring/configuration-change.ts'
import { isFailure, request } from '../rpc/request.ts'
import { policyCall } from './bucket-policies.ts'
import type { NodeCore } from './node-core.ts'
import { describe } from './option-checks.ts'

const probeTimeoutMs = 500

/** A newcomer, and whose place it asks for. */
export interface Takeover {
  readonly id: string
  readonly replaces: string
  /** Undefined: that of the member that it replaces. */
  readonly zone: string | undefined
  /** Undefined: that of the member that it replaces. */
  readonly weight: number | undefined
}

/** What speaks against it in such a ring, as an argument and a sentence; undefined if nothing does. */
export function takeoverProblem(
  members: readonly RingMember[],
  { id, replaces, zone, weight }: Takeover,
): readonly [argument: keyof Takeover, problem: string] | undefined {
  if (replaces === id) return ['replaces', isItself(id)]
  const old = members.find((member) => member.id === replaces)
  if (old === undefined) {
    return [
      'replaces',
      `is no member of the ring: ${describe(replaces)}. If it was removed or replaced already, leave the option out ` +
        'to join like any other node',
    ]
  }
  if (old.stage === 'leaving') {
    return [
      'replaces',
      `"${replaces}" is leaving and owns nothing more: remove it, and join without this option`,
    ]
  }
  const remedy = `leave it out, or join without replaces and remove "${replaces}"`
  if (zone !== undefined && zone !== old.zone) {
    return [
      'zone',
      `is ${describe(zone)}, but "${replaces}" is in ${describe(old.zone)}: ${remedy}`,
    ]
  }
  if (weight !== undefined && weight !== old.weight) {
    return ['weight', `is ${weight}, but "${replaces}" has ${old.weight}: ${remedy}`]
  }
  return undefined
}

/** Why a node cannot replace the member whose name it has. */
export function isItself(id: string): string {
  return `"${id}" is the node itself: one that lost its storage comes back under its own id without this option`
}

/**
 * The change by which a newcomer takes over; undefined when it has.
 * @throws {InvalidArgumentError} when it may not; nothing changed.
 */
export function takingOver(
  base: RingConfiguration,
  { member, takeover }: { readonly member: RingMember; readonly takeover: Takeover },
): Change | undefined {
  const { id, replaces } = takeover
  const known = base.members.find((each) => each.id === id)
  if (known?.store === member.store) return undefined
  const problem = takeoverProblem(base.members, takeover)
  if (problem !== undefined) throw new InvalidArgumentError(...problem)
  if (known !== undefined) {
    const remedy = 'start it without this option, or give the newcomer an id of its own'
    throw new InvalidArgumentError('replaces', `"${id}" is a member already: ${remedy}`)
  }
  const replaced = base.members.find((each) => each.id === replaces)!
  return withReplacement(base, { member, replaced })
}

/** Whether the newcomer has taken over before: then it is a member that is back, its storage lost or not. */
export function hasTakenOver(
  base: RingConfiguration,
  { store }: Pick<RingMember, 'store'>,
  { id, replaces }: Takeover,
): boolean {
  const known = base.members.find((each) => each.id === id)
  if (known?.store === store || known?.place === replaces) return true
  return known?.place !== undefined && base.members.every((each) => each.id !== replaces)
}

/**
 * Nobody takes the place of one that lives. One that does not answer is waited for until membership holds it for dead:
 * before that others may still count on it.
 * @throws {InvalidArgumentError} by rejection, when it answers.
 * @throws {TopologyBusyError} by rejection, when it is not known yet to be dead: ask again.
 */
export async function refuseLiving(core: NodeCore, id: string): Promise<void> {
  if (id === core.identity.id) throw stillAnswers(id)
  const { keeper, peers, ports } = core
  const store = keeper.ring?.member(id)?.store
  if (store === undefined) return
  const wait = { clock: ports.clock, timeoutMs: probeTimeoutMs, epoch: 0 }
  const control = peers.control(id)
  const outcome = await request(control, [policyCall, ''], wait)
  if (!isFailure(outcome) && control.session?.remote?.store === store) throw stillAnswers(id)
  refuseReachable(core, id)
}

/** @throws {TopologyBusyError} */
export function refuseReachable(core: NodeCore, id: string): void {
  if (!core.isReachable(id)) return
  throw new TopologyBusyError(`"${id}" is not known to be dead yet: try again`)
}

function stillAnswers(id: string): InvalidArgumentError {
  const remedy = 'let it leave() and join without this option, or stop it'
  return new InvalidArgumentError('replaces', `"${id}" still answers: ${remedy}`)
}

/** The others are told at once that it does not come back. */
export function tellGone(core: NodeCore, { id, store }: Pick<RingMember, 'id' | 'store'>): void {
  const claim = core.gossip?.member(id)
  if (claim?.store !== store) return
  const { address, boot, incarnation } = claim
  core.gossip?.admit([{ id, store, address, boot, incarnation, status: 'left' }])
}
