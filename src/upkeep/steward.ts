/**
 * Brings a transition to its end. Every member watches it, and the first by name of those that answer acts; when that
 * comes to nothing it is the turn of the second, and so on, for the first may be the one that cannot reach somebody. It
 * asks all whether they work under the configuration that began it, so that nobody counts by the owners before alone,
 * and whether what they had for the owners to be is handed over. Then it proposes the end. Nothing of this is kept:
 * whoever goes on after a crash asks again, and the configuration itself tells how far things are.
 *
 * A newcomer that is not there takes its transition with it: nobody would else join or leave any more.
 */
import type { Clock, Timer } from '../ports/clock.ts'
import type { RingConfiguration, RingMember } from '../ring/configuration.ts'
import { completed, withdrawn, type Change } from '../ring/configuration-change.ts'
import type { Ring } from '../ring/ring.ts'
import type { Channel } from '../rpc/channel.ts'
import { isFailure, request } from '../rpc/request.ts'
import type { ConfigurationKeeper } from './configuration-keeper.ts'

/** Asks a member under which epoch it works, whether it has handed over what it had, and has all that it gained. */
export const progressCall = 'progress'

const intervalMinMs = 2
const intervalMaxMs = 500
const askTimeoutMs = 1_000
const changeTimeoutMs = 2_500
/** So long each member has before it is the next one's turn. */
const turnMs = 3_000
/** What was handed over is known so soon to whoever gained it, unless it cannot ask. */
const newsMs = 1_000
/** A newcomer that has not answered for so long is out again, and may ask anew. */
const patienceMs = 20_000

/** How far a member is with a change of owners. */
export interface Progress {
  /** The epoch under which it works. */
  readonly epoch: number
  /** Whether it has something yet for owners to be that it reaches. */
  readonly isHandingOver: boolean
  /** Whether it has all that it gained itself. */
  readonly isFilled: boolean
  /** Bytes of records that it has handed over since its start. */
  readonly sentBytes: number
}

/** The answer to `progressCall`. */
export function progressTuple(progress: Progress): readonly unknown[] {
  const { epoch, isHandingOver, isFilled, sentBytes } = progress
  return [epoch, isHandingOver, isFilled, sentBytes]
}

/** What the steward needs of its node. */
export interface StewardOptions {
  readonly selfId: string
  readonly clock: Clock
  readonly keeper: Pick<ConfigurationKeeper, 'configuration' | 'ring' | 'change'>
  control(id: string): Channel
  readonly isReachable: (id: string) => boolean
  /** How far this node is. */
  progress(): Progress
  failed(error: Error): void
}

/** Watches the transitions of one node's ring. */
export class Steward {
  readonly #options: StewardOptions
  #timer: Timer | undefined
  #intervalMs = intervalMinMs
  /** When the ring changed last, monotonic. */
  #sinceMs = 0
  /** Since when nobody has anything more to hand over, monotonic. */
  #handedOverAtMs: number | undefined
  #isBusy = false
  #isClosed = false
  /** Since when newcomers have not answered, by storage; monotonic. */
  readonly #silentSinceMs: Map<string, number> = new Map()

  constructor(options: StewardOptions) {
    this.#options = options
  }

  /** A ring came into force. */
  ringChanged(): void {
    this.#intervalMs = intervalMinMs
    this.#sinceMs = this.#options.clock.monotonicMs()
    this.#schedule()
  }

  /** Bytes of records that all who answer have handed over since they started: it grows while a change gets on. */
  async sentBytes(): Promise<number> {
    const answers = await Promise.all(this.#reachable().map((id) => this.#progressOf(id)))
    return answers.reduce((sum, answer) => sum + (answer?.sentBytes ?? 0), 0)
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  #reachable(): readonly string[] {
    const { selfId, keeper, isReachable } = this.#options
    const ids = keeper.ring?.memberIds ?? []
    return ids.filter((id) => id === selfId || isReachable(id))
  }

  #schedule(): void {
    this.#timer?.cancel()
    const { clock, keeper } = this.#options
    if (this.#isClosed || this.#isBusy) return
    if (keeper.configuration?.transition === undefined) return this.#silentSinceMs.clear()
    this.#timer = clock.after(this.#intervalMs, () => this.#look())
    this.#intervalMs = Math.min(this.#intervalMs * 2, intervalMaxMs)
  }

  #look(): void {
    this.#isBusy = true
    this.#round()
      .catch((error: unknown) => this.#options.failed(error as Error))
      .finally(() => {
        this.#isBusy = false
        this.#schedule()
      })
  }

  async #round(): Promise<void> {
    const { selfId, keeper } = this.#options
    const { configuration, ring } = keeper
    if (configuration === undefined || ring === undefined || !ring.isMoving) return
    const reachable = this.#reachable()
    const isMember = ring.member(selfId) !== undefined
    if (!isMember || !this.#isDue(ring, reachable)) {
      this.#handedOverAtMs = undefined
      return
    }
    const answers = await Promise.all(reachable.map((id) => this.#progressOf(id)))
    const present = reachable.filter((_, i) => answers[i] !== undefined)
    const absent = newcomers(configuration).find(({ id }) => !present.includes(id))
    for (const { id, store } of ring.members)
      if (present.includes(id)) this.#silentSinceMs.delete(store)
    if (absent !== undefined) return this.#awaitNewcomer(absent)
    if (!this.#isOver(ring.epoch, answers) || !outvotes(ring, reachable)) return
    if (this.#isClosed) return
    await this.#change((base) =>
      base.epoch === configuration.epoch ? completed(base, present) : base,
    )
  }

  /** Whether it is this node's turn: it goes around among those with a vote. */
  #isDue(ring: Ring, reachable: readonly string[]): boolean {
    const { clock, selfId } = this.#options
    const voters = reachable.filter((id) => ring.member(id)!.stage !== 'joining')
    const eligible = voters.length > 0 ? voters : reachable
    const turn = Math.floor((clock.monotonicMs() - this.#sinceMs) / turnMs)
    return eligible[turn % eligible.length] === selfId
  }

  /**
   * Nobody has anything more for the owners to be. Those say themselves that they have it, but are not waited for long:
   * one may not reach another that it would ask, and says with each of its answers that it may lack something.
   */
  #isOver(epoch: number, answers: readonly (Progress | undefined)[]): boolean {
    const isHandedOver = answers.every(
      (answer) => answer !== undefined && answer.epoch === epoch && !answer.isHandingOver,
    )
    if (!isHandedOver) {
      this.#handedOverAtMs = undefined
      return false
    }
    const nowMs = this.#options.clock.monotonicMs()
    this.#handedOverAtMs ??= nowMs
    const isFilled = answers.every((answer) => answer?.isFilled === true)
    return isFilled || nowMs - this.#handedOverAtMs >= newsMs
  }

  /** Undefined when it does not answer. */
  async #progressOf(id: string): Promise<Progress | undefined> {
    const { selfId, clock, keeper } = this.#options
    if (id === selfId) return this.#options.progress()
    const wait = { clock, timeoutMs: askTimeoutMs, epoch: keeper.ring?.epoch ?? 0 }
    const outcome = await request(this.#options.control(id), [progressCall], wait)
    if (isFailure(outcome)) return undefined
    const [epoch, isHandingOver, isFilled, sentBytes] = outcome
    if (typeof epoch !== 'number') return undefined
    return {
      epoch,
      isHandingOver: isHandingOver !== false,
      isFilled: isFilled === true,
      sentBytes: typeof sentBytes === 'number' ? sentBytes : 0,
    }
  }

  async #awaitNewcomer(newcomer: RingMember): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs()
    const sinceMs = this.#silentSinceMs.get(newcomer.store) ?? nowMs
    this.#silentSinceMs.set(newcomer.store, sinceMs)
    if (nowMs - sinceMs > patienceMs) await this.#change((base) => withdrawn(base, newcomer))
  }

  /** Without a majority nothing happens: it is tried again. */
  async #change(make: (base: RingConfiguration) => Change): Promise<void> {
    await this.#options.keeper.change(make, changeTimeoutMs).catch(() => undefined)
  }
}

/** Members that came with this transition, and have no vote yet. One whose storage was replaced is none. */
function newcomers({ members, transition }: RingConfiguration): readonly RingMember[] {
  const before = new Set(transition?.before.map(({ id }) => id))
  return members.filter(({ id, stage }) => stage === 'joining' && !before.has(id))
}

/**
 * Whether those that do not answer are too few, among the owners before of each partition that moves, to make a quorum
 * among themselves: they may not have heard that owners change.
 */
function outvotes(ring: Ring, reachable: readonly string[]): boolean {
  const heard = new Set(reachable)
  for (let partition = 0; partition < ring.partitions; partition++) {
    if (!ring.changesOwners(partition)) continue
    const owners = ring.owners(partition)
    const unheard = owners.filter((id) => ring.member(id) !== undefined && !heard.has(id)).length
    if (unheard > 0 && unheard >= Math.floor(owners.length / 2) + 1) return false
  }
  return true
}
