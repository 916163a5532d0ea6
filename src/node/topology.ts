/** Changes of the ring that a service asks for: leaving and removing. */
import {
  ClosedError,
  InvalidArgumentError,
  ProtocolError,
  UnavailableError,
  type StoreError,
} from '../base/errors.ts'
import { isWrite } from '../coordinator/writes-under-way.ts'
import { withoutMember, withStage } from '../ring/configuration-change.ts'
import type { Ring } from '../ring/ring.ts'
import type { RemoveOptions, RequestOptions } from './bucket-options.ts'
import type { NodeCore } from './node-core.ts'
import { describe } from './option-checks.ts'
import { sleep } from './join.ts'
import { tellGone } from './takeover.ts'

const changeTimeoutMs = 10_000
/** How often it is looked whether writes have ended. */
const pollMs = 50
/** How often all members are asked whether a change of owners gets on. */
const progressEveryMs = 1_000
/** A change of owners that does not get on for so long is told of. A slow sender may need a minute for one frame. */
const transitionPatienceMs = 120_000
/** Time for the news of a leave to get around. */
const farewellMs = 100

/** Gives up this node's share of the ring, hands its data over, and takes it out of the ring. */
export async function leave(core: NodeCore, { signal, timeoutMs }: RequestOptions): Promise<void> {
  core.assertOpen()
  signal?.throwIfAborted()
  const limitMs = timeoutMs ?? changeTimeoutMs
  if (core.others().length > 0) {
    await beginLeave(core, limitMs)
    await transitionEnded(core, signal)
    await writesEnded(core)
    await core.handoff.drained()
    signal?.throwIfAborted()
    await takenOut(core, limitMs)
  }
  core.gossip?.leave()
  await sleep(core.ports.clock, farewellMs)
}

async function beginLeave(
  { keeper, promotion, identity }: NodeCore,
  limitMs: number,
): Promise<void> {
  promotion.leaves()
  try {
    await keeper.change((base) => withStage(base, identity, 'leaving'), limitMs)
  } catch (error) {
    promotion.stays()
    throw error
  }
}

/**
 * Others own what this node owned, and have it.
 * @throws {UnavailableError} by rejection, when it does not get on any more; this node stays a member that leaves.
 */
async function transitionEnded(core: NodeCore, signal: AbortSignal | undefined): Promise<void> {
  const { keeper, steward, ports } = core
  const { clock } = ports
  let before = ''
  let askedAtMs = clock.monotonicMs()
  let progressAtMs = askedAtMs
  while (keeper.ring!.isMoving) {
    signal?.throwIfAborted()
    if (core.isClosed) throw new ClosedError('the node was closed while it left')
    if (clock.monotonicMs() - askedAtMs >= progressEveryMs) {
      // Others may hand over what this node owns as well.
      const now = `${keeper.ring!.epoch} ${await steward.sentBytes()}`
      askedAtMs = clock.monotonicMs()
      if (now !== before) progressAtMs = askedAtMs
      before = now
      if (askedAtMs - progressAtMs > transitionPatienceMs) throw noProgress(core)
    }
    await sleep(clock, pollMs)
  }
}

function noProgress(core: NodeCore): UnavailableError {
  return new UnavailableError(
    'the members that are to own what this node owns do not get it all: look whether each of them ' +
      'answers, or remove those that will not come back, and call leave() again',
    { needed: core.n(), alive: 0 },
  )
}

/**
 * This node owns nothing any more and begins no write. Those that it coordinates end by their deadlines, and may leave
 * hints.
 */
async function writesEnded({ wheel, ports }: NodeCore): Promise<void> {
  while (wheel.entries().some(isWrite)) await sleep(ports.clock, pollMs)
}

/** From here on the news that this node is no member is no surprise, unless it comes to nothing. */
async function takenOut(core: NodeCore, limitMs: number): Promise<void> {
  core.isLeaving = true
  try {
    await core.keeper.change((base) => withoutMember(base, core.identity), limitMs)
  } catch (error) {
    core.isLeaving = false
    throw error
  }
}

/** This node is no member any more, although it did not leave: it must not take another write. */
export function expel(core: NodeCore, error: StoreError): void {
  if (core.expulsion !== undefined || core.isLeaving) return
  core.expulsion = error
  core.fail('membership', error)
  if (core.isOpen) void core.close()
}

/** A change of the ring may be the news that another member removed this one. */
export function expelIfRemoved(core: NodeCore, after: Ring, before: Ring | undefined): void {
  const { id } = core.identity
  if (before?.member(id) === undefined || after.member(id) !== undefined) return
  expel(core, new ProtocolError(`"${id}" was removed from its cluster by another member`))
}

/** Takes a member that will not come back out of the ring; the others fill its place from each other. */
export async function removeMember(
  core: NodeCore,
  id: string,
  { force = false }: RemoveOptions,
): Promise<void> {
  core.assertOpen()
  const ring = core.coordination.ring()
  const member = typeof id === 'string' ? ring.member(id) : undefined
  if (member === undefined) {
    throw new InvalidArgumentError('id', `is no member of the ring: ${describe(id)}`)
  }
  if (id === core.identity.id) {
    throw new InvalidArgumentError('id', 'is this node: call leave() instead')
  }
  if (!force && core.isReachable(id)) {
    throw new InvalidArgumentError(
      'id',
      `"${id}" still answers: let it leave(), or pass { force: true }`,
    )
  }
  if (!force && ring.members.length <= core.n()) {
    throw new UnavailableError(
      `without "${id}" there are fewer than N = ${core.n()} members: add one first, or pass { force: true }`,
      { needed: core.n(), alive: ring.members.length - 1 },
    )
  }
  await core.keeper.change((base) => withoutMember(base, member), changeTimeoutMs)
  tellGone(core, member)
}
