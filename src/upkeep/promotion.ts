/**
 * What a member asks of the ring for itself: its vote, and the weight and zone that its service gives it. A newcomer is
 * let in without a vote, and asks for it as soon as it is a member. So nobody counts on the vote of a node that gave up
 * joining: the votes on letting it in may be found, and win, long after.
 *
 * A node that died while it left, and is started again, is to be a member: it takes its leave back.
 */
import type { Clock, Timer } from '../ports/clock.ts'
import { ProtocolError } from '../base/errors.ts'
import type { RingConfiguration, RingMember } from '../ring/configuration.ts'
import { withMember, withStage, type Change } from '../ring/configuration-change.ts'
import type { ConfigurationKeeper } from './configuration-keeper.ts'
import { Waiters } from './waiters.ts'

const changeTimeoutMs = 2_500
/** Between two attempts, when no majority answers. */
const retryMs = 1_000

/** What promotion needs of the node. */
export interface PromotionOptions {
  /** This node, as it is to be in the ring. */
  readonly self: Pick<RingMember, 'id' | 'store'> & {
    /** Undefined: '', or what the ring says where this node took over the place of another. */
    readonly zone: string | undefined
    /** Undefined: 1, or what the ring says where this node took over the place of another. */
    readonly weight: number | undefined
  }
  readonly clock: Clock
  readonly keeper: ConfigurationKeeper
  failed(error: Error): void
}

/** Makes this node the member that it is to be, however long that takes. */
export class Promotion {
  readonly #options: PromotionOptions
  readonly #waiters: Waiters
  #timer: Timer | undefined
  #isLeaving = false
  #isClosed = false

  constructor(options: PromotionOptions) {
    this.#options = options
    this.#waiters = new Waiters(options.clock)
  }

  /** Begins, if there is need. Resolves when this node has its vote, or after `limitMs`; goes on in any case. */
  async begin(limitMs: number): Promise<void> {
    if (this.#own()?.stage !== 'joining') return void this.#attempt()
    const settled = this.#waiters.wait(limitMs)
    void this.#attempt()
    await settled
  }

  /** A ring came into force: it may be the one with this node's vote. */
  ringChanged(): void {
    if (this.#own()?.stage !== 'joining') this.#waiters.release()
  }

  /** The service has this node leave: it asks for nothing more. */
  leaves(): void {
    this.#isLeaving = true
  }

  /** The leave came to nothing before it began: what was asked for before, and dropped for it, is asked for again. */
  stays(): void {
    this.#isLeaving = false
    if (!this.#isClosed) void this.#attempt()
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#waiters.release()
  }

  async #attempt(): Promise<void> {
    const { keeper, clock } = this.#options
    try {
      await keeper.change((base) => this.#nextStep(base), changeTimeoutMs)
    } catch (error) {
      // Without a majority, or while owners change, there is nothing to be told: the ring shows how things are.
      if (error instanceof ProtocolError) return this.#options.failed(error)
    }
    if (this.#isClosed) return
    const base = keeper.configuration
    if (base !== undefined && !this.#isDue(base)) return this.#waiters.release()
    this.#timer?.cancel()
    this.#timer = clock.after(retryMs, () => void this.#attempt())
  }

  #isDue(base: RingConfiguration): boolean {
    const own = this.#own(base)
    if (own === undefined || this.#isLeaving) return false
    const { zone, weight } = this.#wanted(own)
    return own.stage !== 'normal' || own.zone !== zone || own.weight !== weight
  }

  /** What it is not told stays as it took it over. */
  #wanted(own: RingMember): Pick<RingMember, 'zone' | 'weight'> {
    const { zone, weight } = this.#options.self
    const other = own.place === undefined ? { zone: '', weight: 1 } : own
    return { zone: zone ?? other.zone, weight: weight ?? other.weight }
  }

  /** The vote comes first; the end of the transition gives it too, and before that nothing is certain. */
  #nextStep(base: RingConfiguration): Change | undefined {
    const { self } = this.#options
    const own = this.#own(base)
    if (own === undefined || !this.#isDue(base)) return undefined
    if (own.stage === 'normal') return withMember(base, { ...own, ...this.#wanted(own) })
    if (own.stage === 'leaving') return withStage(base, self, 'normal')
    return base.transition === undefined ? withStage(base, self, 'normal') : undefined
  }

  #own(
    base: RingConfiguration | undefined = this.#options.keeper.configuration,
  ): RingMember | undefined {
    const { id, store } = this.#options.self
    return base?.members.find((each) => each.id === id && each.store === store)
  }
}
