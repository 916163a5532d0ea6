/**
 * A newcomer is let in without a vote on the ring, and asks for the vote itself as soon as it is a member. So nobody
 * counts on the vote of a node that gave up joining: the votes on letting it in may be found, and win, long after.
 */
import type { Clock, Timer } from '../ports/clock.ts'
import type { RingConfiguration } from '../ring/configuration.ts'
import { withStage, type Subject, type Change } from '../ring/configuration-change.ts'
import type { ConfigurationKeeper } from './configuration-keeper.ts'

const changeTimeoutMs = 2_500
/** Between two attempts, when no majority answers. */
const retryMs = 1_000

/** What promotion needs of the node. */
export interface PromotionOptions {
  readonly self: Subject
  readonly clock: Clock
  readonly keeper: ConfigurationKeeper
}

/** Makes this node a member with a vote, however long that takes. */
export class Promotion {
  readonly #options: PromotionOptions
  #timer: Timer | undefined
  #isClosed = false
  #whenDone: (() => void)[] = []

  constructor(options: PromotionOptions) {
    this.#options = options
  }

  /** Begins, if there is need. Resolves when there is none any more, or after `limitMs`, and goes on in that case. */
  async begin(limitMs: number): Promise<void> {
    if (!this.#isJoining()) return
    const settled = new Promise<void>((resolve) => {
      const limit = this.#options.clock.after(limitMs, resolve)
      this.#whenDone.push(() => {
        limit.cancel()
        resolve()
      })
    })
    void this.#attempt()
    await settled
  }

  /** A ring came into force: it may be the one with this node's vote. */
  ringChanged(): void {
    if (!this.#isJoining()) this.#release()
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#release()
  }

  async #attempt(): Promise<void> {
    const { keeper, clock, self } = this.#options
    // The end of its transition gives it the vote too; before that, nothing is certain.
    const make = (base: RingConfiguration): Change | undefined =>
      isJoining(base, self) && base.transition === undefined
        ? withStage(base, self, 'normal')
        : undefined
    // Without a majority there is nothing to be told: the ring shows the stage.
    await keeper.change(make, changeTimeoutMs).catch(() => undefined)
    if (this.#isClosed) return
    if (!this.#isJoining()) return this.#release()
    this.#timer = clock.after(retryMs, () => void this.#attempt())
  }

  #isJoining(): boolean {
    const { keeper, self } = this.#options
    return keeper.configuration !== undefined && isJoining(keeper.configuration, self)
  }

  #release(): void {
    for (const resolve of this.#whenDone) resolve()
    this.#whenDone = []
  }
}

function isJoining({ members }: RingConfiguration, self: Subject): boolean {
  const own = members.find(({ id }) => id === self.id)
  return own?.store === self.store && own.stage === 'joining'
}
