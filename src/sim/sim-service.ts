/**
 * A user's own code as a part of a node's process: it starts with the node, is paused with it, and
 * dies with it. Clients reach it by `call`, which ends as a call over a network does when the other
 * side is down or does not answer.
 */

import { ClosedError, TimeoutError } from '../base/errors.ts'
import type { CoterieNode } from '../node/coterie-node.ts'
import type { Clock, Timer } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { SimProcess } from './sim-process.ts'
import type { VirtualClock } from './virtual-clock.ts'

const CALL_TIMEOUT_MS = 10_000

/** What a service gets from the process that it runs in. Use these in the place of the system's. */
export interface ServiceHost {
  /** The node of the process. */
  readonly node: CoterieNode
  /** Time as the process sees it: its wall clock may be wrong, its timers wait while it is paused. */
  readonly clock: Clock
  /** Seeded. */
  readonly random: Random
  /** Resolves after that many milliseconds of the process; never, if it ends before. */
  readonly sleep: (ms: number) => Promise<void>
}

/** What is called at the end of a service, before its node closes, if it has it. */
interface Closable {
  close?(): Promise<void> | void
}

/** Makes the service; called at each start of its node. */
export type ServiceStart<S> = (host: ServiceHost) => S | Promise<S>

/** How long a caller waits. */
export interface ServiceCallOptions {
  /** Virtual milliseconds. @default 10 000 */
  timeoutMs?: number
}

/**
 * A call of a service got no answer: it took too long, or the process died meanwhile. **What was
 * asked may have been done, or may still be**, as with a request over a network. (An ordinary
 * `TimeoutError`, of a read, leaves nothing behind.) `afterMs` is how long the caller had waited.
 */
export class NoAnswerError extends TimeoutError {}

/** One instance of the service, in one process. */
interface Instance<S> {
  readonly process: SimProcess
  readonly service: S
  readonly sleeps: Set<Timer>
}

/** The service of one node, whichever process runs it. Invariant: each call ends once. */
export class SimService<S extends object = object> {
  readonly #name: string
  readonly #clock: VirtualClock
  readonly #start: ServiceStart<S>
  #instance: Instance<S> | undefined
  /** Told when the process is gone: one for each call that was handed to it and has not ended. */
  readonly #waiting = new Set<() => void>()

  /** Not for users: `SimCluster.service` makes services. */
  constructor(options: { name: string; clock: VirtualClock; start: ServiceStart<S> }) {
    this.#name = options.name
    this.#clock = options.clock
    this.#start = options.start
  }

  /**
   * Lets the service do something for a client that is outside of the process. While it is paused,
   * the call waits.
   * @throws {ClosedError} while the node is down. Nothing was asked.
   * @throws {NoAnswerError} when the call takes too long, or the node goes down before it ends. It
   * may have been done, or may still be.
   * @throws whatever `fn` throws.
   */
  call<T>(
    fn: (service: S) => T | Promise<T>,
    { timeoutMs = CALL_TIMEOUT_MS }: ServiceCallOptions = {},
  ): Promise<T> {
    const startMs = this.#clock.nowMs
    return new Promise((resolve, reject) => {
      const end = (): void => {
        deadline.cancel()
        this.#waiting.delete(lost)
      }
      const fail = (error: unknown): void => {
        end()
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- as `fn` threw it
        reject(error)
      }
      const succeed = (value: T): void => {
        end()
        resolve(value)
      }
      const unanswered = (why: string): void => {
        const afterMs = this.#clock.nowMs - startMs
        fail(new NoAnswerError(`the service of ${this.#name} ${why}`, { afterMs }))
      }
      const lost = (): void => unanswered('went down during the call, which may have been done')
      const late = (): void => unanswered(`did not answer within ${timeoutMs} ms`)
      const deadline = this.#clock.after(timeoutMs, late)
      this.#clock.after(0, () => {
        const instance = this.#instance
        if (instance === undefined) return fail(this.#down())
        this.#waiting.add(lost)
        instance.process.hand(() => void answer(fn, instance.service).then(succeed, fail))
      })
    })
  }

  /** Not for users: its node is up. Rejects with what the service's start does. */
  async begin(process: SimProcess, node: CoterieNode, random: Random): Promise<void> {
    const sleeps = new Set<Timer>()
    const sleep = (ms: number): Promise<void> =>
      new Promise((resolve) => {
        const timer = process.clock.after(ms, () => {
          sleeps.delete(timer)
          if (process.isAlive) resolve()
        })
        sleeps.add(timer)
      })
    const service = await this.#start({ node, clock: process.clock, random, sleep })
    if (process.isAlive) this.#instance = { process, service, sleeps }
  }

  /** Not for users: its node is about to close. */
  async close(): Promise<void> {
    const instance = this.#instance
    if (instance === undefined) return
    await (instance.service as Closable).close?.()
    this.lost(instance.process)
  }

  /** Not for users: a process is gone, or will be. Idempotent. */
  lost(process: SimProcess): void {
    const instance = this.#instance
    if (instance?.process !== process) return
    this.#instance = undefined
    for (const timer of instance.sleeps) timer.cancel()
    for (const lost of this.#waiting) lost()
  }

  #down(): ClosedError {
    return new ClosedError(`the service of ${this.#name} is down`)
  }
}

async function answer<S, T>(fn: (service: S) => T | Promise<T>, service: S): Promise<T> {
  return fn(service)
}
