/** Who is thought to answer. Asked several times for each operation, while it changes once in hours. */
import type { Status } from '../membership/claim.ts'
import type { Ring } from '../ring/ring.ts'

/** Where what is known of the members comes from; either is undefined before the node is in a cluster. */
export interface ReachSource {
  readonly keeper: { readonly ring: Ring | undefined }
  readonly gossip:
    | { readonly changes: number; member(id: string): { readonly status: Status } | undefined }
    | undefined
}

/** What membership thinks of the members of the ring. */
export class Reach {
  readonly #source: ReachSource
  /** The state of things for which `#everyone` was found out. */
  #ring: Ring | undefined
  #changes = -1
  #everyone = false

  constructor(source: ReachSource) {
    this.#source = source
  }

  /**
   * Whether the member is thought to answer. A process that has the name of one that was removed is none: it has
   * nothing of what that one had, and may wait to be let in.
   */
  isReachable(id: string): boolean {
    const { gossip, keeper } = this.#source
    const status = gossip?.member(id)?.status
    if (status !== 'alive' && status !== 'suspect') return false
    return keeper.ring?.member(id) !== undefined
  }

  /** Whether all members of the ring are. */
  everyone(): boolean {
    const { keeper, gossip } = this.#source
    const { ring } = keeper
    const changes = gossip?.changes ?? -1
    if (ring !== this.#ring || changes !== this.#changes) {
      this.#ring = ring
      this.#changes = changes
      this.#everyone = ring !== undefined && ring.memberIds.every((id) => this.isReachable(id))
    }
    return this.#everyone
  }
}
