/**
 * Spreads the newest ring configuration to members that missed it: each node tells one other its epoch now and then,
 * and every member that comes up. Whoever is behind is sent the configuration.
 */
import type { Clock, Timer } from '../ports/clock.ts'
import type { RingConfiguration } from '../ring/configuration.ts'
import { fromTuple, toTuple } from '../ring/configuration-check.ts'
import type { Channel } from '../rpc/channel.ts'
import { plainFrame, type Frame } from '../rpc/frame-buffer.ts'
import { frameType } from '../rpc/frame.ts'
import { pack } from '../rpc/pack.ts'

/** Name of the message with a ring configuration. */
export const configurationCast = 'configuration'
/** Name of the message with the epoch that is in force at its sender. */
export const epochCast = 'epoch'

const intervalMs = 1_000

/** What spreading needs of the node. */
export interface SpreadOptions {
  readonly clock: Clock
  readonly random: () => number
  configuration(): RingConfiguration | undefined
  learn(configuration: RingConfiguration): void
  /** Other members that answer. */
  reachable(): readonly string[]
  control(id: string): Channel
}

/** Tells and hears epochs and configurations for one node. */
export class ConfigurationSpread {
  readonly #options: SpreadOptions
  #timer: Timer | undefined

  constructor(options: SpreadOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer = this.#options.clock.after(intervalMs, () => {
      const ids = this.#options.reachable()
      const id = ids[Math.floor(this.#options.random() * ids.length)]
      if (id !== undefined) this.tell(id)
      this.start()
    })
  }

  close(): void {
    this.#timer?.cancel()
  }

  /** Tells a member which epoch is in force here. */
  tell(id: string): void {
    const epoch = this.#options.configuration()?.epoch
    if (epoch !== undefined) this.#options.control(id).post(castFrame([epochCast, epoch]))
  }

  /** A member told its epoch: whoever is behind gets the configuration. */
  heardEpoch(from: string, epoch: unknown): void {
    const ours = this.#options.configuration()
    if (ours === undefined || typeof epoch !== 'number' || epoch === ours.epoch) return
    if (epoch < ours.epoch) this.#options.control(from).post(configurationFrame(ours))
    else this.tell(from)
  }

  /** A member sent its configuration. */
  heardConfiguration(tuple: unknown): void {
    const configuration = fromTuple(tuple)
    if (typeof configuration !== 'string') this.#options.learn(configuration)
  }
}

/** The message with a ring configuration. */
export function configurationFrame(configuration: RingConfiguration): Frame {
  return castFrame([configurationCast, toTuple(configuration)])
}

function castFrame(message: readonly unknown[]): Frame {
  return plainFrame({ type: frameType.cast, flags: 0, id: 0 }, pack(message))
}
