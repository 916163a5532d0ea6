/** A cluster in one process, and what a scenario can do to it. `simulate` makes it. */

import { InvalidArgumentError } from '../base/errors.ts'
import type { CoterieNode } from '../node/coterie-node.ts'
import type { Faults } from './faults.ts'
import type { SeededRandom } from './seeded-random.ts'
import { Settlement } from './settlement.ts'
import type { Lose, SimDisk } from './sim-disk.ts'
import type { NetworkQuality } from './sim-links.ts'
import type { SimFleet } from './sim-fleet.ts'
import { SimService } from './sim-service.ts'
import type { ServiceStart } from './sim-service.ts'
import { FROZEN_PPM } from './sim-wall-clock.ts'
import { damageRecord, forgetRecord, placeOf, viewRecord } from './stored-records.ts'
import type { Place, RecordView } from './stored-records.ts'

/** How long `settle` waits by default, in virtual milliseconds. */
const SETTLE_WITHIN_MS = 600_000

/** Bits to damage are drawn below this: far more than a record has, so that all are as likely. */
const BIT_MAX = 2 ** 40

/** What a crash does. */
export interface CrashOptions {
  /**
   * What the disk loses: nothing (only the process dies), what was not durable, some of that, or
   * everything (the disk is replaced). Memory storage always loses everything. @default 'unsynced'
   */
  lose?: Lose
  /**
   * Whether the machine goes down with the process, so that nothing tells its peers until it is
   * back: they notice silence instead of closed connections. @default false
   */
  silent?: boolean
}

/**
 * A cluster of nodes on virtual time. Names of nodes that do not exist are refused with
 * `InvalidArgumentError`.
 */
export class SimCluster {
  readonly seed: number
  readonly #fleet: SimFleet
  readonly #scenarioRandom: SeededRandom
  readonly #damageRandom: SeededRandom

  /** Not for users: `simulate` makes clusters. */
  constructor(fleet: SimFleet, seed: number) {
    this.seed = seed
    this.#fleet = fleet
    this.#scenarioRandom = fleet.world.random.fork('scenario')
    this.#damageRandom = fleet.world.random.fork('damage')
  }

  /** Names of all nodes that were ever in the simulation, also those that are down or have left. */
  get names(): readonly string[] {
    return this.#fleet.names
  }

  /** Whether the node has started and is not down. A paused one is up. */
  isUp(name: string): boolean {
    return this.#fleet.machine(name).hasNode
  }

  /** @throws {ClosedError} while the node is down. */
  node(name: string): CoterieNode {
    return this.#fleet.machine(name).node
  }

  /** Virtual milliseconds since the start of the simulation. */
  now(): number {
    return this.#fleet.world.clock.nowMs
  }

  /** Resolves when that many virtual milliseconds have passed. */
  sleep(ms: number): Promise<void> {
    return this.#fleet.sleep(ms)
  }

  /** Uniform in [0, 1), from the seed: for the scenario's own choices. */
  random(): number {
    return this.#scenarioRandom.float()
  }

  /**
   * Nodes of different groups hear nothing of each other, until `heal` or another partition. One
   * group alone is cut off from all other nodes; with several, a node that is in no group hears
   * everybody, and one in more than one hears all that share one with it. Connections go silent and
   * are cut after 20 s; what was on its way arrives if it heals before. For common shapes there are
   * `halves`, `bridge` and `majoritiesRing`.
   */
  partition(...groups: (readonly string[])[]): void {
    for (const name of groups.flat()) this.#fleet.machine(name)
    this.#note('partition', groups.map((group) => group.join()).join(' | '))
    this.#fleet.world.network.partition(groups)
  }

  /** Nothing that `from` sends reaches `to`, until `heal`. */
  block(from: string, to: string): void {
    this.#link('block', from, to)
    this.#fleet.world.network.block(from, to)
  }

  /**
   * Holds what `from` sends to `to` from now on, until `unclog` or `heal` lets it all through at
   * once, in its order. Nobody gives a clogged connection up.
   */
  clog(from: string, to: string): void {
    this.#link('clog', from, to)
    this.#fleet.world.network.clog(from, to)
  }

  /** Ends `clog`. Nothing happens when the link is not clogged. */
  unclog(from: string, to: string): void {
    this.#link('unclog', from, to)
    this.#fleet.world.network.unclog(from, to)
  }

  /**
   * Cuts the connections between two nodes, amid a frame or not: what is on its way is lost, and
   * both see a closed connection. They may connect anew at once.
   */
  reset(a: string, b: string): void {
    this.#link('reset', a, b)
    this.#fleet.world.network.reset(a, b)
  }

  /**
   * Gives the direction `from` → `to` a quality of its own, until `heal`.
   * @throws {InvalidArgumentError}
   */
  link(from: string, to: string, network: NetworkQuality | undefined): void {
    this.#link('link', from, to)
    this.#fleet.world.network.link(from, to, network)
  }

  /** Undoes `partition`, `block`, `clog` and `link`. */
  heal(): void {
    this.#note('heal')
    this.#fleet.world.network.heal()
  }

  /**
   * Ends the node's process at once. What the scenario awaits of the node ends with an error within
   * a few virtual seconds; whether a write took effect elsewhere is then unknown.
   */
  async crash(name: string, options: CrashOptions = {}): Promise<void> {
    const { lose = 'unsynced', silent = false } = options
    this.#fleet.machine(name).crash({ lose, isPowerLoss: silent })
  }

  /**
   * Starts the node on its disk, with the other nodes as seeds. One that is up is closed first, or
   * crashes without loss when it is paused.
   * @param options.replaces the option of `createNode`, for this start.
   * @param options.zone another zone, and
   * @param options.weight another weight than it had, for this start and those after it.
   */
  async restart(
    name: string,
    options: { zone?: string; weight?: number; replaces?: string } = {},
  ): Promise<CoterieNode> {
    const machine = this.#fleet.machine(name)
    await machine.close()
    return machine.start(this.#fleet.seedsFor(name), options)
  }

  /**
   * Stops the node's code, as a debugger or a stalled event loop does: the rest of the world goes
   * on.
   */
  pause(name: string): void {
    this.#fleet.machine(name).pause()
  }

  /** What came in meanwhile is handed to the node, in its order. */
  resume(name: string): void {
    this.#fleet.machine(name).resume()
  }

  /**
   * Sets how much the node's wall clock is wrong: it jumps there. Stays over restarts. Timers are
   * not affected; when values with a `ttlMs` end, and the order of `lww()` writes, are.
   */
  skewClock(name: string, ms: number): void {
    requireFinite('ms', ms)
    this.#fleet.machine(name).wall.skew(ms)
    this.#note('skew', `${name} ${ms}`)
  }

  /**
   * Lets the node's wall clock go faster from now on, or slower for less than 0. 0 ends the drift,
   * not the error by then: that does `skewClock`. Stays over restarts.
   */
  driftClock(name: string, partsPerMillion: number): void {
    requireFinite('partsPerMillion', partsPerMillion)
    this.#fleet.machine(name).wall.drift(partsPerMillion)
    this.#note('drift', `${name} ${partsPerMillion}`)
  }

  /** Lets the node's wall clock stand still, until `driftClock`. It can still jump. */
  freezeClock(name: string): void {
    this.driftClock(name, FROZEN_PPM)
  }

  /**
   * Starts one more node, which joins the others.
   * @param options.replaces the option of `createNode`, for this start; such a node is dealt no zone.
   */
  async add(
    name: string,
    options: { zone?: string; weight?: number; replaces?: string } = {},
  ): Promise<CoterieNode> {
    const { replaces, ...own } = options
    const machine = this.#fleet.add({ name, ...own }, { isZoned: replaces === undefined })
    return machine.start(this.#fleet.seedsFor(name), { replaces })
  }

  /** A copy of what the node's disk holds at this moment, as a backup has it. */
  saveDisk(name: string): SimDisk {
    return this.#fleet.machine(name).disk.copy()
  }

  /**
   * Puts a copy of the backup in place of the node's disk.
   * @throws {InvalidArgumentError} while the node is up.
   */
  restoreDisk(name: string, disk: SimDisk): void {
    const machine = this.#fleet.machine(name)
    if (machine.isUp) throw new InvalidArgumentError('name', `"${name}" is up: crash it first`)
    const { faults } = this.#fleet.world
    this.#note('restore', name)
    faults.add('disk-restored')
    machine.disk = disk.copy(faults)
  }

  /**
   * Starts a second process with the same id on a copy of the node's disk, as somebody does who
   * copies a directory. It goes by the name `as`, here and on the network: crash it, pause it,
   * partition it. It is none of `names`, and `records` and `settle` do not look at it.
   * @throws whatever the start of the node does; then it is down.
   * @throws {InvalidArgumentError} when the storage is memory.
   */
  async duplicate(name: string, as: string): Promise<CoterieNode> {
    const twin = this.#fleet.addTwin(this.#fleet.machine(name), as)
    this.#note('duplicate-disk', `${name} ${as}`)
    this.#fleet.world.faults.add('disk-duplicated')
    return twin.start(this.#fleet.seedsFor(as))
  }

  /**
   * Puts code of your own into the process of a node: `start` is called now, if the node is up, and
   * at each start of it from now on. It is paused and dies with the node; at a clean end its
   * `close()`, if it has one, is called before the node closes. Code that needs no time of its own
   * can as well be called by the scenario with `node(name)`.
   */
  async service<S extends object>(name: string, start: ServiceStart<S>): Promise<SimService<S>> {
    const machine = this.#fleet.machine(name)
    const service = new SimService<S>({ name, clock: this.#fleet.world.clock, start })
    await machine.host(service)
    return service
  }

  /** How often each kind of fault took effect so far. */
  faults(): Faults {
    return this.#fleet.world.faults.view()
  }

  /** Writes a line of the scenario's own into the trace. It counts for the hash. */
  note(text: string): void {
    this.#note('note', text)
  }

  /**
   * The node's disk itself, for its faults: failing reads, writes and syncs, flipped bits, no space,
   * slowness.
   */
  disk(name: string): SimDisk {
    return this.#fleet.machine(name).disk
  }

  /** Takes a record away from one node, which is not told. Nothing happens when it has none. */
  forget(name: string, bucket: string, key: string): void {
    this.#note('forget', `${name} ${bucket} ${key}`)
    forgetRecord(this.#fleet.machine(name).disk, this.#place(bucket, key))
  }

  /**
   * Turns one bit of a record over on one node's disk, which is not told. False when it has none:
   * then nothing happens.
   * @param bit a whole number, modulo the length of what is stored. @default one drawn from the seed
   * @throws {InvalidArgumentError} when the bit is no whole number ≥ 0, or when the storage is memory:
   * what never left the process is believed without a checksum.
   */
  damage(name: string, bucket: string, key: string, bit?: number): boolean {
    const at = bit ?? Math.floor(this.#damageRandom.float() * BIT_MAX)
    if (!Number.isSafeInteger(at) || at < 0) {
      throw new InvalidArgumentError('bit', `must be a whole number from 0 on, not ${at}`)
    }
    const { disk } = this.#fleet.machine(name)
    if (this.#fleet.world.storage === 'memory') {
      throw new InvalidArgumentError('name', `the storage of ${name} is no disk, but memory`)
    }
    this.#note('flip', `${name} ${bucket} ${key} ${at}`)
    return damageRecord(disk, this.#place(bucket, key), at)
  }

  /** What each node that has a record of the key really stores, also while it is down. */
  records(bucket: string, key: string): Map<string, RecordView> {
    const place = this.#place(bucket, key)
    const owners = this.#fleet.ring?.owners(place.partition) ?? []
    const views = new Map<string, RecordView>()
    for (const [name, disk] of this.#fleet.disks) {
      const view = viewRecord(disk, place, { isOwner: owners.includes(name) })
      if (view !== undefined) views.set(name, view)
    }
    return views
  }

  /**
   * Resolves when the owners of every key store the same and no hint is left anywhere.
   * @throws {Error} that names what is not settled, after `withinMs` virtual milliseconds.
   * The default is 600 000.
   */
  async settle(options: { withinMs?: number } = {}): Promise<void> {
    const { withinMs = SETTLE_WITHIN_MS } = options
    const settlement = new Settlement()
    await this.#fleet.until(() => settlement.problem(this.#fleet.disks, this.#fleet.ring), withinMs)
  }

  #link(kind: 'block' | 'clog' | 'unclog' | 'reset' | 'link', from: string, to: string): void {
    this.#fleet.machine(from)
    this.#fleet.machine(to)
    this.#note(kind, `${from} ${to}`)
  }

  #note(kind: string, ...details: readonly string[]): void {
    this.#fleet.world.trace.note('-', kind, ...details)
  }

  #place(bucket: string, key: string): Place {
    return placeOf(bucket, key, this.#fleet.ring?.partitions ?? 1)
  }
}

function requireFinite(name: string, value: number): void {
  if (!Number.isFinite(value)) throw new InvalidArgumentError(name, `must be finite, not ${value}`)
}
