/** What a ring configuration weighs on the wire, and what agreeing on a new one costs the proposer. */
import * as codec from '../../src/ring/configuration-check.ts'
import { withMember } from '../../src/ring/configuration-change.ts'
import type { RingConfiguration } from '../../src/ring/configuration.ts'
import { replyToTuple, requestToTuple } from '../../src/ring/register/message-codec.ts'
import type { RegisterReply, RegisterRequest } from '../../src/ring/register/messages.ts'
import { Proposal, type ProposalDirective } from '../../src/ring/register/proposal.ts'
import { answerHeadBytes, requestHeadBytes } from '../../src/rpc/frame.ts'
import { pack, unpack } from '../../src/rpc/pack.ts'
import { registerCall } from '../../src/upkeep/configuration-keeper.ts'
import { configurationCast } from '../../src/upkeep/configuration-spread.ts'
import { median } from '../cases.ts'
import { configurationOf, timeMs } from './scale-ring.ts'
import { growth, hexOf, printTable, shownBytes, shownMs, whole, type Row } from './scale-table.ts'

/** The length before each frame of a TCP connection. */
export const lengthBytes = 4

const runs = 15

/** One agreement, as the proposer sees it. */
interface Change {
  readonly requests: number
  readonly bytesOut: number
  readonly bytesIn: number
  /** In which the proposer packs the requests, and does nothing else. */
  readonly packMs: number
}

/** Lets one more member in: every other member answers at once, in favour. */
function change(base: RingConfiguration): Change {
  const self = base.members[0]!.id
  const ballot = { counter: 1, proposer: `${self}/${hexOf('boot', 16)}` }
  const { epoch } = base
  const member = { ...base.members[0]!, id: hexOf('newcomer', 32), store: hexOf('new', 32) }
  const value = withMember(base, { ...member, stage: 'joining' }) as RingConfiguration
  const proposal = new Proposal({ base, value, ballot })
  const total = { requests: 0, bytesOut: 0, bytesIn: 0, packMs: 0 }
  const replies: (readonly [string, RegisterReply])[] = []
  const bodies = new Map<RegisterRequest, Uint8Array>()
  const replyTo = (request: RegisterRequest): RegisterReply => {
    if (request.kind === 'learn') return { kind: 'learned', epoch: epoch + 1 }
    if (request.kind === 'accept') return { kind: 'accepted', epoch: epoch + 1, ballot }
    return { kind: 'promised', epoch: epoch + 1, ballot, accepted: undefined }
  }
  const obey = (directives: readonly ProposalDirective[]): void => {
    for (const directive of directives) {
      if (directive.kind === 'end') continue
      const { to, request } = directive
      const reply = replyTo(request)
      replies.push([to, reply])
      if (to === self) continue
      const startMs = performance.now()
      const body = bodies.get(request) ?? pack([registerCall, requestToTuple(request, codec)])
      bodies.set(request, body)
      total.packMs += performance.now() - startMs
      total.requests += 1
      total.bytesOut += lengthBytes + requestHeadBytes + body.length
      const answer = pack([replyToTuple(reply, codec)])
      total.bytesIn += lengthBytes + answerHeadBytes + answer.length
    }
  }
  obey(proposal.start())
  for (let next = replies.shift(); next !== undefined; next = replies.shift()) {
    obey(proposal.receive(...next))
  }
  return total
}

const columns: Row = [
  'members',
  'configuration',
  'for each member',
  'growth',
  'encode ms',
  'decode ms',
  'one join: requests',
  'sent',
  'growth',
  'received',
  'packing ms',
]

/** Prints the table. @throws {Error} when a configuration does not come back as it was. */
export function measureWire(members: readonly number[]): void {
  const rows: Row[] = []
  let before: { bytes: number; sent: number } | undefined
  for (let i = 0; i < 5; i++) change(configurationOf({ members: 10, partitions: 1024 }))
  for (const count of members) {
    const configuration = configurationOf({ members: count, partitions: 1024 })
    const encode = (): Uint8Array => pack([configurationCast, codec.toTuple(configuration)])
    const body = encode()
    const decode = (): unknown => codec.fromTuple(unpack(body, 0, body.length)?.[1])
    if (typeof decode() === 'string') throw new Error(`${count} members: ${String(decode())}`)
    const bytes = lengthBytes + answerHeadBytes + body.length
    const encodeMs = median(Array.from({ length: runs }, () => timeMs(encode)))
    const decodeMs = median(Array.from({ length: runs }, () => timeMs(decode)))
    const { requests, bytesOut, bytesIn, packMs } = change(configuration)
    rows.push([
      whole(count),
      shownBytes(bytes),
      shownBytes(bytes / count),
      growth(bytes, before?.bytes),
      shownMs(encodeMs),
      shownMs(decodeMs),
      whole(requests),
      shownBytes(bytesOut),
      growth(bytesOut, before?.sent),
      shownBytes(bytesIn),
      shownMs(packMs),
    ])
    before = { bytes, sent: bytesOut }
  }
  printTable(
    'The configuration on the wire, and one join for the node that proposes it',
    columns,
    rows,
  )
}
