/** What the replicas of one read have answered, compared as it comes: in most reads all agree. */
import type { Lack } from '../replica/lack.ts'
import { flagDamaged, flagGaining, flagRecovering, frameType } from '../rpc/frame.ts'
import type { AnswerFrame } from '../rpc/pending-calls.ts'
import { isRecord } from '../versions/record-layout.ts'
import {
  lacks,
  sameAs,
  settleAnswers,
  wholeRecord,
  type Divergence,
  type ReadRecord,
} from './divergence.ts'

/** `absent`: nothing, or something damaged. */
export type ReadAnswer = ReadRecord | 'absent'

/** The records with which the replicas of one read answered. */
export class ReadAnswers {
  /** By replica. Born with room for the usual three. */
  #answers: (ReadAnswer | undefined)[] = [undefined, undefined, undefined]
  #first: ReadAnswer | undefined
  #agree = true

  /** The answer that came first, to compare the others with. */
  get first(): ReadAnswer | undefined {
    return this.#first
  }

  /** The record that came first, if one did: replicas asked from then on need not send the same again. */
  get record(): ReadRecord | undefined {
    return this.#first === 'absent' ? undefined : this.#first
  }

  /** Whether every answer is the first one: the same object. */
  get agree(): boolean {
    return this.#agree
  }

  /**
   * The record that an answer has or stands for: the first answer itself when that is the same, else a copy. Undefined
   * when it is damaged, or the same as nothing.
   */
  recordIn({ type, bytes, bodyStart: start, end }: AnswerFrame): ReadRecord | undefined {
    if (type === frameType.same) return this.record
    const first = this.#first
    if (first instanceof Object && sameAs(first, bytes, start, end)) return first
    if (!isRecord(bytes, start, end)) return undefined
    return wholeRecord(Buffer.from(bytes.subarray(start, end)))
  }

  add(replica: number, answer: ReadAnswer): void {
    this.#answers[replica] = answer
    this.#first ??= answer
    if (answer !== this.#first) this.#agree = false
  }

  /** What all answers together make, with the values ended whose time has passed at an instant. */
  settle(atMs: number): Divergence | 'kinds differ' | undefined {
    return settleAnswers(this.#answers, atMs)
  }

  /** Lets go of the answers; what comes from now on is compared with the first one all the same. */
  forget(): void {
    this.#answers = []
  }

  /** Takes out the answers: the replicas, as a mask, that lack something of the result. One that has more does not. */
  takeStale(result: ReadRecord): number {
    if (this.#answers.length === 0) return 0
    const record = result.bytes.subarray(result.start, result.end)
    let stale = 0
    this.#answers.forEach((answer, i) => {
      if (answer === undefined) return
      if (answer === 'absent' || lacks(answer, record)) stale |= 1 << i
    })
    this.#answers = []
    return stale
  }
}

/** Why a replica has no record, as the flags of its `absent` answer tell. */
export function absenceOf(flags: number): 'absent' | 'damaged' | Lack {
  return (flags & flagDamaged) !== 0 ? 'damaged' : (lackOf(flags) ?? 'absent')
}

/** What a replica may lack, as the flags of its answer tell. */
export function lackOf(flags: number): Lack | undefined {
  if ((flags & flagRecovering) !== 0) return 'recovering'
  return (flags & flagGaining) !== 0 ? 'gaining' : undefined
}
