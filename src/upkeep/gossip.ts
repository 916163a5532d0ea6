/** Drives the membership machine: gives it time and messages, carries out its directives in order. */
import type { Clock, Timer } from '../ports/clock.ts'
import type { Claim, Status } from '../membership/claim.ts'
import type { Directive } from '../membership/directives.ts'
import { Membership } from '../membership/membership.ts'
import { claimFromTuple, claimToTuple, fromTuple, toTuple } from '../membership/messages.ts'
import type { ResolvedMembershipOptions } from '../membership/options.ts'
import type { Books } from '../replica/books.ts'
import type { Channel } from '../rpc/channel.ts'
import { plainFrame } from '../rpc/frame-buffer.ts'
import { frameType } from '../rpc/frame.ts'
import { pack } from '../rpc/pack.ts'

/** Name of the message with what the membership machine says. */
export const membershipCast = 'membership'

/** What is remembered of the members is written at most this often. */
const keepAfterMs = 1000
/** Most directives that wait for a durable write before messages among them are dropped. */
const queuedMax = 1000

/** What the driver needs of its node. */
export interface GossipOptions {
  readonly self: { readonly id: string; readonly store: string; readonly boot: string }
  /** Where this node is reached. */
  readonly address: string
  readonly membership: ResolvedMembershipOptions
  readonly clock: Clock
  readonly random: () => number
  readonly books: Books
  control(id: string): Channel
  changed(member: Claim, previous: Status | undefined): void
  /** Another process speaks under this node's id, and goes on to. */
  duplicate(claim: Claim): void
  failed(error: Error): void
}

/** The membership machine of one node, with its clock, its wire and its books. */
export class Gossip {
  readonly #options: GossipOptions
  readonly #machine: Membership
  /** Directives not carried out yet: a durable write is under way before them. */
  #queue: Directive[] = []
  #isWriting = false
  #timer: Timer | undefined
  #keepTimer: Timer | undefined
  #retryTimer: Timer | undefined
  #closed = false

  private constructor(options: GossipOptions, incarnation: number) {
    this.#options = options
    const { self, address, membership, random } = options
    this.#machine = new Membership({
      self: { id: self.id, store: self.store, boot: self.boot, address, incarnation },
      options: membership,
      random,
    })
  }

  /** Takes a new incarnation, durably, and the members remembered from an earlier run. @throws {StorageError} */
  static async open(options: GossipOptions): Promise<Gossip> {
    const [kept] = (await options.books.read('incarnation')) ?? [0]
    const incarnation = (typeof kept === 'number' ? kept : 0) + 1
    await options.books.keep('incarnation', [incarnation])
    const gossip = new Gossip(options, incarnation)
    const remembered = (await options.books.read('members')) ?? []
    gossip.admit(remembered.map(claimFromTuple).filter((claim) => claim !== undefined))
    return gossip
  }

  members(): readonly Claim[] {
    return this.#machine.members()
  }

  /** Grows with each change of what is believed of the others. */
  get changes(): number {
    return this.#machine.changes
  }

  member(id: string): Claim | undefined {
    return this.#machine.member(id)
  }

  /** All that this node knows, as tuples for a node that joins. */
  claimTuples(): readonly unknown[] {
    return this.#machine.claims().map(claimToTuple)
  }

  /** Takes claims from a join reply or from memory. */
  admit(claims: readonly Claim[]): void {
    this.#obey(this.#machine.admit(this.#now(), claims))
  }

  /** Tells one member all that this node knows, itself included. */
  introduceTo(id: string): void {
    this.#send(id, toTuple({ kind: 'exchange', reply: true, claims: this.#machine.claims() }))
  }

  receive(from: string, tuple: unknown): void {
    const message = fromTuple(tuple)
    if (message !== undefined) this.#obey(this.#machine.receive(this.#now(), from, message))
  }

  /** The transport could not reach a member. */
  unreachable(id: string): void {
    if (!this.#closed) this.#obey(this.#machine.unreachable(this.#now(), id))
  }

  /** Tells all that this node leaves for good. */
  leave(): void {
    this.#obey(this.#machine.leave(this.#now()))
  }

  /** Tells all that this node closes, and may be back. */
  farewell(): void {
    this.#obey(this.#machine.farewell(this.#now()))
  }

  forget(id: string): void {
    this.#machine.forget(id)
  }

  /** Stops, and remembers the members. */
  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    this.#keepTimer?.cancel()
    this.#retryTimer?.cancel()
    await this.#keep()
  }

  #now(): number {
    return this.#options.clock.monotonicMs()
  }

  #obey(directives: readonly Directive[]): void {
    if (this.#closed) return
    for (const directive of directives) {
      // While the incarnation cannot be made durable nothing can be said: messages are best effort.
      const isFull = this.#queue.length >= queuedMax && directive.kind === 'send'
      if (!isFull) this.#queue.push(directive)
    }
    this.#pump()
    this.#timer?.cancel()
    const delayMs = Math.max(0, this.#machine.nextTickAt() - this.#now())
    this.#timer = this.#options.clock.after(delayMs, () => {
      this.#obey(this.#machine.tick(this.#now()))
    })
  }

  #pump(): void {
    while (!this.#isWriting && this.#queue.length > 0) this.#carryOut(this.#queue.shift()!)
  }

  #carryOut(directive: Directive): void {
    switch (directive.kind) {
      case 'send':
        this.#send(directive.to, toTuple(directive.message))
        break
      case 'changed':
        this.#keepLater()
        this.#options.changed(directive.member, directive.previous)
        break
      case 'persist-incarnation':
        this.#persist(directive.value)
        break
      case 'duplicate':
        if (directive.repeated) this.#options.duplicate(directive.claim)
        break
    }
  }

  #send(to: string, tuple: readonly unknown[]): void {
    const body = pack([membershipCast, tuple])
    this.#options.control(to).post(plainFrame({ type: frameType.cast, flags: 0, id: 0 }, body))
  }

  /** Nothing is said before the incarnation is durable; if it cannot be, nothing more is said until it can. */
  #persist(value: number): void {
    this.#isWriting = true
    this.#options.books.keep('incarnation', [value]).then(
      () => {
        this.#isWriting = false
        if (!this.#closed) this.#pump()
      },
      (error: unknown) => {
        this.#options.failed(error as Error)
        if (this.#closed) return
        this.#retryTimer = this.#options.clock.after(keepAfterMs, () => this.#persist(value))
      },
    )
  }

  #keepLater(): void {
    this.#keepTimer ??= this.#options.clock.after(keepAfterMs, () => {
      this.#keepTimer = undefined
      this.#keep().catch((error: unknown) => this.#options.failed(error as Error))
    })
  }

  async #keep(): Promise<void> {
    await this.#options.books.keep('members', this.claimTuples())
  }
}
