/**
 * The parts of a node and how they hang together: the one place that knows them all. `createNode` fills it, the facade
 * speaks through it; no part ever sees it.
 */
import { ClosedError, StoreError } from '../base/errors.ts'
import type { Coordination } from '../coordinator/coordination.ts'
import { ForwardedPuts } from '../coordinator/forwarded-puts.ts'
import { TimerWheel } from '../coordinator/timer-wheel.ts'
import type { Claim, Status } from '../membership/claim.ts'
import type { Clock } from '../ports/clock.ts'
import type { ConflictKind } from '../ports/conflict-policy.ts'
import type { Diagnostics } from '../ports/diagnostics.ts'
import type { Random } from '../ports/random.ts'
import type { Storage } from '../ports/storage.ts'
import type { Transport } from '../ports/transport.ts'
import type { Books, Identity } from '../replica/books.ts'
import { HintStore } from '../replica/hint-store.ts'
import { ReplicaStore } from '../replica/replica-store.ts'
import type { ScanPages } from '../replica/scan-pages.ts'
import { Revisions } from '../replica/revisions.ts'
import type { RingMember } from '../ring/configuration.ts'
import { ringChange, type Ring } from '../ring/ring.ts'
import type { Peers } from '../rpc/peers.ts'
import type { AntiEntropy } from '../upkeep/anti-entropy.ts'
import type { ConfigurationKeeper } from '../upkeep/configuration-keeper.ts'
import type { ConfigurationSpread } from '../upkeep/configuration-spread.ts'
import type { Filling } from '../upkeep/filling.ts'
import type { Gossip } from '../upkeep/gossip.ts'
import type { Handoff } from '../upkeep/handoff.ts'
import type { ReapAnswers } from '../upkeep/reap-answers.ts'
import type { Reaper } from '../upkeep/reaper.ts'
import { Steadiness } from '../upkeep/steadiness.ts'
import type { Strays } from '../upkeep/strays.ts'
import type { Progress, Steward } from '../upkeep/steward.ts'
import { graceTimeoutsMin } from '../upkeep/tombstone-options.ts'
import { Promotion } from '../upkeep/promotion.ts'
import type { BucketPolicies } from './bucket-policies.ts'
import type { BucketNode } from './bucket-node.ts'
import type { Burden } from './burden.ts'
import { closeCore, type CloseOptions, type CloseOutcome } from './close.ts'
import { Dispatch } from './dispatch.ts'
import { drain } from './drain.ts'
import type { Member, NodeEvents, RingView } from './events.ts'
import { Greeter } from './greeter.ts'
import type { LimitOptions, ResolvedOptions } from './options.ts'
import { defaultN } from './options.ts'
import { OtherEpochs } from './other-epoch.ts'
import { Reach } from './reach.ts'
import { StartCounts } from './start-counts.ts'
import { collectStats, type NodeStats } from './stats.ts'
import {
  createBurden,
  createAntiEntropy,
  createCoordination,
  createFilling,
  createHandlers,
  createHandoff,
  createKeeper,
  createPeers,
  createPolicies,
  createReapAnswers,
  createReaper,
  createScanPages,
  createSpread,
  createSteward,
  createStrays,
} from './parts.ts'
import { expelIfRemoved } from './topology.ts'
import { describeMember, memberEvent, viewOf } from './views.ts'

/** The adapters that a node runs on. */
export interface NodePorts {
  readonly clock: Clock
  readonly random: Random
  readonly transport: Transport
  readonly storage: Storage
  readonly diagnostics: Diagnostics
}

type Emit = <K extends keyof NodeEvents>(event: K, ...details: NodeEvents[K]) => void

/** All parts of one node. */
export class NodeCore implements BucketNode {
  readonly options: ResolvedOptions
  readonly ports: NodePorts
  readonly books: Books
  readonly revisions: Revisions = new Revisions()
  readonly store: ReplicaStore
  readonly hints: HintStore
  readonly scanPages: ScanPages
  readonly keeper: ConfigurationKeeper
  readonly peers: Peers
  readonly handoff: Handoff
  readonly antiEntropy: AntiEntropy
  readonly policies: BucketPolicies
  readonly coordination: Coordination
  readonly burden: Burden
  readonly wheel: TimerWheel
  readonly starts: StartCounts
  readonly greeter: Greeter
  readonly dispatch: Dispatch
  readonly spread: ConfigurationSpread
  readonly filling: Filling
  readonly steward: Steward
  readonly strays: Strays
  readonly steadiness: Steadiness
  readonly reapAnswers: ReapAnswers
  readonly reaper: Reaper
  readonly promotion: Promotion
  readonly startedMs: number
  address = ''
  /** Set while the node leaves by its own will. */
  isLeaving = false
  /** Why this node is no member any more. */
  expulsion: StoreError | undefined
  gossip: Gossip | undefined
  emit: Emit = () => undefined
  #state: 'starting' | 'open' | 'closed' = 'starting'
  #closing: Promise<CloseOutcome> | undefined
  #isDraining = false
  /** Operations of several steps that are under way. */
  #steps = 0
  readonly reach: Reach = new Reach(this)
  readonly otherEpochs: OtherEpochs = new OtherEpochs(this)
  #writes = 0

  constructor(options: ResolvedOptions, ports: NodePorts, books: Books) {
    this.options = options
    this.ports = ports
    this.books = books
    this.startedMs = ports.clock.monotonicMs()
    this.wheel = new TimerWheel(ports.clock)
    this.starts = new StartCounts(books)
    this.greeter = new Greeter(this)
    this.store = new ReplicaStore({
      storage: ports.storage,
      revisions: this.revisions,
      writeFailed: (error) => {
        books.renew()
        this.revisions.allChanged()
        this.hints.suspect()
        this.fail('storage', error)
      },
    })
    this.hints = new HintStore(ports.storage, options.handoff)
    this.keeper = createKeeper(this)
    this.promotion = new Promotion({
      self: { ...books.identity, zone: options.zone, weight: options.weight },
      clock: ports.clock,
      keeper: this.keeper,
      failed: (error) => this.fail('configuration', error),
    })
    this.peers = createPeers(this)
    this.policies = createPolicies(this)
    this.coordination = createCoordination(this)
    this.burden = createBurden(this)
    this.handoff = createHandoff(this)
    this.scanPages = createScanPages(this)
    this.spread = createSpread(this)
    this.filling = createFilling(this)
    this.antiEntropy = createAntiEntropy(this)
    this.steward = createSteward(this)
    this.strays = createStrays(this)
    this.steadiness = new Steadiness(ports.clock, options.tombstones.graceMs)
    this.reapAnswers = createReapAnswers(this)
    this.reaper = createReaper(this)
    const puts = new ForwardedPuts(this.coordination, {
      isClosed: () => this.isClosed,
      failed: (error) => this.fail('request', error),
    })
    this.dispatch = new Dispatch(this, createHandlers(this), puts)
  }

  get identity(): Identity {
    return this.books.identity
  }

  get limits(): Required<LimitOptions> {
    return this.options.limits
  }

  get diagnostics(): Diagnostics {
    return this.ports.diagnostics
  }

  get timeoutMs(): number {
    return this.options.timeoutMs
  }

  get isClosed(): boolean {
    return this.#state === 'closed' || (this.#closing !== undefined && !this.#isDraining)
  }

  opened(): void {
    this.#state = 'open'
    this.burden.open()
  }

  n(): number {
    return this.keeper.configuration?.n ?? this.options.n ?? defaultN
  }

  get isOpen(): boolean {
    return this.#state === 'open' && this.#closing === undefined
  }

  assertOpen(): void {
    if (!this.isOpen) throw new ClosedError(`the node "${this.identity.id}" is closed`)
  }

  assertServing(): void {
    if (!this.#isDraining) this.assertOpen()
  }

  async underWay<T>(steps: Promise<T>): Promise<T> {
    this.#steps += 1
    try {
      return await steps
    } finally {
      this.#steps -= 1
    }
  }

  /** Operations of this node's own clients, and writes that it coordinates for other nodes, under way now. */
  get underWayCount(): number {
    return Math.max(this.wheel.size, this.coordination.stats.inFlight) + this.#steps
  }

  assertBearable(): void {
    this.burden.assertBearable()
  }

  countIn(count: number): void {
    this.burden.countIn(count)
  }

  mayTake(timeoutMs: number): void {
    if (graceTimeoutsMin * timeoutMs > this.options.tombstones.graceMs)
      this.steadiness.mayLast(timeoutMs)
  }

  agreed(bucket: string, kind: ConflictKind): Promise<void> | undefined {
    return this.policies.agreed(bucket, kind)
  }

  readonly writeId = (): string => `${this.identity.boot}:${++this.#writes}`

  /** What this node is in the ring. */
  ringMember(): RingMember {
    const { id, store } = this.identity
    const { zone = '', weight = 1 } = this.options
    return { id, store, zone, weight, stage: 'normal' }
  }

  /** Ring members but this node. */
  others(): readonly string[] {
    return (this.keeper.ring?.memberIds ?? []).filter((id) => id !== this.identity.id)
  }

  isReachable(id: string): boolean {
    return this.reach.isReachable(id)
  }

  /** How far this node is with a change of owners. */
  progress(): Progress {
    return {
      epoch: this.keeper.ring?.epoch ?? 0,
      isHandingOver: this.handoff.isHandingOver,
      isFilled: !this.filling.isUnderWay,
      sentBytes: this.handoff.sentBytes,
    }
  }

  learn(configuration: Parameters<ConfigurationKeeper['learn']>[0]): void {
    this.keeper
      .learn(configuration)
      .catch((error: unknown) => this.fail('configuration', error as Error))
  }

  members(): readonly Member[] {
    const members = this.keeper.ring?.members ?? []
    return members.map((member) => describeMember(member, this.gossip?.member(member.id)))
  }

  ringView(): RingView {
    return viewOf(this.coordination.ring())
  }

  stats(): NodeStats {
    return collectStats(this)
  }

  /** Something failed that no operation waits for. */
  fail(task: string, error: Error, peer?: string): void {
    if (this.#state === 'closed') return
    this.emit('background-error', { task, error, ...(peer === undefined ? {} : { peer }) })
  }

  close(options: CloseOptions = {}): Promise<CloseOutcome> {
    // Whoever asks for a plain end is in a hurry.
    if (options.drain !== true || this.#state !== 'open') this.#isDraining = false
    else this.#isDraining ||= this.#closing === undefined
    this.#closing ??= this.#end(options)
    return this.#closing
  }

  async #end(options: CloseOptions): Promise<CloseOutcome> {
    try {
      if (this.#isDraining) await drain(this, options, () => !this.#isDraining)
      this.#isDraining = false
      return await closeCore(this)
    } finally {
      this.#state = 'closed'
      this.emit('close')
    }
  }

  /** Membership knows something new of a member. */
  memberChanged(claim: Claim, previous: Status | undefined): void {
    const { id, status } = claim
    if (id === this.identity.id) return
    if (status === 'alive') {
      this.peers.hurry(id)
      this.handoff.deliver(id)
      this.spread.tell(id)
    }
    if (status === 'left') this.peers.forget(id)
    if (status === previous) return
    this.emit(memberEvent(status), describeMember(this.keeper.ring?.member(id), claim))
  }

  /** Another process uses this node's identity: what it minted may be minted there too (HAZARDS A5). */
  duplicate(address: string): void {
    this.books.renew()
    const message = `another process at ${address} uses the id "${this.identity.id}": stop one of them`
    this.fail('identity', new StoreError('ERR_PROTOCOL', message))
  }

  /** A hint for the member was stored. */
  hinted(target: string): void {
    this.emit('hint-stored', { target, count: this.hints.count(target) })
  }

  ringChanged(after: Ring, before: Ring | undefined): void {
    const change = before === undefined ? undefined : ringChange(before, after)
    if (change !== undefined) this.filling.gained(change)
    this.handoff.ringChanged(this.keeper.configuration!, change)
    this.steward.ringChanged()
    this.strays.ringChanged()
    this.promotion.ringChanged()
    this.peers.ringChanged()
    for (const id of before?.memberIds ?? []) {
      if (after.member(id) === undefined) this.peers.forget(id)
    }
    this.emit('ring-change', viewOf(after))
    expelIfRemoved(this, after, before)
  }
}
