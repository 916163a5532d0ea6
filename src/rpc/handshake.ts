/**
 * Who a node is, said in the first frame of each connection and judged before any other byte is believed: protocol
 * version, cluster, identity. Clusters never merge by accident, data never goes to the wrong node (HAZARDS C4, E7,
 * E10), and a node restored from an old copy learns of it (A4). Pure.
 */
import { ProtocolError } from '../base/errors.ts'
import { pack, unpack } from './pack.ts'
import { protocolVersion } from './frame.ts'

/** Heartbeats and agreements never wait behind data. */
export type Lane = 'data' | 'control'

/** What a node says of itself in the first frame of a connection. */
export interface Greeting {
  readonly protocol: number
  /** The cluster's name, as its operators chose it. */
  readonly name: string
  /** The cluster's identity; '' while the node is in none. */
  readonly cluster: string
  readonly id: string
  readonly store: string
  /** Drawn at each start of the process. */
  readonly boot: string
  /** How often this store has been opened. */
  readonly starts: number
  /** Where the node listens. */
  readonly address: string
  readonly lane: Lane
  /**
   * How often the greeted store must have been opened by now, as far as the greeter remembers; 0 when it does not know
   * it. A store that counts less is an old copy.
   */
  readonly remembers: number
}

/**
 * Why a greeting is refused. `self`: the connection leads back to the node itself, which is harmless and useful to
 * know. `duplicate`: another process uses this node's id.
 */
export const refusalReasons = [
  'protocol',
  'cluster',
  'identity',
  'departed',
  'self',
  'duplicate',
] as const

/** One of the reasons, as it stands in the flags of a `refused` frame: by its place in the list. */
export type RefusalReason = (typeof refusalReasons)[number]

/** Why a greeting is refused, and in words for whoever operates the other node. */
export interface Refusal {
  readonly reason: RefusalReason
  readonly message: string
}

/** A greeting was refused, by this side or the other. The connection is closed, nothing else changed. */
export class RefusedError extends ProtocolError {
  readonly reason: RefusalReason
  /** Whether it was the other side that refused. */
  readonly byPeer: boolean

  constructor({ reason, message }: Refusal, { byPeer }: { byPeer: boolean } = { byPeer: false }) {
    // A stranger's words end up in logs: no line of theirs starts a new one.
    super(message.replace(/\p{Cc}/gu, ' '))
    this.reason = reason
    this.byPeer = byPeer
  }
}

/** Whether a member of this node's own cluster says that this node has left it for good. */
export function isExpulsion(error: unknown): boolean {
  return error instanceof RefusedError && error.byPeer && error.reason === 'departed'
}

/**
 * Judges what the other side says of itself.
 * @param expected the id of the node that was dialled, if it is known.
 * @param departed stores that have left this cluster for good.
 */
export function judge(
  mine: Greeting,
  theirs: Greeting,
  { expected, departed }: { expected: string | undefined; departed: readonly string[] },
): Refusal | undefined {
  if (theirs.name !== mine.name) {
    return {
      reason: 'cluster',
      message: `"${theirs.id}" belongs to the cluster "${theirs.name}", this node to "${mine.name}"`,
    }
  }
  if (theirs.id === mine.id) return judgeNamesake(mine, theirs)
  if (theirs.cluster !== '' && mine.cluster !== '' && theirs.cluster !== mine.cluster) {
    return {
      reason: 'cluster',
      message:
        `"${theirs.id}" belongs to another cluster of the same name "${mine.name}": ` +
        'two clusters never merge; empty the storage of one node to let it join the other',
    }
  }
  if (departed.includes(theirs.store)) {
    return {
      reason: 'departed',
      message: `"${theirs.id}" has left this cluster for good: start it with an empty storage to join again`,
    }
  }
  if (expected !== undefined && theirs.id !== expected) {
    return {
      reason: 'identity',
      message: `"${theirs.id}" answers at the address of "${expected}"`,
    }
  }
  return undefined
}

function judgeNamesake(mine: Greeting, theirs: Greeting): Refusal {
  if (theirs.store === mine.store && theirs.boot === mine.boot) {
    return { reason: 'self', message: `"${mine.id}" reached itself` }
  }
  return {
    reason: 'duplicate',
    message: `another process at ${theirs.address} uses the id "${mine.id}": ids are unique in a cluster`,
  }
}

const lanes: readonly Lane[] = ['data', 'control']

/** The body of a `hello` or `welcome` frame. */
export function packGreeting(greeting: Greeting): Uint8Array {
  return pack([
    greeting.protocol,
    greeting.name,
    greeting.cluster,
    greeting.id,
    greeting.store,
    greeting.boot,
    greeting.starts,
    greeting.address,
    greeting.lane,
    greeting.remembers,
  ])
}

const textMax = 512
const idBytesMax = 128

/** Total: a string tells what is wrong. */
export function unpackGreeting(bytes: Uint8Array, start: number, end: number): Greeting | string {
  const tuple = unpack(bytes, start, end)
  if (tuple === undefined) return 'the greeting cannot be read'
  const [protocol, name, cluster, id, store, boot, starts, address, lane, remembers] = tuple
  if (protocol !== protocolVersion) {
    return `the peer speaks protocol ${String(protocol)}, this node ${protocolVersion}: run the same version`
  }
  if (!isText(name) || !isText(cluster) || !isText(id) || !isText(store) || !isText(boot)) {
    return 'the greeting is malformed'
  }
  if (!isText(address) || !isCount(starts) || !isCount(remembers) || !isId(id)) {
    return 'the greeting is malformed'
  }
  if (!lanes.includes(lane as Lane)) return 'the greeting names no lane'
  return {
    protocol,
    name,
    cluster,
    id,
    store,
    boot,
    starts,
    address,
    lane: lane as Lane,
    remembers,
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= textMax
}

function isId(text: string): boolean {
  return text !== '' && !text.includes('\0') && Buffer.byteLength(text) <= idBytesMax
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
