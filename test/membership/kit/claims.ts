/** Claims and machines with the dull parts filled in. */
import type { Claim } from '../../../src/membership/claim.ts'
import { Membership } from '../../../src/membership/membership.ts'
import {
  membershipDefaults,
  type ResolvedMembershipOptions,
} from '../../../src/membership/options.ts'

/** `claim('b dead@3')`, `claim('b suspect@3 by c', { store: 's2' })`. */
export function claim(text: string, parts: Partial<Claim> = {}): Claim {
  const [, id, status, incarnation, by] =
    /^(\w+) (alive|suspect|dead|left)@(\d+)(?: by (\w+))?$/.exec(text) ?? []
  if (id === undefined || status === undefined) throw new Error(`not a claim: ${text}`)
  return {
    id,
    store: `s-${id}`,
    address: `${id}:1`,
    boot: `${id}#1`,
    incarnation: Number(incarnation),
    status: status as Claim['status'],
    ...(by === undefined ? {} : { by }),
    ...parts,
  }
}

export function shownClaim(held: Claim): string {
  return `${held.id} ${held.status}@${held.incarnation}${held.by === undefined ? '' : ` by ${held.by}`}`
}

/** The machine of node `a`, to which every choice falls in the middle. */
export function machineA(
  parts: {
    readonly self?: Partial<Claim>
    readonly options?: Partial<ResolvedMembershipOptions>
    readonly members?: readonly string[]
    readonly random?: () => number
  } = {},
): Membership {
  const { id, store, address, boot, incarnation } = claim('a alive@1', parts.self)
  const machine = new Membership({
    self: { id, store, address, boot, incarnation },
    options: { ...membershipDefaults, ...parts.options },
    random: parts.random ?? ((): number => 0.5),
  })
  machine.admit(
    0,
    (parts.members ?? []).map((member) => claim(`${member} alive@1`)),
  )
  return machine
}
