/** What a node says of itself when it is greeted, and what it makes of the greetings of others. */
import { StoreError } from '../base/errors.ts'
import { protocolVersion } from '../rpc/frame.ts'
import { judge, type Greeting, type Lane, type Refusal } from '../rpc/handshake.ts'
import type { NodeCore } from './node-core.ts'

/** Greets and judges for one node. */
export class Greeter {
  readonly #core: NodeCore

  constructor(core: NodeCore) {
    this.#core = core
  }

  /** @param to whom, when it is known: then it hears how often its store was opened, as far as this node remembers. */
  greeting(lane: Lane, to: Greeting | undefined): Greeting {
    const { identity, keeper, address, starts } = this.#core
    return {
      protocol: protocolVersion,
      name: identity.name,
      cluster: keeper.configuration?.cluster ?? '',
      id: identity.id,
      store: identity.store,
      boot: identity.boot,
      starts: identity.starts,
      address,
      lane,
      remembers: to === undefined ? 0 : starts.least(to.store, to.boot),
    }
  }

  judge(theirs: Greeting, expected: string | undefined): Refusal | undefined {
    const departed = this.#core.keeper.configuration?.departed ?? []
    const refusal = judge(this.greeting(theirs.lane, theirs), theirs, { expected, departed })
    if (refusal?.reason === 'duplicate') this.#core.duplicate(theirs.address)
    return refusal
  }

  /**
   * Whether the greeter is the member of that id, or nobody is it yet. A newcomer with the id of a member and a
   * storage of its own gets nothing that is meant for the member before the ring says so (HAZARDS C4).
   */
  isWhoItSays({ id, store }: Greeting): boolean {
    const member = this.#core.keeper.ring?.member(id)
    return member === undefined || member.store === store
  }

  /** A greeting was accepted. */
  greeted(theirs: Greeting): void {
    const { starts, identity } = this.#core
    starts.note(theirs.store, theirs)
    starts.keep().catch((error: unknown) => this.#core.fail('identity', error as Error))
    if (theirs.remembers > identity.starts) this.#rolledBack(theirs)
  }

  /** The storage is an old copy: nothing that it minted or promised is counted on (HAZARDS A4, I2). */
  #rolledBack(theirs: Greeting): void {
    const { books, keeper, identity } = this.#core
    books.renew()
    const settle = async (): Promise<void> => {
      await books.countStarts(theirs.remembers)
      await keeper.fence()
    }
    settle().catch((error: unknown) => this.#core.fail('identity', error as Error))
    const message = `the storage of "${identity.id}" was rolled back: "${theirs.id}" remembers a later start`
    this.#core.fail('identity', new StoreError('ERR_STORAGE', message))
  }
}
