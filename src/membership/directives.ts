/**
 * What the membership machine tells its driver to do. Directives are carried out in order, also
 * across lists.
 */
import type { Claim, Status } from './claim.ts'
import type { MembershipMessage } from './messages.ts'

/** One thing for the driver to do. */
export type Directive =
  /**
   * Send, best effort. `address` is the last one known, `undefined` when only the other's own
   * connection can carry the answer; an open connection to `to` is always as good.
   */
  | {
      readonly kind: 'send'
      readonly to: string
      readonly address: string | undefined
      readonly message: MembershipMessage
    }
  /**
   * A member's status, address, boot or store is another now. `previous` is its status before,
   * `undefined` for a member that was not known. About this node itself only when it turned out to
   * have left.
   */
  | {
      readonly kind: 'changed'
      readonly member: Claim
      readonly previous: Status | undefined
    }
  /**
   * Make this incarnation durable before any later directive is carried out, of this list or a
   * later one.
   */
  | { readonly kind: 'persist-incarnation'; readonly value: number }
  /**
   * Another boot speaks under this node's id (HAZARDS A5): a copied data directory, or the memory
   * of an earlier life whose incarnation was lost. It was refuted. `repeated`: that boot spoke up
   * again after it was refuted, so it lives.
   */
  | { readonly kind: 'duplicate'; readonly claim: Claim; readonly repeated: boolean }
