/**
 * Sends records of this node to those who need them, at the pace that the throttle allows, and waits until they have
 * them durably. Short records of one partition share frames.
 */
import type { StoreError } from '../base/errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Ring } from '../ring/ring.ts'
import type { Channel } from '../rpc/channel.ts'
import { deliverRecord, isTransient } from './deliver-record.ts'
import {
  deliverRecords,
  goesAlone,
  lotsToAskFor,
  lotsToDeliver,
  whichAreHeld,
  type KeptRecord,
} from './deliver-records.ts'
import { deliveriesTo } from './recipients.ts'
import type { Throttle } from './throttle.ts'

/** What sending needs of its node. */
export interface RecordSenderOptions {
  readonly selfId: string
  readonly clock: Clock
  readonly timeoutMs: number
  readonly throttle: Throttle
  data(id: string): Channel
  isReachable(id: string): boolean
  /** Whether others stand in for members that are away, because this node gives everything away. */
  isLeaving(): boolean
  failed(error: Error, peer?: string): void
}

/** Sends what one node keeps for others. */
export class RecordSender {
  readonly #options: RecordSenderOptions
  /** Bytes of records that were sent, and arrived. */
  sentBytes = 0

  constructor(options: RecordSenderOptions) {
    this.#options = options
  }

  /** Sends records of one partition to each recipient. True when all have all of them durably. */
  async send(
    ring: Ring,
    recipients: readonly string[],
    records: readonly KeptRecord[],
  ): Promise<boolean> {
    if (records.length === 0) return true
    const { selfId } = this.#options
    const view = {
      selfId,
      isLeaving: this.#options.isLeaving(),
      isReachable: (id: string) => this.#options.isReachable(id),
    }
    const deliveries = deliveriesTo(ring, recipients, records[0]!.partition, view)
    if (deliveries === undefined) return false
    const sent = deliveries.map(({ to, hintFor }) => {
      const alone = hintFor.length > 0 || records.length === 1 ? records : records.filter(goesAlone)
      const shared = alone === records ? [] : records.filter((each) => !goesAlone(each))
      return Promise.all([
        ...alone.map((record) => this.#sendOne(ring, to, { ...record, hintFor })),
        this.#sendShared(ring, to, shared),
      ])
    })
    return (await Promise.all(sent)).flat().every(Boolean)
  }

  /** Those of the records that the member does not have, by its own word. */
  async missing(
    ring: Ring,
    to: string,
    records: readonly KeptRecord[],
  ): Promise<readonly KeptRecord[]> {
    const missing: KeptRecord[] = []
    for (const lot of lotsToAskFor(records)) {
      const held = await this.#paced(() =>
        whichAreHeld(this.#options.data(to), lot, this.#wait(ring)),
      )
      missing.push(...lot.filter((_, i) => !held[i]))
    }
    return missing
  }

  async #sendShared(ring: Ring, to: string, records: readonly KeptRecord[]): Promise<boolean> {
    let isDone = true
    for (const lot of lotsToDeliver(records)) {
      await this.#options.throttle.spend(bytesOf(lot))
      const wait = this.#wait(ring)
      const problems = await this.#paced(() => deliverRecords(this.#options.data(to), lot, wait))
      lot.forEach((record, i) => this.#note(to, record, problems[i]))
      if (problems.some((problem) => problem !== undefined)) isDone = false
    }
    return isDone
  }

  async #sendOne(
    ring: Ring,
    to: string,
    record: KeptRecord & { readonly hintFor: readonly string[] },
  ): Promise<boolean> {
    await this.#options.throttle.spend(record.stored.length)
    const problem = await deliverRecord(this.#options.data(to), record, this.#wait(ring))
    this.#note(to, record, problem)
    return problem === undefined
  }

  #note(to: string, { stored }: KeptRecord, problem: StoreError | undefined): void {
    if (problem === undefined) this.sentBytes += stored.length
    else if (!isTransient(problem)) this.#options.failed(problem, to)
  }

  #wait(ring: Ring) {
    const { clock, timeoutMs } = this.#options
    return { clock, timeoutMs, epoch: ring.epoch }
  }

  /** Waits afterwards as long as clients, where there are any, are owed for it. */
  async #paced<T>(work: () => Promise<T>): Promise<T> {
    const { clock, throttle } = this.#options
    const beganMs = clock.monotonicMs()
    const result = await work()
    await throttle.rest(clock.monotonicMs() - beganMs)
    return result
  }
}

function bytesOf(records: readonly KeptRecord[]): number {
  return records.reduce((sum, { stored }) => sum + stored.length, 0)
}
