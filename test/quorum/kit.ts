/** A second implementation of both tallies, made of sets and as plain as can be, and the events to
 *  drive them. */
import fc from 'fast-check'
import type { ReadAnswer } from '../../src/quorum/read-tally.ts'
import type { Outcome, ReplicaRole, TallyOptions } from '../../src/quorum/tally.ts'

type State = 'waiting' | 'failed' | 'acknowledged' | ReadAnswer

/** Answers that can count. */
const COUNTING: ReadonlySet<State> = new Set<State>(['acknowledged', 'record', 'absent'])

export class NaiveTally {
  readonly states: Map<number, State> = new Map()
  readonly fallbacks: Set<number> = new Set()
  readonly options: TallyOptions

  constructor(options: TallyOptions) {
    this.options = options
  }

  asked(replica: number, role: ReplicaRole): void {
    if (!this.states.has(replica) && role === 'fallback') this.fallbacks.add(replica)
    const state = this.states.get(replica)
    if (state === undefined || state === 'failed' || state === 'recovering')
      this.states.set(replica, 'waiting')
  }

  answered(replica: number, answer: State): boolean {
    const state = this.states.get(replica)
    if (state !== 'waiting' && (state !== 'failed' || answer === 'failed')) return false
    this.states.set(replica, answer)
    return true
  }

  mask(wanted: State): number {
    return [...this.states].reduce(
      (sum, [replica, state]) => sum + (state === wanted ? 2 ** replica : 0),
      0,
    )
  }

  count(also?: State): number {
    return [...this.states].filter(
      ([replica, state]) =>
        (this.options.sloppy || !this.fallbacks.has(replica)) &&
        (COUNTING.has(state) || state === also),
    ).length
  }

  outcome(): Outcome {
    if (this.count() >= this.options.needed) return 'reached'
    return this.count('waiting') >= this.options.needed ? 'pending' : 'lost'
  }
}

export type TallyEvent =
  | { readonly kind: 'asked'; readonly replica: number; readonly role: ReplicaRole }
  | { readonly kind: 'answered'; readonly replica: number; readonly answer: ReadAnswer }
  | { readonly kind: 'failed'; readonly replica: number }

const replica: fc.Arbitrary<number> = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 4 }) },
  { weight: 1, arbitrary: fc.constantFrom(5, 29, 30) },
)
const answeringReplica = fc.oneof(
  { weight: 9, arbitrary: replica },
  fc.constantFrom(-1, 31, 32, 36),
)

export const options: fc.Arbitrary<TallyOptions> = fc.record({
  needed: fc.integer({ min: 1, max: 4 }),
  sloppy: fc.boolean(),
})

export const events: fc.Arbitrary<TallyEvent[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('asked' as const),
      replica,
      role: fc.constantFrom<ReplicaRole>('primary', 'primary', 'fallback'),
    }),
    fc.record({
      kind: fc.constant('answered' as const),
      replica: answeringReplica,
      answer: fc.constantFrom<ReadAnswer>('record', 'record', 'absent', 'recovering', 'damaged'),
    }),
    fc.record({ kind: fc.constant('failed' as const), replica: answeringReplica }),
  ),
  { maxLength: 40 },
)

/** The set of these replicas as a mask. */
export function maskOf(...replicas: number[]): number {
  return replicas.reduce((sum, each) => sum + 2 ** each, 0)
}
