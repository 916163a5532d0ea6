/** The settings of failure detection and gossip. Defaults: memberlist's for a local network. */

/** What a user may tune; each option falls back to its default. */
export interface MembershipOptions {
  /**
   * Time between two probes, each of one member, milliseconds. A crash is first noticed after about
   * one interval, whatever the size of the cluster. Lower: quicker detection, more traffic, and
   * shorter suspicions (see `suspicionMultiplier`). Multiplied by the local health.
   * @default 1000
   */
  probeIntervalMs?: number
  /**
   * Time that a direct ping has before helpers are asked; they have the rest of the interval.
   * Choose the 99th percentile of the round trip, generously. Also the longest stall of the event
   * loop in which this node still trusts its own verdicts. Less than `probeIntervalMs`. Multiplied
   * by the local health.
   * @default 500
   */
  probeTimeoutMs?: number
  /**
   * How many helpers are asked to ping a member that did not answer directly. More: fewer false
   * suspicions when messages are lost or a link is down; 0 makes each lost message a suspicion.
   * @default 3
   */
  indirectProbes?: number
  /**
   * Shortest life of a suspicion = suspicionMultiplier × max(1, log10(members)) × probeIntervalMs,
   * and suspicionMultiplier − 2 further accusers are wanted to get there. Higher: slow members have
   * longer to refute. Lower: real deaths are seen sooner.
   * @default 4
   */
  suspicionMultiplier?: number
  /**
   * Longest life of a suspicion, which nobody else confirms, as a multiple of the shortest
   * (Lifeguard, LHA-Suspicion). Higher: fewer false deaths by the word of one slow accuser. 1
   * switches that off.
   * @default 6
   */
  suspicionMaxFactor?: number
  /**
   * Time between two rounds of gossip, milliseconds, while there is news. A change reaches all in
   * about log(members) rounds.
   * @default 200
   */
  gossipIntervalMs?: number
  /**
   * How many members each round of gossip goes to. Higher: quicker, and more messages in
   * proportion.
   * @default 3
   */
  gossipFanout?: number
  /**
   * Time between two full exchanges with one other member (and with one dead one, so that healed
   * partitions find each other), milliseconds; longer by itself beyond 32 members. It cannot be
   * switched off: rumours alone die out. Higher: less traffic, longer to reach what rumours missed.
   * @default 30000
   */
  exchangeIntervalMs?: number
  /**
   * Each member passes a change on retransmitMultiplier × ⌈log10(members + 1)⌉ times. Higher:
   * rumours die out less often, more traffic.
   * @default 4
   */
  retransmitMultiplier?: number
  /**
   * The largest multiplier of probe interval and time-out by the local health (Lifeguard,
   * LHA-Probe). Higher: a slow node accuses less, and detects less. 1 switches that off.
   * @default 8
   */
  localHealthMax?: number
}

/** Every setting filled in and checked. */
export type ResolvedMembershipOptions = Readonly<Required<MembershipOptions>>

/** memberlist's values for a local network: the defaults. */
export const membershipDefaults: ResolvedMembershipOptions = Object.freeze({
  probeIntervalMs: 1000,
  probeTimeoutMs: 500,
  indirectProbes: 3,
  suspicionMultiplier: 4,
  suspicionMaxFactor: 6,
  gossipIntervalMs: 200,
  gossipFanout: 3,
  exchangeIntervalMs: 30_000,
  retransmitMultiplier: 4,
  localHealthMax: 8,
})

/** For nodes of one data centre: the defaults. */
export function lan(): ResolvedMembershipOptions {
  return membershipDefaults
}

/** For nodes far apart: round trips up to seconds, a death is seen after half a minute or more. */
export function wan(): ResolvedMembershipOptions {
  return Object.freeze({
    ...membershipDefaults,
    probeIntervalMs: 5000,
    probeTimeoutMs: 3000, // for slow and lossy lines
    suspicionMultiplier: 6,
    gossipIntervalMs: 500,
    gossipFanout: 4, // fewer rounds, as each costs more
    exchangeIntervalMs: 60_000,
  })
}

/** For nodes of one process or one machine: nothing is lost, round trips take microseconds. */
export function oneProcess(): ResolvedMembershipOptions {
  return Object.freeze({
    ...membershipDefaults,
    probeTimeoutMs: 200,
    indirectProbes: 1,
    suspicionMultiplier: 3,
    gossipIntervalMs: 100,
    exchangeIntervalMs: 15_000,
    retransmitMultiplier: 2,
  })
}

interface Range {
  readonly min: number
  readonly max: number
  readonly integer: boolean
}

const dayMs = 86_400_000
const duration: Range = { min: 1, max: dayMs, integer: false }
const ranges: { readonly [key in keyof ResolvedMembershipOptions]: Range } = {
  probeIntervalMs: duration,
  probeTimeoutMs: duration,
  indirectProbes: { min: 0, max: 64, integer: true },
  suspicionMultiplier: { min: 1, max: 1000, integer: true },
  suspicionMaxFactor: { min: 1, max: 1000, integer: false },
  gossipIntervalMs: duration,
  gossipFanout: { min: 1, max: 64, integer: true },
  exchangeIntervalMs: duration,
  retransmitMultiplier: { min: 1, max: 64, integer: true },
  localHealthMax: { min: 1, max: 64, integer: true },
}

/**
 * Fills in the defaults and checks everything. Gives all problems at once, each a sentence that
 * names its option.
 */
export function resolveMembershipOptions(
  options: MembershipOptions = {},
): { readonly options: ResolvedMembershipOptions } | { readonly problems: readonly string[] } {
  if (typeof options !== 'object' || options === null) {
    return { problems: ['the options of membership must be an object'] }
  }
  const problems: string[] = []
  const resolved: Required<MembershipOptions> = { ...membershipDefaults }
  for (const [key, value] of Object.entries(options) as [string, unknown][]) {
    if (!isKey(key)) problems.push(`${key} is not an option of membership`)
    else if (value !== undefined) resolved[key] = value as number
  }
  for (const key of Object.keys(ranges) as (keyof ResolvedMembershipOptions)[]) {
    const problem = outside(ranges[key], resolved[key])
    if (problem !== undefined) problems.push(`${key} ${problem}`)
  }
  const { probeTimeoutMs, probeIntervalMs } = resolved
  const areNumbers = typeof probeTimeoutMs === 'number' && typeof probeIntervalMs === 'number'
  if (areNumbers && probeTimeoutMs >= probeIntervalMs) {
    problems.push(
      `probeTimeoutMs = ${probeTimeoutMs} must be less than probeIntervalMs = ${probeIntervalMs}`,
    )
  }
  return problems.length > 0 ? { problems } : { options: Object.freeze(resolved) }
}

function isKey(key: string): key is keyof ResolvedMembershipOptions {
  return Object.hasOwn(ranges, key)
}

function outside(range: Range, value: unknown): string | undefined {
  const { min, max, integer } = range
  const kind = integer ? 'a whole number' : 'a number'
  const fits = typeof value === 'number' && value >= min && value <= max
  if (fits && (!integer || Number.isInteger(value))) return undefined
  return `must be ${kind} from ${min} to ${max}, not ${shown(value)}`
}

function shown(value: unknown): string {
  return typeof value === 'number' ? String(value) : `a value of type ${typeof value}`
}
