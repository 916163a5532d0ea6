/** How a node that is in no cluster gets into one: it asks its seeds until one lets it in, or founds. */
import {
  InvalidArgumentError,
  JoinError,
  ProtocolError,
  TopologyBusyError,
  type StoreError,
} from '../base/errors.ts'
import { claimFromTuple } from '../membership/messages.ts'
import type { Claim } from '../membership/claim.ts'
import type { Clock } from '../ports/clock.ts'
import type { RingConfiguration, RingMember } from '../ring/configuration.ts'
import { fromTuple } from '../ring/configuration-check.ts'
import type { Channel } from '../rpc/channel.ts'
import { RefusedError, type Greeting } from '../rpc/handshake.ts'
import { isFailure, request, type RequestOutcome } from '../rpc/request.ts'
import { policyCall } from './bucket-policies.ts'
import { mayFound, type Round, type SeedAnswer } from '../upkeep/formation.ts'

/** Name of the call by which a node asks to be let in. */
export const joinCall = 'join'

/** What a seed that is in a cluster gives to a node that joins. */
export interface Welcome {
  readonly configuration: RingConfiguration
  readonly claims: readonly Claim[]
}

/** What joining needs of the node. */
export interface JoinOptions {
  readonly seeds: readonly string[]
  /** Where this node listens. */
  readonly address: string
  readonly member: Pick<RingMember, 'id' | 'store'>
  /** Undefined: the default, or that of the member that this node replaces. */
  readonly zone: string | undefined
  readonly weight: number | undefined
  /** Id of a dead member whose place this node asks for; such a node founds nothing. */
  readonly replaces: string | undefined
  /** The N that this node was told to expect; another one of the cluster is refused. */
  readonly n: number | undefined
  /** What membership says of this node, as a tuple. */
  readonly claim: readonly unknown[]
  /** Whether this node has been a member and looks for the others: one that was taken out is not let in again so. */
  readonly isBack: boolean
  readonly clock: Clock
  readonly timeoutMs: number
  contact(address: string): Channel
  /** Addresses of nodes that asked this one to be let in since the last call. */
  takeHeardFrom(): ReadonlySet<string>
  isClosed(): boolean
}

const roundMs = 100
const requestTimeoutMs = 3_000

/** Asks all seeds in rounds. Resolves with a welcome, or with `found` when this node is the one to found. */
export async function join(options: JoinOptions): Promise<Welcome | 'found'> {
  const { clock, timeoutMs, seeds } = options
  const deadlineMs = clock.monotonicMs() + timeoutMs
  const channels = new Map(seeds.map((seed) => [seed, options.contact(seed)]))
  const silences = new Map<string, number>()
  let reason: StoreError | undefined
  try {
    while (clock.monotonicMs() < deadlineMs && !options.isClosed()) {
      options.takeHeardFrom()
      const round = await askAll(options, channels)
      const welcome = [...round.values()].find((answer) => 'welcome' in answer)
      if (welcome !== undefined && 'welcome' in welcome) return welcome.welcome
      reason = reasonOf(round) ?? reason
      const asked = answersOf(round, silences)
      const heardFrom = options.takeHeardFrom()
      if (options.replaces === undefined && mayFound({ ...asked, heardFrom })) return 'found'
      if (!options.isClosed()) await sleep(clock, roundMs)
    }
  } finally {
    for (const channel of channels.values()) channel.close()
  }
  const remedy =
    reason instanceof TopologyBusyError
      ? `${reason.message}, start it again, or with a longer joinTimeoutMs`
      : 'check their addresses, that they run, and that this node reaches them'
  throw new JoinError(
    `none of the seeds ${seeds.join(', ')} let this node in within ${timeoutMs} ms: ${remedy}`,
    reason,
  )
}

/** Why nobody let this node in: what a member said tells more than that another one did not answer. */
function reasonOf(round: ReadonlyMap<string, SeedReply>): StoreError | undefined {
  const errors = [...round.values()].flatMap((reply) => ('error' in reply ? [reply.error] : []))
  return errors.find((error) => error instanceof TopologyBusyError) ?? errors.at(-1)
}

function ownersChange(): TopologyBusyError {
  return new TopologyBusyError('owners change already, one change at a time: try again')
}

type SeedReply =
  | { readonly welcome: Welcome }
  | {
      readonly answer: SeedAnswer
      readonly heardOf?: readonly unknown[]
      readonly error?: StoreError
    }

/** What the seeds said in one round. @param silences how long each has been silent, kept from round to round. */
function answersOf(
  round: ReadonlyMap<string, SeedReply>,
  silences: Map<string, number>,
): Omit<Round, 'heardFrom'> {
  const answers = new Map<string, SeedAnswer>()
  const heardOf = new Set<string>()
  let silentRounds = Infinity
  for (const [seed, reply] of round) {
    if ('welcome' in reply) continue
    answers.set(seed, reply.answer)
    for (const address of reply.heardOf ?? []) if (typeof address === 'string') heardOf.add(address)
    const rounds = reply.answer === 'silent' ? (silences.get(seed) ?? 0) + 1 : 0
    silences.set(seed, rounds)
    if (rounds > 0) silentRounds = Math.min(silentRounds, rounds)
  }
  return { answers, heardOf, silentRounds }
}

async function askAll(
  options: JoinOptions,
  channels: ReadonlyMap<string, Channel>,
): Promise<ReadonlyMap<string, SeedReply>> {
  const greeted = await Promise.all(
    [...channels].map(
      async ([seed, channel]) => [seed, await greetSeed(options, seed, channel)] as const,
    ),
  )
  refuseTwoClusters(channels)
  const replies = await Promise.all(
    greeted.map(
      async ([seed, reply]) =>
        [seed, reply ?? (await askSeed(options, channels.get(seed)!))] as const,
    ),
  )
  return new Map(replies)
}

/** Finds out who answers there, before anything is asked for. Undefined when somebody does. */
async function greetSeed(
  options: JoinOptions,
  seed: string,
  channel: Channel,
): Promise<SeedReply | undefined> {
  if (seed === options.address) return { answer: 'self' }
  channel.retryNow()
  const outcome = await request(channel, [policyCall, ''], waitFor(options))
  return isFailure(outcome) ? noAnswer(outcome) : undefined
}

/** Seeds of two clusters are a mistake: asked at once, both would let this node in. */
function refuseTwoClusters(channels: ReadonlyMap<string, Channel>): void {
  let first: Greeting | undefined
  for (const { session } of channels.values()) {
    const theirs = session?.remote
    if (theirs === undefined || theirs.cluster === '') continue
    first ??= theirs
    if (theirs.cluster === first.cluster) continue
    throw new ProtocolError(
      `the seeds "${first.id}" at ${first.address} and "${theirs.id}" at ${theirs.address} belong to ` +
        `two clusters of the same name "${theirs.name}": list members of one of them`,
    )
  }
}

async function askSeed(options: JoinOptions, channel: Channel): Promise<SeedReply> {
  const { n = null, zone = null, weight = null, replaces = null } = options
  const { id, store } = options.member
  const { address, claim, isBack } = options
  const body = [joinCall, id, store, zone, weight, address, claim, n, isBack, replaces]
  const outcome = await request(channel, body, waitFor(options))
  if (isFailure(outcome)) return noAnswer(outcome)
  const [word, tuple, claims] = outcome
  if (word === 'none') return { answer: 'none', heardOf: Array.isArray(tuple) ? tuple : [] }
  if (word === 'busy' && tuple === true) return { answer: 'busy', error: ownersChange() }
  if (word !== 'joined' || !Array.isArray(claims)) return { answer: 'busy' }
  const configuration = fromTuple(tuple)
  if (typeof configuration === 'string') {
    return { answer: 'busy', error: new ProtocolError(configuration) }
  }
  const known = claims.map(claimFromTuple).filter((claim) => claim !== undefined)
  return { welcome: { configuration, claims: known } }
}

function waitFor({ clock }: JoinOptions): Parameters<typeof request>[2] {
  return { clock, timeoutMs: requestTimeoutMs, epoch: 0 }
}

/** What it means that a seed did not answer. @throws {StoreError} when there is no use in asking again. */
function noAnswer({ error, answered }: RequestOutcome): SeedReply {
  if (isSelf(error)) return { answer: 'self' }
  if (isDeparted(error)) return { answer: 'busy', error }
  if (isFinal(error)) throw error
  if (answered) return { answer: 'busy', error }
  return { answer: isRefused(error) ? 'refused' : 'silent', error }
}

/** Whether nobody listens there. */
function isRefused(error: unknown): boolean {
  for (let each: unknown = error; each instanceof Error; each = each.cause) {
    if ('code' in each && each.code === 'ECONNREFUSED') return true
  }
  return false
}

/** The connection led back to this node. */
function isSelf(error: StoreError): boolean {
  return error instanceof RefusedError && error.reason === 'self'
}

/**
 * That seed has left the cluster for good. This node knows, so that others are letting it in while it asks: their
 * answer is on its way.
 */
function isDeparted(error: StoreError): boolean {
  return error instanceof RefusedError && !error.byPeer && error.reason === 'departed'
}

/** Trying again does not help: another cluster or version, an id in use, another N, a store that has left. */
function isFinal(error: StoreError): boolean {
  return error instanceof RefusedError || error instanceof InvalidArgumentError
}

/** Resolves after that time of the node's clock; the timer keeps the process alive. */
export function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve)
  })
}
