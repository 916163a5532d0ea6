/**
 * Who hears whom in the simulated network, and how well. Only the state: `SimNetwork` asks it for
 * each frame. Links are named by nodes and have a direction; a node always hears itself.
 */

import { InvalidArgumentError } from '../base/errors.ts'

/** How frames travel over a link. */
export interface NetworkQuality {
  /** Time on the way, one direction, in milliseconds. @default 1 */
  latencyMs?: number
  /**
   * Up to this much is added to the latency of each frame, in milliseconds, uniformly. @default 1
   */
  jitterMs?: number
  /**
   * Probability, 0 to 1, that a frame never arrives although its connection stays open. @default 0
   */
  loss?: number
  /** Probability, 0 to 1, that a frame arrives twice. @default 0 */
  duplicate?: number
  /**
   * Whether jitter may let the frames of one connection overtake each other. TCP keeps their order.
   * @default false
   */
  reorder?: boolean
  /**
   * Probability, 0 to 1, that a frame is held up on its way, and with it all that follow it on its
   * connection. @default 0
   */
  delay?: number
  /**
   * The longest hold-up, in milliseconds. Most are far shorter: half of them less than 1/256 of it,
   * one in four more than 1/10. @default 10 000
   */
  delayMs?: number
  /**
   * Probability, 0 to 1, that a frame is damaged on its way. The receiver's transport notices, as
   * TLS does, and ends the connection: damaged frames never reach a node. @default 0
   */
  corrupt?: number
}

/** A quality with its defaults filled in. */
export type LinkQuality = Readonly<Required<NetworkQuality>>

const DEFAULT_QUALITY: LinkQuality = Object.freeze({
  latencyMs: 1,
  jitterMs: 1,
  loss: 0,
  duplicate: 0,
  reorder: false,
  delay: 0,
  delayMs: 10_000,
  corrupt: 0,
})

/** What keeps a frame from going on. Senders give up on the first two. */
export type Obstacle = 'partition' | 'block' | 'clog'

/** All links: their qualities, obstacles and partition. */
export class SimLinks {
  readonly #quality: LinkQuality
  #groups: readonly ReadonlySet<string>[] = []
  readonly #blocked = new Set<string>()
  readonly #clogged = new Set<string>()
  readonly #overrides = new Map<string, LinkQuality>()

  /** @throws {InvalidArgumentError} */
  constructor(quality: NetworkQuality = {}) {
    this.#quality = completed(quality, DEFAULT_QUALITY)
  }

  /**
   * Separates nodes that are in groups but share none, in place of an earlier partition. With one
   * group, it is cut off from all others; with more, a node in no group hears everybody (a bridge),
   * as does one in every group.
   */
  partition(groups: readonly (readonly string[])[]): void {
    this.#groups = groups.map((group) => new Set(group))
  }

  /** Stops what `from` sends to `to`. */
  block(from: string, to: string): void {
    this.#blocked.add(linkName(from, to))
  }

  /** Holds what `from` sends to `to`, without anybody giving up. */
  clog(from: string, to: string): void {
    this.#clogged.add(linkName(from, to))
  }

  unclog(from: string, to: string): void {
    this.#clogged.delete(linkName(from, to))
  }

  /**
   * Gives the direction `from` → `to` its own quality; what is left out is as everywhere. @throws
   * {InvalidArgumentError}
   */
  override(from: string, to: string, quality: NetworkQuality = {}): void {
    this.#overrides.set(linkName(from, to), completed(quality, this.#quality))
  }

  /** Undoes `partition`, `block`, `clog` and `override`. */
  heal(): void {
    this.#groups = []
    this.#blocked.clear()
    this.#clogged.clear()
    this.#overrides.clear()
  }

  quality(from: string, to: string): LinkQuality {
    if (this.#overrides.size === 0) return this.#quality
    return this.#overrides.get(linkName(from, to)) ?? this.#quality
  }

  /** What is in the way, the worst of several. */
  obstacle(from: string, to: string): Obstacle | undefined {
    if (from === to) return undefined
    if (this.#groups.length > 0 && this.#isPartitioned(from, to)) return 'partition'
    if (this.#blocked.size > 0 && this.#blocked.has(linkName(from, to))) return 'block'
    if (this.#clogged.size > 0 && this.#clogged.has(linkName(from, to))) return 'clog'
    return undefined
  }

  #isPartitioned(from: string, to: string): boolean {
    if (this.#groups.some((group) => group.has(from) && group.has(to))) return false
    const isFromNamed = this.#groups.some((group) => group.has(from))
    const isToNamed = this.#groups.some((group) => group.has(to))
    return this.#groups.length === 1 ? isFromNamed !== isToNamed : isFromNamed && isToNamed
  }
}

/** The name of one direction, for maps and for the label of its random stream. */
export function linkName(from: string, to: string): string {
  return `${from}→${to}`
}

function completed(quality: NetworkQuality, defaults: LinkQuality): LinkQuality {
  const complete = { ...defaults, ...quality }
  requireRange('latencyMs', complete.latencyMs, Number.MAX_SAFE_INTEGER)
  requireRange('jitterMs', complete.jitterMs, Number.MAX_SAFE_INTEGER)
  requireRange('loss', complete.loss, 1)
  requireRange('duplicate', complete.duplicate, 1)
  requireRange('delay', complete.delay, 1)
  requireRange('delayMs', complete.delayMs, Number.MAX_SAFE_INTEGER)
  requireRange('corrupt', complete.corrupt, 1)
  return complete
}

function requireRange(name: string, value: number, most: number): void {
  if (value >= 0 && value <= most) return
  throw new InvalidArgumentError(`network.${name}`, `must be 0 to ${most}, not ${value}`)
}
