/**
 * When a read asks one replica more because an answer is late (hedged requests: Dean and Barroso, The Tail at Scale,
 * 2013): once it takes longer than nearly all reads do, and for so few reads that the replicas do not feel it. What is
 * late for long is asked for elsewhere whatever the budget says: it may never come.
 *
 * Pure: told of latencies, asked for a delay.
 */

/** Share of reads that may ask one more before `patienceMs`. */
const budgetShare = 0.02
/**
 * Share of reads that are late. More than the budget: were it the same, the delay would be that of the late ones as
 * soon as they are as many, and none of them would be helped. The budget goes to those that are late for longest.
 */
const lateShare = 0.05
/** Budget that is saved up at most, in requests; a node begins with it. */
const savedMax = 10
/** Latencies after which the delay is reckoned anew; the older ones count half from then on. */
const windowSamples = 128
/** Latencies are counted in classes, each longer than the one before by this factor. */
const classFactor = 1.25
const classCount = 64
const firstClassMs = 0.05

/** An answer that is not there after this time is asked for elsewhere at all events, milliseconds. */
export const patienceMs = 100

/** Decides for the reads of one node. */
export class Hedging {
  readonly #counts = new Float64Array(classCount)
  #samples = 0
  #saved = savedMax
  #afterMs = patienceMs

  /** The delay now, milliseconds: longer than 95 of 100 reads take. `patienceMs` until enough is known. */
  get afterMs(): number {
    return this.#afterMs
  }

  /** One read more: the budget grows. */
  counted(): void {
    if (this.#saved < savedMax) this.#saved += budgetShare
  }

  /** Whether a read whose delay is over may ask one more; takes it from the budget. */
  mayAsk(): boolean {
    if (this.#saved < 1) return false
    this.#saved -= 1
    return true
  }

  /** A read took so long. */
  took(latencyMs: number): void {
    this.#counts[classOf(latencyMs)]! += 1
    this.#samples += 1
    if (this.#samples % windowSamples === 0) this.#reckon()
  }

  #reckon(): void {
    const counts = this.#counts
    let left = counts.reduce((sum, count) => sum + count, 0) * lateShare
    let index = classCount - 1
    while (index > 0 && left >= counts[index]!) left -= counts[index--]!
    this.#afterMs = Math.min(patienceMs, firstClassMs * classFactor ** (index + 1))
    for (let i = 0; i < classCount; i++) counts[i]! /= 2
  }
}

function classOf(latencyMs: number): number {
  if (latencyMs <= firstClassMs) return 0
  const index = Math.floor(Math.log(latencyMs / firstClassMs) / Math.log(classFactor))
  return Math.min(classCount - 1, index)
}
