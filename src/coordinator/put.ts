/**
 * One write, coordinated by this node (Dynamo §4.5, §4.6). The way of a put in one place:
 *
 * 1. The new dot is minted and the record stored here first; hints for owners known to be down are kept with it.
 * 2. The finished record goes to the other owners, always with its whole clock and all siblings (HAZARDS A7, A11).
 * 3. An owner that fails gets a hint here; while W is not met, a sloppy write also asks the next fallback.
 * 4. The caller hears as soon as W is met or cannot be met. The operation lives on until each owner has the write or
 *    a hint for it, or its deadline makes it one (HAZARDS C1).
 */
import { ConflictPolicyError, type StoreError } from '../base/errors.ts'
import { REPLICA_MAX, selected } from '../quorum/replica-mask.ts'
import type { ReplicaRole } from '../quorum/tally.ts'
import { WriteTally } from '../quorum/write-tally.ts'
import type { AlsoWrite, AppliedWrite } from '../replica/replica-store.ts'
import { storedHeaderBytes } from '../replica/stored-record.ts'
import type { Ring } from '../ring/ring.ts'
import { flagDurable, frameType } from '../rpc/frame.ts'
import { putFrame } from '../rpc/frame-buffer.ts'
import { unpackFailure } from '../rpc/failure.ts'
import type { AnswerFrame, CallSink } from '../rpc/pending-calls.ts'
import { asStoreError, uncertain, unreachableOwners, writeRefusal } from './availability.ts'
import { Caller, type Settler } from './caller.ts'
import type { Coordination } from './coordination.ts'
import { endWrite, failWrite } from './end-write.ts'
import { tallyOptions } from './joint.ts'
import { hintsWith, localWrite, type BegunPut, type PutRequest } from './put-request.ts'
import { ReplicaCalls } from './replica-calls.ts'
import type { Receipt } from './receipt.ts'
import { Deadline } from './timer-wheel.ts'

const nobody: readonly string[] = Object.freeze([])

/** One write under way. Lives on after its caller was answered, until each owner has it or a hint. */
export class PutOperation extends Deadline implements CallSink {
  readonly #node: Coordination
  readonly #request: PutRequest
  #tally: WriteTally
  #ring: Ring
  #caller: Settler<Receipt> | undefined
  /** Replica i of the tally; owners first. Shared with the ring until a fallback is asked. */
  #nodes: readonly string[]
  readonly #calls = new ReplicaCalls()
  /** Fallback i stands in for this owner. */
  #standsFor: Map<number, string> | undefined
  #applied: AppliedWrite | undefined
  #durableMask = 0
  readonly #hintedFor: string[] = []
  /** This node's own replica number; -1 while it owns no copy and stands in for nobody. */
  #self = -1
  #local: 'waiting' | 'stored' | 'failed' = 'waiting'
  #settled = false
  /** Its deadline has passed: nobody is asked any more. */
  #isLate = false

  /** One to be started, or one that began already and goes on here. */
  constructor(node: Coordination, request: PutRequest, begun?: BegunPut) {
    super()
    this.#node = node
    this.#request = request
    this.#ring = begun?.ring ?? node.ring()
    this.#nodes = this.#ring.replicas(request.partition)
    this.#tally = new WriteTally(tallyOptions(this.#ring, request))
    this.#caller = begun
    if (begun !== undefined) this.#goOnWith(begun)
  }

  /** All owners were asked, and this one has stored the write. Those that could not be asked have failed. */
  #goOnWith(begun: BegunPut): void {
    this.#applied = begun.applied
    this.#settled = begun.isSettled
    this.#self = begun.self
    this.#local = 'stored'
    this.#durableMask = begun.durableMask
    begun.handOver(this)
    this.#nodes.forEach((_, i) => {
      this.#asked(i, 'primary')
      if ((begun.storedMask & (1 << i)) !== 0) this.#tally.acknowledged(i)
      else this.#calls.called(i, begun.calls[i])
    })
    this.#nodes.forEach((_, i) => {
      if (i !== begun.self && begun.calls[i] === undefined) this.#ownerFailed(i)
    })
    this.#advance()
  }

  /** Starts the write. */
  start(): Promise<Receipt> {
    const caller = new Caller<Receipt>()
    this.#caller = caller
    this.#begin()
    return caller.promise
  }

  #begin(): void {
    const down = unreachableOwners(this.#node, this.#nodes)
    const refusal = writeRefusal(this.#node, this.#ring, this.#request, down)
    if (refusal !== undefined) return this.#finish(refusal)
    this.#node.wheel.set(this, this.#request.timeoutMs)
    try {
      const applied = this.#storeLocally(down === 0 ? undefined : this.#hintsAtStart(down))
      if (applied instanceof Promise) {
        applied.then(
          (done) => this.#stored(done),
          (error: unknown) => this.#finish(asStoreError(error)),
        )
      } else {
        this.#stored(applied)
      }
    } catch (error) {
      this.#finish(asStoreError(error))
    }
  }

  #storeLocally(also: AlsoWrite | undefined): AppliedWrite | Promise<AppliedWrite> {
    const { partition, storageKey } = this.#request
    const write = localWrite(this.#node, this.#request)
    return this.#node.store.write(partition, storageKey, write, also)
  }

  /** Hints for owners that are down already, kept in one batch with the record. */
  #hintsAtStart(downMask: number): AlsoWrite {
    const down = selected(this.#nodes, downMask)
    this.#hintedFor.push(...down)
    return hintsWith(this.#node, this.#request, down)
  }

  /** The record is stored here: the others follow. */
  #stored(applied: AppliedWrite): void {
    this.#applied = applied
    if (this.#settled) return this.#hintOthers()
    if (this.#node.ring() !== this.#ring) this.#beginUnder(this.#node.ring())
    const { selfId } = this.#node
    const frame = this.#frame(nobody)
    const owners = this.#nodes.length
    let unsent = 0
    for (let i = 0; i < owners; i++) {
      const id = this.#nodes[i]!
      this.#asked(i, 'primary')
      if (id === selfId) this.#self = i
      else if (this.#hintedFor.includes(id)) this.#tally.failed(i)
      else if (!this.#send(i, id, frame)) unsent |= 1 << i
    }
    this.#awaitLocal(applied.durable)
    for (let i = 0; unsent !== 0 && i < owners; i++)
      if ((unsent & (1 << i)) !== 0) this.#ownerFailed(i)
    if (this.#self < 0 && this.#hintedFor.length > 0) this.#standInHere()
    this.#advance()
  }

  /** The deadline passed while the storage was reading: nobody was asked, so all others get the record by a hint. */
  #hintOthers(): void {
    for (const id of this.#node.ring().replicas(this.#request.partition)) {
      if (!this.#hintedFor.includes(id)) this.#hint(id)
    }
  }

  #beginUnder(ring: Ring): void {
    this.#ring = ring
    this.#nodes = ring.replicas(this.#request.partition)
    this.#tally = new WriteTally(tallyOptions(ring, this.#request))
  }

  #awaitLocal(durable: Promise<void> | undefined): void {
    if (durable === undefined) return this.#localEnded('stored')
    durable.then(
      () => {
        this.#localEnded('stored')
        this.#advance()
      },
      (error: unknown) => {
        this.#calls.lastError = asStoreError(error)
        this.#localEnded('failed')
        this.#advance()
      },
    )
  }

  #localEnded(local: 'stored' | 'failed'): void {
    this.#local = local
    this.#countSelf()
  }

  #countSelf(): void {
    if (this.#self < 0) return
    if (this.#local === 'stored') this.#acknowledge(this.#self, this.#node.store.isDurable)
    else if (this.#local === 'failed') this.#tally.failed(this.#self)
  }

  /** This node owns no copy, but an owner failed: with the hint that is kept here, it stands in. */
  #standInHere(): void {
    if (this.#nodes.length > REPLICA_MAX) return
    this.#self = this.#addNode(this.#node.selfId, 'fallback')
    this.#countSelf()
  }

  #acknowledge(replica: number, durable: boolean): void {
    this.#tally.acknowledged(replica)
    if (durable) this.#durableMask |= 1 << replica
    const owner = this.#standsFor?.get(replica)
    if (owner !== undefined && !this.#hintedFor.includes(owner)) this.#hintedFor.push(owner)
  }

  #frame(hintFor: readonly string[]): ReturnType<typeof putFrame> {
    const { partition, storageKey, timeoutMs } = this.#request
    return putFrame(
      { epoch: this.#ring.epoch, timeLeftMs: timeoutMs },
      { partition, key: storageKey, hintFor },
      this.#applied!.stored,
      storedHeaderBytes,
    )
  }

  #send(replica: number, id: string, frame: ReturnType<typeof putFrame>): boolean {
    return this.#calls.call(this.#node.data(id), this, replica, frame)
  }

  #addNode(id: string, role: 'primary' | 'fallback', standsFor?: string): number {
    const replica = this.#nodes.length
    this.#nodes = [...this.#nodes, id]
    this.#asked(replica, role)
    if (standsFor !== undefined) (this.#standsFor ??= new Map()).set(replica, standsFor)
    return replica
  }

  #asked(replica: number, role: ReplicaRole): void {
    const sides = this.#ring.sidesOf(this.#nodes[replica]!, this.#request.partition)
    this.#tally.asked(replica, role, sides)
  }

  answered(replica: number, frame: AnswerFrame): void {
    const { type, flags, bytes, bodyStart, end } = frame
    if (type === frameType.stored) this.#acknowledge(replica, (flags & flagDurable) !== 0)
    else if (type === frameType.otherEpoch)
      this.#otherEpoch(replica, { bytes, start: bodyStart, end })
    else {
      if (type === frameType.failed) this.#calls.lastError = unpackFailure(bytes, bodyStart, end)
      this.#replicaFailed(replica)
    }
    this.#advance()
  }

  unanswered(replica: number, error: StoreError, sent: boolean): void {
    this.#calls.lastError = error
    if (!sent || !this.#sendAgain(replica)) this.#replicaFailed(replica)
    this.#advance()
  }

  #sendAgain(replica: number): boolean {
    if (this.#isLate || !this.#calls.mayRepeat(replica)) return false
    const owner = this.#standsFor?.get(replica)
    const frame = this.#frame(owner === undefined ? nobody : [owner])
    return this.#send(replica, this.#nodes[replica]!, frame)
  }

  /** The deadline: whoever has not answered is given up. */
  expire(): void {
    this.#isLate = true
    if (this.#applied === undefined) return this.#finish(this.#uncertain('within its deadline'))
    for (let i = 0; i < this.#nodes.length; i++) {
      if ((this.#tally.waitingMask & (1 << i)) === 0) continue
      this.#calls.abandon(this.#node.data(this.#nodes[i]!), i)
      this.#replicaFailed(i)
    }
    this.#advance()
    if (!this.#settled) this.#settle(this.#uncertain('within its deadline'))
  }

  #replicaFailed(replica: number): void {
    if (!this.#tally.failed(replica)) return
    const owner = this.#standsFor?.get(replica)
    if (owner === undefined) this.#ownerFailed(replica)
    else this.#askFallback(owner)
  }

  /** An owner does not have the write: a hint is kept here, and a fallback stands in while W is not met. */
  #ownerFailed(replica: number): void {
    this.#tally.failed(replica)
    const owner = this.#nodes[replica]!
    if (owner === this.#node.selfId) return
    this.#hint(owner)
    if (this.#self < 0) this.#standInHere()
    else this.#askFallback(owner)
  }

  /** Keeps a hint here for another owner, which lacks the write. */
  #hint(owner: string): void {
    if (owner === this.#node.selfId) return
    const { partition, storageKey: key } = this.#request
    this.#node.keepHint({ target: owner, partition, key }, this.#applied!.stored.length)
    if (!this.#hintedFor.includes(owner)) this.#hintedFor.push(owner)
  }

  /** Asks the next reachable member of the walk to stand in. */
  #askFallback(owner: string): void {
    if (!this.#request.sloppy || this.#isLate || this.#tally.outcome() === 'reached') return
    for (const id of this.#ring.preferenceList(this.#request.partition)) {
      if (this.#nodes.length > REPLICA_MAX) return
      if (this.#nodes.includes(id) || !this.#node.isReachable(id)) continue
      if (id === this.#node.selfId) continue
      const replica = this.#addNode(id, 'fallback', owner)
      if (this.#send(replica, id, this.#frame([owner]))) return
      this.#tally.failed(replica)
    }
  }

  /** The replica works under another ring configuration: once both know the newer one, it is asked again. */
  #otherEpoch(replica: number, body: { bytes: Uint8Array; start: number; end: number }): void {
    const id = this.#nodes[replica]!
    const known = this.#node.otherEpoch(id, body)
    if (!known || !this.#calls.mayRetryEpoch(id)) return this.#replicaFailed(replica)
    const ring = this.#node.ring()
    if (ring.epoch !== this.#ring.epoch) this.#retarget(ring)
    const owner = this.#standsFor?.get(replica)
    if (!ring.ownsPartition(owner ?? id, this.#request.partition)) {
      this.#tally.failed(replica)
    } else if (!this.#send(replica, id, this.#frame(owner === undefined ? nobody : [owner]))) {
      this.#replicaFailed(replica)
    }
  }

  /** Counts anew under a newer ring: its owners are asked, former ones count as fallbacks. */
  #retarget(ring: Ring): void {
    this.#ring = ring
    const before = this.#tally
    const owners = ring.replicas(this.#request.partition)
    this.#tally = new WriteTally(tallyOptions(ring, this.#request))
    this.#nodes.forEach((id, i) => {
      const isOwner = owners.includes(id)
      this.#asked(i, isOwner ? 'primary' : 'fallback')
      if (isOwner) this.#standsFor?.delete(i)
      if ((before.acknowledgedMask & (1 << i)) !== 0) this.#tally.acknowledged(i)
      else if ((before.failedMask & (1 << i)) !== 0) {
        this.#tally.failed(i)
        if (isOwner) this.#hint(id)
      }
    })
    for (const id of owners) {
      if (this.#nodes.includes(id)) continue
      if (this.#nodes.length > REPLICA_MAX) {
        this.#hint(id)
        continue
      }
      const replica = this.#addNode(id, 'primary')
      if (id === this.#node.selfId) {
        this.#self = replica
        this.#countSelf()
      } else if (!this.#node.isReachable(id) || !this.#send(replica, id, this.#frame(nobody))) {
        this.#ownerFailed(replica)
      }
    }
  }

  /** Tells the caller once it is certain, and ends when nobody is waited for. */
  #advance(): void {
    if (!this.#settled) {
      this.#standIns()
      const outcome = this.#tally.outcome()
      if (outcome === 'reached') this.#settle(undefined)
      else if (outcome === 'lost') this.#settle(this.#uncertain('in time'))
    }
    if (this.#settled && this.#tally.waitingMask === 0) this.#node.wheel.cancel(this)
  }

  /** Owners that were down at the start get fallbacks while W is in doubt. */
  #standIns(): void {
    if (!this.#request.sloppy || this.#isLate || this.#tally.outcome() !== 'lost') return
    for (const owner of this.#hintedFor) {
      if (this.#tally.outcome() !== 'lost') return
      this.#askFallback(owner)
    }
  }

  #settle(error: Error | undefined): void {
    if (error !== undefined) return this.#finish(error)
    this.#settled = true
    endWrite(this.#node, this.#request, this.#caller, this.#applied!, {
      nodes: this.#nodes,
      storedMask: this.#tally.acknowledgedMask,
      fallbackMask: this.#tally.fallbackMask,
      durableMask: this.#durableMask,
      hinted: this.#hintedFor.length === 0 ? nobody : [...this.#hintedFor],
    })
  }

  #uncertain(when: 'in time' | 'within its deadline'): Error {
    const last = this.#calls.lastError
    if (last instanceof ConflictPolicyError) return last
    return uncertain(this.#request, when, { acknowledged: this.#tally.count, cause: last })
  }

  #finish(error: Error): void {
    if (this.#settled) return
    this.#settled = true
    if (this.#applied === undefined) this.#node.wheel.cancel(this)
    failWrite(this.#node, this.#caller, error)
  }
}
