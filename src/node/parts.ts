/**
 * Makes the parts of a node: what each of them is told of the others, and nothing else. Only `node-core.ts` calls
 * these, once for each node, in its constructor.
 */
import { ClosedError, StorageError, TopologyBusyError, UnavailableError } from '../base/errors.ts'
import type { Coordination } from '../coordinator/coordination.ts'
import { Hedging } from '../coordinator/hedging.ts'
import { LongValues } from '../coordinator/long-values.ts'
import { createCoordinatorStats } from '../coordinator/stats.ts'
import { ReplicaHandlers } from '../replica/handlers.ts'
import { PartitionTrees } from '../replica/partition-trees.ts'
import { splitStorageKey } from '../replica/places.ts'
import { ScanPages } from '../replica/scan-pages.ts'
import type { RingConfiguration } from '../ring/configuration.ts'
import { renewed } from '../ring/configuration-change.ts'
import { isExpulsion } from '../rpc/handshake.ts'
import { Peers } from '../rpc/peers.ts'
import { isFailure, request } from '../rpc/request.ts'
import { AntiEntropy } from '../upkeep/anti-entropy.ts'
import { ConfigurationKeeper } from '../upkeep/configuration-keeper.ts'
import { ConfigurationSpread } from '../upkeep/configuration-spread.ts'
import { Filling } from '../upkeep/filling.ts'
import { Handoff } from '../upkeep/handoff.ts'
import { ReapAnswers } from '../upkeep/reap-answers.ts'
import { Reaper } from '../upkeep/reaper.ts'
import { Steward } from '../upkeep/steward.ts'
import { Strays } from '../upkeep/strays.ts'
import { HybridClock } from '../versions/hybrid-clock.ts'
import {
  BucketPolicies,
  policyCall,
  readPolicyAnswer,
  type PolicyAnswer,
} from './bucket-policies.ts'
import { Burden } from './burden.ts'
import type { NodeCore } from './node-core.ts'
import { expel } from './topology.ts'

/** How far a clock in the future can drag the time-stamps of `lww` buckets. */
const clockDriftMaxMs = 60_000
const handshakeTimeoutMs = 5_000
const policyTimeoutMs = 1_000

/** Who keeps the ring configuration, and changes it. */
export function createKeeper(core: NodeCore): ConfigurationKeeper {
  return new ConfigurationKeeper({
    self: core.identity,
    books: core.books,
    clock: core.ports.clock,
    random: () => core.ports.random.float(),
    requestTimeoutMs: 1_000,
    control: (id) => core.peers.control(id),
    changed: (after, before) => core.ringChanged(after, before),
    failed: (error) => core.fail('configuration', error),
  })
}

/** The connections to the other members. */
export function createPeers(core: NodeCore): Peers {
  return new Peers({
    host: {
      clock: core.ports.clock,
      handshakeTimeoutMs,
      greeting: (lane, to) => core.greeter.greeting(lane, to),
      judge: (theirs, expected) => core.greeter.judge(theirs, expected),
      request: (session, bytes, start, end) => core.dispatch.request(session, bytes, start, end),
      cast: (session, message) => core.dispatch.cast(session, message),
    },
    transport: core.ports.transport,
    random: core.ports.random,
    queuedBytesMax: core.options.limits.queuedBytesPerPeerMax,
    addressOf: (id) => core.gossip?.member(id)?.address,
    isNear: (id) => core.keeper.ring?.isNear(id, core.identity.id) ?? true,
    isWhoItSays: (theirs) => core.greeter.isWhoItSays(theirs),
    greeted: (session) => core.greeter.greeted(session.remote!),
    unreachable: (id, error) => {
      if (isExpulsion(error)) expel(core, error)
      core.gossip?.unreachable(id)
    },
  })
}

/** The delivery of what is kept for others. */
export function createHandoff(core: NodeCore): Handoff {
  const { intervalMs, bytesPerSecondMax } = core.options.handoff
  return new Handoff({
    selfId: core.identity.id,
    books: core.books,
    store: core.store,
    hints: core.hints,
    storage: core.ports.storage,
    clock: core.ports.clock,
    intervalMs,
    timeoutMs: core.options.timeoutMs,
    bytesPerSecondMax,
    isBusy: () => core.burden.isHeavy,
    isServing: () => core.burden.isServing,
    ring: () => core.keeper.ring,
    control: (id) => core.peers.control(id),
    data: (id) => core.peers.data(id),
    isReachable: (id) => core.isReachable(id),
    delivered: (target, count) => {
      if (count > 0) core.emit('hints-delivered', { target, count })
    },
    gained: (change) => core.filling.gained(change),
    gainsKept: () => core.filling.kept(),
    failed: (error, peer) => {
      if (error instanceof StorageError) core.hints.suspect()
      core.fail('handoff', error, peer)
    },
  })
}

/** The comparison of this node's partitions with those of their other owners. */
export function createAntiEntropy(core: NodeCore): AntiEntropy {
  const { antiEntropy, timeoutMs } = core.options
  const { storage, clock } = core.ports
  const { revisions, store, hints } = core
  const trustedMs = antiEntropy.verifyIntervalMs
  return new AntiEntropy({
    ...antiEntropy,
    selfId: core.identity.id,
    trees: new PartitionTrees({ storage, clock, revisions, trustedMs }),
    store,
    hints,
    clock,
    timeoutMs,
    cluster: () => core.keeper.configuration?.cluster ?? '',
    ring: () => core.keeper.ring,
    data: (id) => core.peers.data(id),
    isReachable: (id) => core.isReachable(id),
    isRecovering: () => core.filling.isUnderWay,
    isBusy: () => core.burden.isHeavy,
    failed: (error, peer) => core.fail('anti-entropy', error, peer),
  })
}

/** The answers to coordinators of other nodes. */
export function createHandlers(core: NodeCore): ReplicaHandlers {
  return new ReplicaHandlers({
    selfId: core.identity.id,
    store: core.store,
    hints: core.hints,
    ring: () => core.coordination.ring(),
    wallMs: () => core.ports.clock.wallMs(),
    kindOpened: (bucket) => core.policies.inForce(bucket),
    lackOf: (partition) => core.filling.lackOf(partition),
    otherEpoch: (theirs) => core.otherEpochs.answerTo(theirs),
    hinted: (target) => core.hinted(target),
    failed: (error) => core.fail('replica', error),
  })
}

/** The answers to scans. */
export function createScanPages(core: NodeCore): ScanPages {
  return new ScanPages({
    selfId: core.identity.id,
    storage: core.ports.storage,
    clock: core.ports.clock,
    ring: () => core.coordination.ring(),
    kindOpened: (bucket) => core.policies.inForce(bucket),
    lackOf: (partition) => core.filling.lackOf(partition),
    otherEpoch: (theirs) => core.otherEpochs.answerTo(theirs),
  })
}

/** What this node has to do, and whom it refuses. */
export function createBurden(core: NodeCore): Burden {
  const { eventLoopLagMaxMs, inFlightMax } = core.options.limits
  const { stats } = core.coordination
  return new Burden({
    clock: core.ports.clock,
    lagMaxMs: eventLoopLagMaxMs,
    inFlightMax,
    stats,
    served: () => stats.puts + stats.gets + stats.scanPages + core.dispatch.servedCount,
  })
}

/** What the coordinators of operations need of the node. */
export function createCoordination(core: NodeCore): Coordination {
  const { clock } = core.ports
  return {
    selfId: core.identity.id,
    clock,
    wheel: core.wheel,
    store: core.store,
    hints: core.hints,
    dots: core.books.dots,
    hybridClock: new HybridClock(clockDriftMaxMs),
    stats: createCoordinatorStats(),
    siblingsMax: core.options.limits.siblingsMax,
    inFlightMax: core.options.limits.inFlightMax,
    assertBearable: () => core.burden.assertBearable(),
    hedging: new Hedging(),
    long: new LongValues(clock),
    choice: core.options.replicaChoice,
    cluster: () => core.keeper.configuration?.cluster ?? '',
    ring: () => {
      const { ring } = core.keeper
      if (ring === undefined) throw new ClosedError('the node is in no cluster yet')
      return ring
    },
    data: (id) => core.peers.data(id),
    isReachable: (id) => core.isReachable(id),
    everyoneIsReachable: () => core.reach.everyone(),
    lackOf: (partition) => core.filling.lackOf(partition),
    keepHint: (hint, recordBytes) => keepHint(core, hint, recordBytes),
    hinted: (target) => core.hinted(target),
    repaired: (storageKey, replicas) => {
      core.emit('read-repair', { ...splitStorageKey(storageKey), replicas })
    },
    otherEpoch: (id, body) => core.otherEpochs.heard(id, body),
    backgroundError: (task, error, peer) => core.fail(task, error, peer),
  }
}

function keepHint(
  core: NodeCore,
  hint: { target: string; partition: number; key: string },
  recordBytes: number,
): void {
  const writes = core.hints.add(hint, recordBytes, core.ports.clock.wallMs())
  if (writes.length === 0) return
  core.hinted(hint.target)
  const keep = async (): Promise<void> => {
    await core.ports.storage.write(writes)
  }
  keep().catch((error: unknown) => {
    core.hints.suspect()
    core.fail('hints', error as Error, hint.target)
  })
}

/** How a newer configuration gets around. */
export function createSpread(core: NodeCore): ConfigurationSpread {
  return new ConfigurationSpread({
    clock: core.ports.clock,
    random: () => core.ports.random.float(),
    configuration: () => core.keeper.configuration,
    learn: (configuration) => core.learn(configuration),
    reachable: () => core.others().filter((id) => core.isReachable(id)),
    control: (id) => core.peers.control(id),
  })
}

/** Who gives back what this node does not own. */
export function createStrays(core: NodeCore): Strays {
  return new Strays({
    selfId: core.identity.id,
    store: core.store,
    hints: core.hints,
    storage: core.ports.storage,
    clock: core.ports.clock,
    timeoutMs: core.options.timeoutMs,
    bytesPerSecondMax: core.options.handoff.bytesPerSecondMax,
    ring: () => core.keeper.ring,
    data: (id) => core.peers.data(id),
    isReachable: (id) => core.isReachable(id),
    failed: (error) => core.fail('strays', error),
  })
}

/** What this node says of tombstones that are to be reaped. */
export function createReapAnswers(core: NodeCore): ReapAnswers {
  return new ReapAnswers({
    selfId: core.identity.id,
    store: core.store,
    storage: core.ports.storage,
    hints: core.hints,
    steadiness: core.steadiness,
    graceMs: core.options.tombstones.graceMs,
    ring: () => core.keeper.ring,
    lackOf: (partition) => core.filling.lackOf(partition),
    isBehind: (epoch) => core.handoff.isBehind(epoch),
  })
}

/** Who removes tombstones that can go. */
export function createReaper(core: NodeCore): Reaper {
  const { tombstones, timeoutMs, handoff } = core.options
  return new Reaper({
    ...tombstones,
    selfId: core.identity.id,
    answers: core.reapAnswers,
    store: core.store,
    storage: core.ports.storage,
    revisions: core.revisions,
    clock: core.ports.clock,
    timeoutMs,
    bytesPerSecondMax: handoff.bytesPerSecondMax,
    ring: () => core.keeper.ring,
    configuration: () => core.keeper.configuration,
    renew: (epoch) => renewEpoch(core, epoch),
    control: (id) => core.peers.control(id),
    isBusy: () => core.burden.isHeavy,
    failed: (error) => core.fail('reaping', error),
  })
}

/** When others change the ring at the same time, or too few answer, it is tried again in a later round. */
async function renewEpoch({ keeper, options }: NodeCore, epoch: number): Promise<void> {
  const make = (base: RingConfiguration): RingConfiguration | undefined =>
    base.epoch === epoch ? renewed(base) : undefined
  await keeper.change(make, options.timeoutMs).catch((error: unknown) => {
    if (!(error instanceof UnavailableError || error instanceof TopologyBusyError)) throw error
  })
}

/** Who brings changes of owners to their end. */
export function createSteward(core: NodeCore): Steward {
  return new Steward({
    selfId: core.identity.id,
    clock: core.ports.clock,
    keeper: core.keeper,
    control: (id) => core.peers.control(id),
    isReachable: (id) => core.isReachable(id),
    progress: () => core.progress(),
    failed: (error) => core.fail('configuration', error),
  })
}

/** What this node still waits for. */
export function createFilling(core: NodeCore): Filling {
  return new Filling({
    selfId: core.identity.id,
    ring: () => core.keeper.ring,
    books: core.books,
    clock: core.ports.clock,
    control: (id) => core.peers.control(id),
    isReachable: (id) => core.isReachable(id),
    failed: (error) => core.fail('filling', error),
  })
}

/** The conflict policies of the buckets, agreed with the others. */
export function createPolicies(core: NodeCore): BucketPolicies {
  return new BucketPolicies({
    ask: (id, bucket) => askPolicy(core, id, bucket),
    others: () => core.others().filter((id) => core.isReachable(id)),
  })
}

/** Asks a member with which policy it has opened the bucket. */
async function askPolicy(
  core: NodeCore,
  id: string,
  bucket: string,
): Promise<PolicyAnswer | undefined> {
  const wait = { clock: core.ports.clock, timeoutMs: policyTimeoutMs, epoch: 0 }
  const outcome = await request(core.peers.control(id), [policyCall, bucket], wait)
  return isFailure(outcome) ? undefined : readPolicyAnswer(outcome)
}
