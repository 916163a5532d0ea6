/**
 * Keeps the ring configuration: votes on the next one, proposes changes, adopts what was chosen. The driver of the
 * pure register in `ring/register`, whose duties it carries out: one request at a time, durable before the reply.
 */
import { ProtocolError, StoreError, TopologyBusyError, UnavailableError } from '../base/errors.ts'
import type { Clock, Timer } from '../ports/clock.ts'
import type { Books } from '../replica/books.ts'
import type { RingConfiguration } from '../ring/configuration.ts'
import type { Change } from '../ring/configuration-change.ts'
import * as codec from '../ring/configuration-check.ts'
import { emptyAcceptor, onRequest, type AcceptorState } from '../ring/register/acceptor.ts'
import { backoffMs } from '../ring/register/backoff.ts'
import { compareBallots, nextBallot, type Ballot } from '../ring/register/ballot.ts'
import {
  acceptorFromTuple,
  acceptorToTuple,
  replyFromTuple,
  replyToTuple,
  requestFromTuple,
  requestToTuple,
} from '../ring/register/message-codec.ts'
import type { RegisterReply, RegisterRequest } from '../ring/register/messages.ts'
import {
  Proposal,
  type ProposalDirective,
  type ProposalOutcome,
} from '../ring/register/proposal.ts'
import { Ring } from '../ring/ring.ts'
import type { Channel } from '../rpc/channel.ts'
import { pack } from '../rpc/pack.ts'
import { isFailure, requestPacked } from '../rpc/request.ts'

/** How often it is looked whether a change of owners is over. */
const busyRetryMs = 100

/** Name of the call that carries the register's requests. */
export const registerCall = 'register'

/** What the keeper needs of its node. */
export interface KeeperOptions {
  readonly self: { readonly id: string; readonly store: string; readonly boot: string }
  readonly books: Books
  readonly clock: Clock
  readonly random: () => number
  readonly requestTimeoutMs: number
  control(id: string): Channel
  /** A newer configuration is in force. */
  changed(after: Ring, before: Ring | undefined): void
  failed(error: Error): void
}

/** Knows the newest ring configuration, votes on the next one and proposes changes. */
export class ConfigurationKeeper {
  readonly #options: KeeperOptions
  #configuration: RingConfiguration | undefined
  #ring: Ring | undefined
  #acceptor: AcceptorState = emptyAcceptor
  /** Requests to the acceptor, one after the other. */
  #turn: Promise<unknown> = Promise.resolve()
  /** Highest ballot issued or met for the newest epoch that was proposed. */
  #highestBallot: { epoch: number; ballot: Ballot } | undefined
  /** Changes that this node makes, one after the other: they would only get into each other's way. */
  #changes: Promise<unknown> = Promise.resolve()
  #isFenced = false
  #closed = false
  /** Bodies of requests under way: one goes to all members, and may be long. */
  readonly #bodies = new WeakMap<RegisterRequest, Uint8Array>()
  /** What waits before it tries again. */
  readonly #waits: Set<{ readonly timer: Timer; readonly resolve: () => void }> = new Set()

  constructor(options: KeeperOptions) {
    this.#options = options
  }

  /** Reads what an earlier run left. @throws {StorageError} */
  async load(): Promise<void> {
    this.#isFenced = (await this.#options.books.read('fence')) !== undefined
    const kept = await this.#options.books.read('acceptor')
    if (kept === undefined) return
    const state = acceptorFromTuple(kept, codec)
    if (typeof state === 'string')
      throw new StoreError('ERR_STORAGE', `the storage is damaged: ${state}`)
    this.#acceptor = state
    if (state.chosen !== undefined) this.#adopt(state.chosen)
  }

  /** The newest configuration known; undefined before founding or joining. */
  get configuration(): RingConfiguration | undefined {
    return this.#configuration
  }

  get ring(): Ring | undefined {
    return this.#ring
  }

  /** Whoever waits to try again gives up. */
  close(): void {
    this.#closed = true
    for (const { timer, resolve } of this.#waits) {
      timer.cancel()
      resolve()
    }
    this.#waits.clear()
  }

  /** This store was rolled back: it may have forgotten votes, and votes no more (HAZARDS I2). */
  async fence(): Promise<void> {
    this.#isFenced = true
    await this.#options.books.keep('fence', [true])
  }

  /** Takes a configuration that is known to be chosen. In force at once, durable when the promise resolves. */
  learn(configuration: RingConfiguration): Promise<void> {
    if (!this.#isNews(configuration)) return Promise.resolve()
    this.#adopt(configuration)
    return this.#vote({ kind: 'learn', configuration }).then(() => undefined)
  }

  #isNews({ cluster, epoch }: RingConfiguration): boolean {
    const known = this.#configuration
    return known === undefined || (known.cluster === cluster && known.epoch < epoch)
  }

  #adopt(configuration: RingConfiguration): void {
    if (!this.#isNews(configuration)) return
    const before = this.#ring
    this.#configuration = configuration
    this.#ring = new Ring(configuration, before)
    this.#options.changed(this.#ring, before)
  }

  /** Answers a peer's register request. */
  async answer(tuple: readonly unknown[]): Promise<readonly unknown[]> {
    const request = requestFromTuple(tuple[1], codec)
    if (typeof request === 'string') throw new StoreError('ERR_PROTOCOL', request)
    const reply = await this.#vote(request)
    return [replyToTuple(reply, codec)]
  }

  #vote(request: RegisterRequest): Promise<RegisterReply> {
    const turn = this.#turn.then(async () => {
      if (this.#isFenced && request.kind !== 'learn') {
        return { kind: 'stranger', epoch: epochOf(request) } as const
      }
      const { state, reply } = onRequest(this.#acceptor, this.#options.self, request)
      if (state !== this.#acceptor) {
        await this.#options.books.keep('acceptor', acceptorToTuple(state, codec))
        this.#acceptor = state
        if (state.chosen !== undefined) this.#adopt(state.chosen)
      }
      return reply
    })
    this.#turn = turn.catch((error: unknown) => this.#options.failed(error as Error))
    return turn
  }

  /**
   * Changes the configuration by compare-and-set: `make` gives the next one from the newest, or undefined when there
   * is nothing to change. Retries while others change it too, and while owners change already (`busy`).
   * @returns the configuration in which the change is made.
   * @throws {TopologyBusyError} by rejection, when others kept changing it until the time was over.
   * @throws {ProtocolError} by rejection, when the next configuration would be none; nothing changed.
   * @throws {UnavailableError} by rejection, when no majority of the members answered; the change may still happen.
   */
  change(
    make: (base: RingConfiguration) => Change | undefined,
    timeoutMs: number,
  ): Promise<RingConfiguration> {
    return this.#changeUntil(make, this.#options.clock.monotonicMs() + timeoutMs)
  }

  /** What waits for the end of a change of owners keeps no other change waiting, or that end would never come. */
  async #changeUntil(
    make: (base: RingConfiguration) => Change | undefined,
    deadlineMs: number,
  ): Promise<RingConfiguration> {
    for (let attempt = 1; ; attempt++) {
      const change = this.#changes.then(() => this.#change(make, deadlineMs))
      this.#changes = change.catch(() => undefined)
      const outcome = await change
      if (outcome !== 'busy') return outcome
      await this.#waitUntil(deadlineMs, attempt)
    }
  }

  async #change(
    make: (base: RingConfiguration) => Change | undefined,
    deadlineMs: number,
  ): Promise<Change> {
    const { clock, random } = this.#options
    for (let attempt = 1; ; attempt++) {
      const base = this.#configuration
      if (base === undefined)
        throw new UnavailableError('there is no cluster yet', { needed: 1, alive: 0 })
      const value = make(base)
      if (value === undefined || value === base) return base
      if (value === 'busy') return 'busy'
      const problem = codec.checkConfiguration(value)
      if (typeof problem === 'string') throw new ProtocolError(`the ring cannot be so: ${problem}`)
      const outcome = await this.#propose(base, value)
      if (outcome.kind === 'chosen' && outcome.mine) return outcome.configuration
      const late = clock.monotonicMs() >= deadlineMs || this.#closed
      if (late) throw changeError(outcome)
      if (outcome.kind === 'retry' || outcome.kind === 'unreachable') {
        await this.#wait(backoffMs(attempt, random()))
        if (this.#closed) throw changeError(outcome)
      }
    }
  }

  /** Owners change: waits a while. @throws {TopologyBusyError} when the time is over */
  async #waitUntil(deadlineMs: number, attempt: number): Promise<void> {
    const { clock, random } = this.#options
    if (!this.#closed && clock.monotonicMs() < deadlineMs)
      await this.#wait(Math.min(backoffMs(attempt, random()), busyRetryMs))
    if (!this.#closed && clock.monotonicMs() < deadlineMs) return
    throw new TopologyBusyError('owners change already, one change at a time: try again')
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wait = {
        resolve,
        timer: this.#options.clock.after(ms, () => {
          this.#waits.delete(wait)
          resolve()
        }),
      }
      this.#waits.add(wait)
    })
  }

  async #propose(base: RingConfiguration, value: RingConfiguration): Promise<ProposalOutcome> {
    const ballot = this.#nextBallot(value.epoch)
    const proposal = new Proposal({ base, value, ballot })
    const outcome = await this.#run(proposal)
    if (outcome.kind === 'retry') this.#noteBallot(value.epoch, outcome.seen)
    if (outcome.kind === 'chosen' || outcome.kind === 'superseded') {
      await this.learn(outcome.configuration)
    }
    return outcome
  }

  #nextBallot(epoch: number): Ballot {
    const { id, boot } = this.#options.self
    const highest = this.#highestBallot
    const seen = highest?.epoch === epoch ? highest.ballot : undefined
    const ballot = nextBallot(seen, `${id}/${boot}`)
    this.#noteBallot(epoch, ballot)
    return ballot
  }

  /** Never goes back, or a ballot would be issued twice and two values be chosen (HAZARDS I5). */
  #noteBallot(epoch: number, ballot: Ballot): void {
    const highest = this.#highestBallot
    if (highest !== undefined && highest.epoch > epoch) return
    if (highest?.epoch === epoch && compareBallots(highest.ballot, ballot) >= 0) return
    this.#highestBallot = { epoch, ballot }
  }

  /** Carries out the directives of a proposal until it ends. */
  #run(proposal: Proposal): Promise<ProposalOutcome> {
    return new Promise((resolve) => {
      const deadline = this.#options.clock.after(this.#options.requestTimeoutMs * 2, () => {
        obey(proposal.expire())
      })
      const obey = (directives: readonly ProposalDirective[]): void => {
        for (const directive of directives) {
          if (directive.kind === 'end') {
            deadline.cancel()
            resolve(directive.outcome)
          } else {
            void this.#ask(directive.to, directive.request).then((reply) => {
              obey(
                reply === undefined
                  ? proposal.failed(directive.to, directive.request)
                  : proposal.receive(directive.to, reply),
              )
            })
          }
        }
      }
      obey(proposal.start())
    })
  }

  /** The member's reply, undefined when there is none. */
  async #ask(to: string, request: RegisterRequest): Promise<RegisterReply | undefined> {
    if (to === this.#options.self.id) return this.#vote(request).catch(() => undefined)
    const { clock, requestTimeoutMs } = this.#options
    const epoch = this.#configuration?.epoch ?? 0
    const wait = { clock, timeoutMs: requestTimeoutMs, epoch }
    const outcome = await requestPacked(this.#options.control(to), this.#bodyOf(request), wait)
    if (isFailure(outcome)) return undefined
    const reply = replyFromTuple(outcome[0], codec)
    return typeof reply === 'string' ? undefined : reply
  }

  #bodyOf(request: RegisterRequest): Uint8Array {
    const packed = this.#bodies.get(request)
    if (packed !== undefined) return packed
    const body = pack([registerCall, requestToTuple(request, codec)])
    this.#bodies.set(request, body)
    return body
  }
}

function epochOf(request: RegisterRequest): number {
  return request.kind === 'learn' ? request.configuration.epoch : request.epoch
}

function changeError(outcome: ProposalOutcome): StoreError {
  if (outcome.kind === 'unreachable') {
    const { needed, answered } = outcome
    return new UnavailableError(
      `the ring configuration changes by a majority: ${answered} of ${needed} needed members answered`,
      { needed, alive: answered },
    )
  }
  return new TopologyBusyError('others kept changing the ring configuration: try again')
}
