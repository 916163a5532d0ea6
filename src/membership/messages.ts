/**
 * What membership machines say to each other, and its shape on the wire: tuples of arrays, strings
 * and integers, so that any packing of plain values carries them. What comes in is checked whole
 * before anything is believed.
 */
import { unreachable } from '../base/assert.ts'
import type { Claim, Status } from './claim.ts'

/** One message between two machines; every kind carries claims. */
export type MembershipMessage =
  /** Are you there? Answered by an ack with the same number. */
  | { readonly kind: 'ping'; readonly sequence: number; readonly claims: readonly Claim[] }
  /** Ping the target for me; I had no answer. */
  | {
      readonly kind: 'ping-request'
      readonly sequence: number
      readonly target: string
      readonly address: string
      readonly claims: readonly Claim[]
    }
  | { readonly kind: 'ack'; readonly sequence: number; readonly claims: readonly Claim[] }
  /** I am well, and the target of your ping-request gave me no answer either. */
  | { readonly kind: 'nack'; readonly sequence: number; readonly claims: readonly Claim[] }
  | { readonly kind: 'gossip'; readonly claims: readonly Claim[] }
  /** All that the sender knows. `reply` false asks for the same in return. */
  | { readonly kind: 'exchange'; readonly reply: boolean; readonly claims: readonly Claim[] }

/** Most claims in one message, and so the largest cluster. */
export const claimsMax = 10_000
/** Longest string in a message, UTF-16 code units. */
export const stringLengthMax = 256
/** Highest incarnation that is believed: leaves room for refutations that stay safe integers. */
export const incarnationMax: number = 2 ** 48

const kinds = ['ping', 'ping-request', 'ack', 'nack', 'gossip', 'exchange'] as const
const statuses: readonly Status[] = ['alive', 'suspect', 'dead', 'left']

/** `[kind, claims, …the rest]`, kinds and statuses as small integers. */
export function toTuple(message: MembershipMessage): readonly unknown[] {
  const head = [kinds.indexOf(message.kind), message.claims.map(claimToTuple)]
  switch (message.kind) {
    case 'ping':
    case 'ack':
    case 'nack':
      return [...head, message.sequence]
    case 'ping-request':
      return [...head, message.sequence, message.target, message.address]
    case 'gossip':
      return head
    case 'exchange':
      return [...head, message.reply ? 1 : 0]
    default:
      return unreachable(message)
  }
}

/**
 * The message, or `undefined` when the tuple is not exactly one. Never throws, whatever it is
 * given.
 */
export function fromTuple(tuple: unknown): MembershipMessage | undefined {
  if (!Array.isArray(tuple) || tuple.length < 2 || !isCount(tuple[0])) return undefined
  const kind = kinds[tuple[0]]
  const claims = claimsFromTuples(tuple[1])
  if (kind === undefined || claims === undefined) return undefined
  const rest = tuple.slice(2, 6) as readonly unknown[]
  switch (kind) {
    case 'ping':
    case 'ack':
    case 'nack': {
      const [sequence] = rest
      return rest.length === 1 && isCount(sequence) ? { kind, sequence, claims } : undefined
    }
    case 'ping-request': {
      const [sequence, target, address] = rest
      if (rest.length !== 3 || !isCount(sequence)) return undefined
      return isName(target) && isText(address)
        ? { kind, sequence, target, address, claims }
        : undefined
    }
    case 'gossip':
      return rest.length === 0 ? { kind, claims } : undefined
    case 'exchange': {
      const [reply] = rest
      if (rest.length !== 1 || (reply !== 0 && reply !== 1)) return undefined
      return { kind, reply: reply === 1, claims }
    }
    default:
      return unreachable(kind)
  }
}

/**
 * `[id, store, address, boot, incarnation, status]`, and the accuser of a suspect. For messages and
 * for keeping.
 */
export function claimToTuple(claim: Claim): readonly unknown[] {
  const { id, store, address, boot, incarnation, by } = claim
  const tuple = [id, store, address, boot, incarnation, statuses.indexOf(claim.status)]
  return by === undefined ? tuple : [...tuple, by]
}

/** The claim, or `undefined` when the tuple is not exactly one. Never throws. */
export function claimFromTuple(tuple: unknown): Claim | undefined {
  if (!Array.isArray(tuple) || tuple.length > 7) return undefined
  const [id, store, address, boot, incarnation, code, by] = tuple as readonly unknown[]
  if (!isName(id) || !isName(store) || !isText(address) || !isName(boot)) return undefined
  if (!isCount(incarnation) || incarnation > incarnationMax || !isCount(code)) return undefined
  const status = statuses[code]
  if (status === undefined) return undefined
  if (status !== 'suspect') {
    return tuple.length === 6 ? { id, store, address, boot, incarnation, status } : undefined
  }
  return isName(by) ? { id, store, address, boot, incarnation, status, by } : undefined
}

function claimsFromTuples(tuples: unknown): Claim[] | undefined {
  if (!Array.isArray(tuples) || tuples.length > claimsMax) return undefined
  const claims: Claim[] = []
  for (let index = 0; index < tuples.length; index += 1) {
    const claim = claimFromTuple(tuples[index])
    if (claim === undefined) return undefined
    claims.push(claim)
  }
  return claims
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= stringLengthMax
}

function isName(value: unknown): value is string {
  return isText(value) && value !== ''
}
