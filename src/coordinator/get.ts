/**
 * One read, coordinated by this node (Dynamo §4.5). The way of a get in one place:
 *
 * 1. R replicas are asked: this node first, then owners that are thought to answer; one more when one fails or lags.
 *    Others are asked only in the place of owners that are away or failed, and that they have nothing counts only when
 *    no owner is waited for. Owners that cannot be asked now are asked again, if the read would else be lost.
 * 2. Answers that agree end the read. Answers that differ are merged, and whoever lacks the result is repaired.
 * 3. In blocking mode the read returns when enough owners hold the result that every later quorum meets it: that is
 *    what makes quorum reads never go back in time (HAZARDS D1).
 */
import type { StoreError } from '../base/errors.ts'
import { REPLICA_MAX, selected } from '../quorum/replica-mask.ts'
import { ReadTally } from '../quorum/read-tally.ts'
import { worseLack, type Lack } from '../replica/lack.ts'
import type { Stored } from '../replica/stored-record.ts'
import type { Ring } from '../ring/ring.ts'
import { frameType } from '../rpc/frame.ts'
import { unpackFailure } from '../rpc/failure.ts'
import type { AnswerFrame, CallSink } from '../rpc/pending-calls.ts'
import { kindOf } from '../versions/record-layout.ts'
import {
  lateRead,
  lostRead,
  nextFallback,
  nextReplica,
  ownersToAskAgain,
  readRefusal,
  unreachableOwners,
} from './availability.ts'
import { Caller, type Settler } from './caller.ts'
import type { Coordination } from './coordination.ts'
import { kindsDiffer, storedRecord, wholeRecord, type ReadRecord } from './divergence.ts'
import {
  recordRequest,
  type BegunGet,
  type GetRequest,
  type ReadResult,
  type TellResult,
} from './get-request.ts'
import { patienceMs } from './hedging.ts'
import { tallyOptions } from './joint.ts'
import { absenceOf, lackOf, ReadAnswers } from './read-answers.ts'
import { ReadTiming } from './read-timing.ts'
import { nobodyWaits } from './read-repair.ts'
import { copiesMissing, isOver, repairAfterRead, staleAmong } from './repair-after-read.ts'
import { ReplicaCalls } from './replica-calls.ts'
import { Deadline } from './timer-wheel.ts'

/** One read under way: asks R replicas, one more where one is slow, and merges what they say. */
export class GetOperation<T> extends Deadline implements CallSink {
  readonly #node: Coordination
  readonly #request: GetRequest
  readonly #tell: TellResult<T>
  #caller: Settler<T> | undefined
  #ring: Ring
  #tally: ReadTally
  /** Replica i of the tally; owners first, asked or not. Shared with the ring until a fallback is asked. */
  #nodes: readonly string[]
  #askedMask = 0
  #answers = new ReadAnswers()
  readonly #calls = new ReplicaCalls()
  /** `repairing`: the result is known, and enough owners are being brought up to it. After `ended` nothing is told. */
  #phase: 'asking' | 'repairing' | 'ended' = 'asking'
  /** The result, for replicas that answer after it was told. */
  #result: ReadResult
  readonly #timing: ReadTiming
  /** Fallbacks that have nothing, which does not count yet. */
  #heldMask = 0
  #own: Stored | Promise<Stored>

  /** A read to be started, or one that began already and goes on here. */
  constructor(node: Coordination, request: GetRequest, tell: TellResult<T>, begun?: BegunGet<T>) {
    super()
    this.#node = node
    this.#request = request
    this.#tell = tell
    this.#timing = new ReadTiming(node)
    this.#ring = begun?.ring ?? node.ring()
    this.#nodes = this.#ring.replicas(request.partition)
    this.#tally = new ReadTally(tallyOptions(this.#ring, request))
    this.#caller = begun
    if (begun !== undefined) this.#goOnWith(begun)
  }

  #goOnWith(begun: BegunGet<T>): void {
    const { self, other, call, own } = begun
    this.#askedMask = (1 << self) | (1 << other)
    this.#tally.asked(self, 'primary')
    this.#tally.asked(other, 'primary')
    this.#calls.called(other, call)
    if (own === undefined) this.#noteAbsent(self, 'absent')
    else this.#note(self, own, undefined)
    this.#timing.begin(begun.beganMs)
    begun.handOver(this)
  }

  /** Starts the read. @param own what this node has stored, if it was read already */
  start(own?: Stored | Promise<Stored>): Promise<T> {
    const caller = new Caller<T>()
    this.#caller = caller
    this.#own = own
    const refusal = readRefusal(this.#node, this.#ring, this.#request)
    if (refusal !== undefined) this.#fail(refusal)
    else {
      this.#timing.begin()
      this.#node.wheel.set(this, Math.min(this.#request.timeoutMs, this.#node.hedging.afterMs))
      this.#askEnough()
      this.#advance()
    }
    return caller.promise
  }

  /** Asks until R answers are there or awaited, or nobody is left. */
  #askEnough(): void {
    const { sloppy } = this.#request
    while (
      this.#tally.outcome() === 'lost' &&
      (this.#askOwner() || (sloppy && this.#askFallback()))
    );
  }

  /** Asks the best owner not asked yet. False when there is none. */
  #askOwner(): boolean {
    const replica = nextReplica(this.#node, this.#ring, this.#request.partition, this.#askedMask)
    if (replica >= 0) this.#ask(replica, 'primary')
    return replica >= 0
  }

  #askFallback(): boolean {
    if (this.#nodes.length > REPLICA_MAX) return false
    const id = nextFallback(this.#node, this.#ring, this.#request.partition, this.#nodes)
    if (id === undefined) return false
    this.#nodes = [...this.#nodes, id]
    this.#ask(this.#nodes.length - 1, 'fallback')
    return true
  }

  #ask(replica: number, role: 'primary' | 'fallback'): void {
    const id = this.#nodes[replica]!
    this.#askedMask |= 1 << replica
    this.#tally.asked(replica, role, this.#ring.sidesOf(id, this.#request.partition))
    if (id === this.#node.selfId) this.#askSelf(replica)
    else if (!this.#send(replica, id)) this.#tally.failed(replica)
  }

  #send(replica: number, id: string): boolean {
    const frame = recordRequest(this.#ring, this.#request, this.#answers.record)
    return this.#calls.call(this.#node.data(id), this, replica, frame)
  }

  #askSelf(replica: number): void {
    const { partition, storageKey } = this.#request
    const lack = this.#node.lackOf(partition)
    try {
      const stored = this.#own ?? this.#node.store.read(partition, storageKey)
      this.#own = undefined
      if (stored instanceof Promise) this.#awaitSelf(replica, stored, lack)
      else this.#readHere(replica, stored, lack)
    } catch (error) {
      this.#calls.lastError = error as Error
      this.#tally.failed(replica)
    }
  }

  #awaitSelf(replica: number, stored: Promise<Stored>, lack: Lack | undefined): void {
    // A read that begins again under another ring counts with another tally: what comes late is not for it.
    const tally = this.#tally
    const failed = (error: unknown): void => {
      this.#calls.lastError = error as Error
      tally.failed(replica)
    }
    stored
      .then((found) => {
        const lackNow = this.#node.lackOf(this.#request.partition)
        if (tally === this.#tally) this.#readHere(replica, found, worseLack(lack, lackNow))
      }, failed)
      .then(() => this.#goOn())
      .catch((error: unknown) => this.#fail(error as Error))
  }

  #readHere(replica: number, stored: Stored, lack: Lack | undefined): void {
    if (stored instanceof Uint8Array) this.#note(replica, storedRecord(stored), lack)
    else this.#noteAbsent(replica, stored ?? lack ?? 'absent')
  }

  answered(replica: number, frame: AnswerFrame): void {
    const { type, flags, bytes, bodyStart, end } = frame
    this.#timing.answered(replica, this.#node.data(this.#nodes[replica]!))
    if (type === frameType.record || type === frameType.same) {
      const record = this.#answers.recordIn(frame)
      if (record === undefined) this.#noteAbsent(replica, 'damaged')
      else this.#note(replica, record, lackOf(flags))
    } else if (type === frameType.absent) {
      this.#noteAbsent(replica, absenceOf(flags))
    } else if (type === frameType.otherEpoch) {
      this.#otherEpoch(replica, { bytes, start: bodyStart, end })
    } else {
      if (type === frameType.failed) this.#calls.lastError = unpackFailure(bytes, bodyStart, end)
      this.#tally.failed(replica)
    }
    this.#goOn()
  }

  unanswered(replica: number, error: StoreError, sent: boolean): void {
    if (sent) this.#calls.lastError = error
    else this.#calls.notSent(replica, error)
    const mayRepeat = sent && this.#phase === 'asking' && this.#calls.mayRepeat(replica)
    if (!mayRepeat || !this.#send(replica, this.#nodes[replica]!)) this.#tally.failed(replica)
    this.#goOn()
  }

  #goOn(): void {
    const held = this.#awaitsOwner() ? 0 : this.#heldMask
    this.#heldMask ^= held
    for (let i = 0; held >>> i !== 0; i++) if ((held >>> i) & 1) this.#noteAbsent(i, 'absent')
    if (this.#phase === 'ended') return this.#late()
    if (this.#phase === 'repairing') return
    this.#askEnough()
    this.#advance()
  }

  /** What a replica has that is being filled is part of the result, and counts for no quorum: it may lack siblings. */
  #note(replica: number, record: ReadRecord, lack: Lack | undefined): void {
    const isNews = this.#tally.answered(replica, lack ?? 'record')
    if (isNews) this.#answers.add(replica, record)
  }

  #noteAbsent(replica: number, answer: 'absent' | 'damaged' | Lack): void {
    const isFallback = (this.#tally.fallbackMask & (1 << replica)) !== 0
    if (isFallback && answer === 'absent' && this.#awaitsOwner()) this.#heldMask |= 1 << replica
    else if (this.#tally.answered(replica, answer)) this.#answers.add(replica, 'absent')
  }

  #awaitsOwner(): boolean {
    return (this.#tally.waitingMask & ~this.#tally.fallbackMask) !== 0
  }

  #otherEpoch(replica: number, body: { bytes: Uint8Array; start: number; end: number }): void {
    const id = this.#nodes[replica]!
    const isKnown = this.#node.otherEpoch(id, body)
    const mayRetry = isKnown && this.#phase === 'asking' && this.#calls.mayRetryEpoch(id)
    const isNewer = this.#node.ring().epoch !== this.#ring.epoch
    if (mayRetry && isNewer) this.#startAnew()
    else if (!mayRetry || !this.#send(replica, id)) this.#tally.failed(replica)
  }

  /** The ring changed under the read: it begins again with the new owners. */
  #startAnew(): void {
    this.#abandon(this.#tally.waitingMask)
    this.#ring = this.#node.ring()
    this.#nodes = this.#ring.replicas(this.#request.partition)
    this.#tally = new ReadTally(tallyOptions(this.#ring, this.#request))
    this.#askedMask = 0
    this.#heldMask = 0
    this.#answers = new ReadAnswers()
    this.#calls.renumber()
  }

  /** Time passed: one owner more is asked, those that went away are given up, at last the read itself is. */
  expire(): void {
    const { wheel, stats } = this.#node
    const leftMs = this.#timing.leftMs(this.#request.timeoutMs, this.afterMs)
    if (leftMs <= 0 || wheel.isEnding) {
      if (this.#phase === 'asking' && this.#tally.outcome() === 'lost') this.#lose()
      else this.#fail(lateRead(this.#request, this.#tally.count, this.#calls.lastError))
      return this.#abandon(this.#tally.waitingMask)
    }
    if (this.#phase !== 'asking') return wheel.set(this, Math.min(leftMs, patienceMs))
    // Owners that membership lost sight of since they were asked have failed.
    const away = unreachableOwners(this.#node, this.#ring.replicas(this.#request.partition))
    this.#abandon(away & this.#tally.waitingMask)
    const waitedMs = this.#request.timeoutMs - leftMs
    const isHedgeDue = this.#timing.isHedgeDue(waitedMs, this.#nodes, this.#tally.waitingMask)
    wheel.set(this, Math.min(leftMs, this.#timing.nextLookMs))
    if (isHedgeDue && this.#askOwner()) {
      stats.hedged += 1
      // In the place of one that counts for both quorums, one for each.
      if (this.#ring.changesOwners(this.#request.partition)) this.#askOwner()
    }
    if (this.#tally.outcome() === 'lost') this.#askedMask &= ~this.#askable()
    this.#goOn()
  }

  #askable(): number {
    const owners = this.#ring.replicas(this.#request.partition)
    return ownersToAskAgain(this.#node, owners, this.#tally, this.#calls.unsentMask)
  }

  #advance(): void {
    if (this.#phase !== 'asking') return
    let outcome = this.#tally.outcome()
    if (outcome === 'lost') outcome = this.#tally.outcome(this.#askable())
    if (outcome === 'pending') return
    if (outcome === 'lost') return this.#lose()
    const found = this.#answers.record
    const isPast = found !== undefined && isOver(this.#node, found.bytes, found.start)
    if (!this.#answers.agree || isPast) return this.#diverged()
    if (found !== undefined) this.#answers.forget()
    this.#succeed(found)
  }

  #lose(): void {
    this.#fail(lostRead(this.#request, this.#tally.count, this.#calls.lastError))
    this.#mendLate()
  }

  #diverged(): void {
    this.#phase = 'repairing'
    const found = this.#answers.settle(this.#node.clock.wallMs())
    if (found === undefined) return this.#succeed(undefined)
    this.#answers.forget()
    if (found === 'kinds differ') return this.#fail(kindsDiffer(this.#request.bucket))
    const result = wholeRecord(found.record)
    if (found.hasEnded) this.#node.stats.expired += 1
    if (this.#request.readRepair === 'off' || found.staleMask === 0) return this.#succeed(result)
    const current = selected(this.#nodes, found.currentMask)
    const missing = copiesMissing(this.#request, this.#ring, current)
    this.#repair(result, staleAmong(found, this.#ring, this.#request), missing)
    if (missing.count === 0) this.#succeed(result)
  }

  /** Repairs the stale replicas; the read is told once `missing` more copies are there. */
  #repair(result: ReadRecord, staleMask: number, missing = nobodyWaits): void {
    const [request, tally] = [this.#request, this.#tally]
    const isAwaited = (): boolean => this.#phase === 'repairing' && tally === this.#tally
    const { failedMask } = tally
    const view = { request, ring: this.#ring, nodes: this.#nodes, failedMask, staleMask }
    repairAfterRead(this.#node, view, result, {
      missing,
      asked: selected(this.#nodes, this.#askedMask),
      reached: () => (isAwaited() ? this.#succeed(result) : undefined),
      missed: (error) => (isAwaited() ? this.#notRepaired(error) : undefined),
    })
  }

  #notRepaired(error: Error): void {
    this.#calls.lastError = error
    const isSameRing = this.#node.ring().epoch === this.#ring.epoch
    if (isSameRing) return this.#fail(lostRead(this.#request, this.#tally.count, error))
    this.#phase = 'asking'
    this.#startAnew()
    this.#goOn()
  }

  /** A replica answered after the result was told: if it lacks it, it gets it. */
  #late(): void {
    const result = this.#result
    if (this.#tally.waitingMask === 0) this.#node.wheel.cancel(this)
    if (result === undefined) return this.#mendLate()
    if (this.#request.readRepair === 'off') return
    const stale = this.#answers.takeStale(result)
    if (stale !== 0) this.#repair(result, stale)
  }

  /** Nothing was told, but there is a record: whoever answered and lacks what all answers make gets it. */
  #mendLate(): void {
    if (this.#tally.recordMask === 0 || this.#request.readRepair === 'off') return
    const found = this.#answers.settle(0)
    if (found === undefined || found === 'kinds differ') return
    this.#answers.forget()
    this.#result = wholeRecord(found.record)
    if (found.staleMask !== 0) this.#repair(this.#result, found.staleMask)
  }

  #abandon(mask: number): void {
    this.#nodes.forEach((id, i) => {
      if ((mask & (1 << i)) === 0) return
      this.#calls.abandon(this.#node.data(id), i)
      this.#tally.failed(i)
    })
  }

  #succeed(result: ReadResult): void {
    const kind = result === undefined ? this.#request.kind : kindOf(result.bytes[result.start + 1]!)
    if (kind !== this.#request.kind) return this.#fail(kindsDiffer(this.#request.bucket))
    this.#result = result
    this.#end()
    try {
      this.#caller?.resolve(this.#tell(this.#request, result))
    } catch (error) {
      this.#caller?.reject(error)
    }
    if (result !== undefined) this.#late()
  }

  #fail(error: Error): void {
    if (this.#phase === 'ended') return
    this.#node.stats.failed += 1
    this.#end()
    this.#caller?.reject(error)
  }

  #end(): void {
    this.#phase = 'ended'
    this.#node.stats.inFlight -= 1
    if (this.#tally.waitingMask === 0) this.#node.wheel.cancel(this)
  }
}
