/** Builds a node and brings it into its cluster: the composition root. */
import { msgpackCodec } from '../adapters/msgpack-codec.ts'
import { memoryStorage } from '../adapters/memory-storage.ts'
import { processDiagnostics } from '../adapters/process-diagnostics.ts'
import { systemClock } from '../adapters/system-clock.ts'
import { systemRandom } from '../adapters/system-random.ts'
import { tcpTransport } from '../adapters/tcp-transport.ts'
import { toHex } from '../base/bytes.ts'
import { InvalidArgumentError, JoinError } from '../base/errors.ts'
import { claimToTuple } from '../membership/messages.ts'
import type { Transport } from '../ports/transport.ts'
import { removeRecords } from '../replica/remove-records.ts'
import { Books } from '../replica/books.ts'
import type { Lack } from '../replica/lack.ts'
import type { RingConfiguration, RingMember } from '../ring/configuration.ts'
import { found, hasDeparted } from '../ring/configuration-change.ts'
import { isExpulsion, type RefusedError } from '../rpc/handshake.ts'
import { Gossip } from '../upkeep/gossip.ts'
import { CoterieNode } from './coterie-node.ts'
import { introduce } from './introduce.ts'
import { join, sleep, type JoinOptions } from './join.ts'
import { NodeCore, type NodePorts } from './node-core.ts'
import { defaultN, resolveOptions, type NodeOptions } from './options.ts'
import { isItself } from './takeover.ts'
import { expel } from './topology.ts'
import { Voice } from './voice.ts'

/**
 * Starts a node. Without seeds it founds a cluster; with seeds it joins theirs, or, when several nodes start at once
 * with the same seeds, founds one with them. On a storage that holds a node it is that node again, and finds the
 * others from what it remembers.
 *
 * Resolves when the node can serve. On failure everything is closed again.
 *
 * @throws {InvalidArgumentError} by rejection, for options that are wrong or do not fit the storage or the cluster.
 * @throws {JoinError} by rejection, when no seed let the node in within `joinTimeoutMs`.
 * @throws {StorageError} by rejection, when the storage cannot be opened or read.
 */
export async function createNode(options: NodeOptions = {}): Promise<CoterieNode> {
  const resolved = resolveOptions(options)
  const ports: NodePorts = {
    clock: options.clock ?? systemClock(),
    random: options.random ?? systemRandom(),
    transport: options.transport ?? tcpTransport({ host: '127.0.0.1', port: 0 }),
    storage: options.storage ?? memoryStorage(),
    diagnostics: processDiagnostics(),
  }
  const { storage, random, transport } = ports
  await openOrClose(ports)
  let core: NodeCore | undefined
  try {
    const asked = { id: resolved.id, name: resolved.cluster }
    core = new NodeCore(resolved, ports, await Books.open(storage, random, asked))
    const node = new CoterieNode(core, msgpackCodec())
    const voice = new Voice(node, ports.clock)
    core.emit = (event, ...details) => voice.emit(event, ...details)
    await start(core, transport)
    voice.started()
    return node
  } catch (error) {
    if (core === undefined) {
      await transport.close().catch(() => undefined)
      await storage.close().catch(() => undefined)
    } else {
      await core.close()
    }
    throw error
  }
}

async function openOrClose({ storage, transport }: NodePorts): Promise<void> {
  try {
    await storage.open()
  } catch (error) {
    await transport.close().catch(() => undefined)
    throw error
  }
}

async function start(core: NodeCore, transport: Transport): Promise<void> {
  await core.hints.load()
  await core.starts.load()
  await core.keeper.load()
  core.address = await transport.listen((connection) => core.peers.accept(connection))
  core.gossip = await Gossip.open({
    self: core.identity,
    address: core.address,
    membership: core.options.membership,
    clock: core.ports.clock,
    random: () => core.ports.random.float(),
    books: core.books,
    control: (id) => core.peers.control(id),
    changed: (claim, previous) => core.memberChanged(claim, previous),
    duplicate: (claim) => core.duplicate(claim.address),
    failed: (error) => core.fail('membership', error),
  })
  await becomeMember(core)
  core.handoff.start()
  core.antiEntropy.start()
  core.steadiness.start()
  core.reaper.start()
  core.spread.start()
  core.opened()
}

/** A newcomer waits so long for its vote on the ring, and goes on asking after that. */
const voteWaitMs = 1_000

/** A node with little to be handed over waits for it, so that it can tell at once what does not exist. */
const fillingWaitMs = 1_000

/**
 * Into the cluster, and with a vote on the ring, if that can be had soon. Whoever puts it out meanwhile finds it not
 * open yet: nobody else would close it. A newcomer that was withdrawn meanwhile asks anew.
 */
async function becomeMember(core: NodeCore): Promise<void> {
  do {
    core.expulsion = undefined
    await enter(core)
    await core.promotion.begin(voteWaitMs)
    if (isOut(core)) throw departed(core)
  } while (core.expulsion !== undefined)
}

/** Whether this node is out for good, and not only withdrawn. */
function isOut({ expulsion, keeper, identity }: NodeCore): boolean {
  if (expulsion === undefined) return false
  return isExpulsion(expulsion) || hasDeparted(keeper.configuration!, identity.store)
}

/**
 * Into the cluster: again, by joining, or by founding it. A newcomer that had been withdrawn has records which nobody
 * counts on, and others may have been deleted meanwhile: it begins empty.
 */
async function enter(core: NodeCore): Promise<void> {
  const { keeper, identity, options } = core
  if (options.replaces === identity.id)
    throw new InvalidArgumentError('replaces', isItself(identity.id))
  const kept = keeper.configuration
  if (kept !== undefined && hasDeparted(kept, identity.store)) throw departed(core)
  const own = kept?.members.find(({ store }) => store === identity.store)
  if (own !== undefined) {
    await rejoin(core, own)
    if (core.expulsion === undefined) return
    if (isOut(core)) throw departed(core)
    core.expulsion = undefined
  }
  if (kept !== undefined) await beginEmpty(core, kept)
  if (options.seeds.length === 0) {
    if (options.replaces === undefined) return foundCluster(core)
    const problem = 'needs seeds: the addresses of members that let this node take over'
    throw new InvalidArgumentError('replaces', problem)
  }
  await core.filling.expect()
  const outcome = await join(joinOptions(core, options.joinTimeoutMs)).catch((error: unknown) => {
    // Put out while it asked: by a removal, or by another one that took its place.
    throw isExpulsion(error) ? departed(core) : error
  })
  if (outcome === 'found') return foundCluster(core)
  const { configuration, claims } = outcome
  await keeper.learn(configuration)
  core.gossip!.admit(claims)
  await introduce(core)
  await core.filling.begin(lackOfNewcomer(core))
  await core.filling.settled(fillingWaitMs)
}

/** Removes what this node has of an earlier membership. */
async function beginEmpty(
  { ports, hints }: NodeCore,
  { partitions }: RingConfiguration,
): Promise<void> {
  await removeRecords(ports.storage, partitions)
  await hints.load()
}

/** What a newcomer gained is written to it from now on; one that replaces a lost storage has lost what it had. */
function lackOfNewcomer({ keeper, identity }: NodeCore): Lack {
  const before = keeper.configuration?.transition?.before
  const isNew = before !== undefined && !before.some(({ id }) => id === identity.id)
  return isNew ? 'gaining' : 'recovering'
}

function departed({ identity, expulsion }: NodeCore): JoinError {
  const message = `"${identity.id}" has left its cluster for good: start it with an empty storage to join again`
  return new JoinError(message, expulsion)
}

function joinOptions(core: NodeCore, timeoutMs: number): JoinOptions {
  return {
    seeds: core.options.seeds,
    address: core.address,
    member: core.identity,
    zone: core.options.zone,
    weight: core.options.weight,
    replaces: core.options.replaces,
    n: core.options.n,
    claim: claimToTuple(core.gossip!.member(core.identity.id)!),
    clock: core.ports.clock,
    timeoutMs,
    contact: (address) => core.peers.contact(address),
    takeHeardFrom: () => core.dispatch.admission.takeHeardFrom(),
    isBack: false,
    isClosed: () => core.isClosed,
  }
}

async function foundCluster(core: NodeCore): Promise<void> {
  const { options, ports, keeper } = core
  const cluster = toHex(ports.random.bytes(16))
  const n = options.n ?? defaultN
  const member = core.ringMember()
  await core.filling.skip()
  await keeper.learn(found({ cluster, partitions: options.partitions, n, member }))
}

/** How long a member that is back looks for the others before it serves alone. */
const rejoinTimeoutMs = 2_000
const pollMs = 50

/** A member is back: it serves as soon as it has found another one, or after a while. */
async function rejoin(core: NodeCore, { stage }: RingMember): Promise<void> {
  const { clock } = core.ports
  await core.handoff.marked()
  await core.filling.resume()
  if (core.others().length === 0) return
  if (core.options.seeds.length > 0) {
    const found = findBySeeds(core)
    // A newcomer that was away may have been withdrawn.
    if (stage === 'joining') await found
  }
  const deadlineMs = clock.monotonicMs() + rejoinTimeoutMs
  while ((await introduce(core)) === 0) {
    if (core.expulsion !== undefined) return
    if (clock.monotonicMs() >= deadlineMs) {
      // Nobody can tell whether this storage is an old copy: nothing that it minted is counted on.
      core.books.renew()
      return
    }
    await sleep(clock, pollMs)
  }
}

/** Addresses may have changed: seeds tell where the others are now, and whether this node is a member still. */
async function findBySeeds(core: NodeCore): Promise<void> {
  const asking = join({ ...joinOptions(core, rejoinTimeoutMs), isBack: true })
  const outcome = await asking.catch((error: unknown) => {
    if (isExpulsion(error)) expel(core, error as RefusedError)
    return 'found' as const
  })
  if (outcome === 'found') return
  core.gossip?.admit(outcome.claims)
  core.learn(outcome.configuration)
}
