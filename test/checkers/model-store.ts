/**
 * A small correct store to draw histories from: three replicas of sets of siblings with whole causal
 * histories in place of clocks, driven one step at a time in a random order. Can be told to be wrong.
 */

import { createHistory, type History } from '../../src/sim/history/history.ts'
import { ledgerOf, type Ledger } from '../../src/sim/history/ledger.ts'
import type { Operation } from '../../src/sim/history/operation.ts'

/** What the store does wrong. */
export type Fault =
  | 'none'
  | 'ignores contexts'
  | 'replaces more than the context'
  | 'forgets everything at times'
  | 'reads do not repair'
  | 'reads ask one replica'
  | 'fails after an effect'

export interface Plan {
  seed: number
  /** Strict: quorums of two of three and blocking read repair. Weak: one replica each. */
  quorums: 'strict' | 'weak'
  /** One writer at a time, or everybody. */
  writers: 'one' | 'all'
  /**
   * Contexts: of any operation before. Chain: each write has seen the last acknowledged one. Any: also
   * no context and deletes, which explain much of what is missing.
   */
  style: 'any' | 'contexts' | 'chain'
  fault?: Fault
  /** @default 60 */
  operations?: number
}

type Version = { readonly id: number; readonly value: string | undefined }
type Past = ReadonlySet<number>
type State = { readonly versions: readonly Version[]; readonly clock: Past }
type Random = () => number

const nothing: State = { versions: [], clock: new Set() }
const keys = ['x', 'y']
const sessions = [1, 2, 3]

export function drawHistory(plan: Plan): History {
  const history = createHistory()
  const run = new Run(plan, ledgerOf(history))
  run.play()
  return history
}

class Run {
  readonly #plan: Plan
  readonly #ledger: Ledger
  readonly #random: Random
  readonly #replicas = new Map(keys.map((key) => [key, [nothing, nothing, nothing]]))
  /** What each operation's context covers. */
  readonly #contexts = new Map<Operation, Past>()
  readonly #background: Generator<void>[] = []
  #writer = 1
  #ids = 0

  constructor(plan: Plan, ledger: Ledger) {
    this.#plan = plan
    this.#ledger = ledger
    this.#random = mulberry(plan.seed)
  }

  play(): void {
    const clients = new Map<number, Generator<void> | undefined>(
      sessions.map((s) => [s, undefined]),
    )
    let left = this.#plan.operations ?? 60
    while (left > 0 || [...clients.values()].some(Boolean)) {
      if (this.#background.length > 0 && this.#random() < 0.2) this.#stepBackground()
      const session = this.#pick(sessions)
      const open = clients.get(session)
      if (open !== undefined) {
        if (open.next().done === true) clients.set(session, undefined)
      } else if (left > 0) {
        left--
        clients.set(session, this.#operation(session))
      }
    }
    this.#settle()
  }

  #settle(): void {
    while (this.#background.length > 0) this.#stepBackground()
    for (const key of keys) {
      const replicas = this.#replicas.get(key)!
      const all = replicas.reduce(merged)
      this.#replicas.set(key, [all, all, all])
      for (const session of sessions) {
        for (const _ of this.#read(session, key, true)) continue
      }
    }
  }

  #operation(session: number): Generator<void> {
    const key = this.#pick(keys)
    const writes = this.#plan.writers === 'all' || session === this.#writer
    if (writes && this.#random() < 0.5) return this.#write(session, key)
    return this.#read(session, key, false)
  }

  *#read(session: number, key: string, final: boolean): Generator<void> {
    const asked = { session, bucket: 'b', key, kind: 'get', ...(final && { final }) } as const
    const operation = this.#ledger.begin(asked)
    yield
    const { fault } = this.#plan
    const count = this.#plan.quorums === 'weak' || fault === 'reads ask one replica' ? 1 : 2
    const asks = this.#shuffle([0, 1, 2]).slice(0, count)
    let state = nothing
    for (const replica of asks) {
      state = merged(state, this.#replicas.get(key)![replica]!)
      yield
    }
    if (this.#plan.quorums === 'strict' && fault !== 'reads do not repair') {
      for (const replica of asks) {
        this.#store(key, replica, state)
        yield
      }
    }
    const values = state.versions.flatMap(({ value }) => (value === undefined ? [] : [value]))
    this.#contexts.set(operation, state.clock)
    this.#ledger.end(operation, { outcome: 'ok', siblings: values })
  }

  *#write(session: number, key: string): Generator<void> {
    const id = ++this.#ids
    const { style, fault } = this.#plan
    const isDelete = style !== 'contexts' && this.#random() < 0.15
    const given = this.#chooseContext(key)
    const operation = this.#ledger.begin({
      session,
      bucket: 'b',
      key,
      kind: isDelete ? 'delete' : 'put',
      ...(!isDelete && { value: `v${id}` }),
      ...(given !== undefined && { context: given && { of: given.id } }),
    })
    yield
    const fate = this.#random()
    if (fate < 0.05) {
      if (fault === 'fails after an effect') this.#coordinate(key, id, isDelete, given)
      this.#ledger.end(operation, { outcome: 'failed' })
      return
    }
    const { coordinator, state, past } = this.#coordinate(key, id, isDelete, given)
    yield
    const others = this.#shuffle([0, 1, 2].filter((replica) => replica !== coordinator))
    if (fate < 0.15) {
      // Uncertain, or never ended: the others hear of it late, or never.
      if (fate < 0.1) this.#ledger.end(operation, { outcome: 'unknown' })
      if (this.#random() < 0.5) this.#background.push(this.#spread(key, others, state))
      this.#handOver()
      return
    }
    if (this.#plan.quorums === 'strict') {
      this.#store(key, others.shift()!, state)
      yield
    }
    this.#background.push(this.#spread(key, others, state))
    this.#contexts.set(operation, new Set([...past, id]))
    this.#ledger.end(operation, { outcome: 'ok' })
    if (fault === 'forgets everything at times' && this.#random() < 0.3) {
      this.#replicas.set(key, [nothing, nothing, nothing])
    }
    this.#handOver()
  }

  #coordinate(
    key: string,
    id: number,
    isDelete: boolean,
    given: Operation | null | undefined,
  ): { coordinator: number; state: State; past: Past } {
    const { fault } = this.#plan
    const coordinator = this.#pick([0, 1, 2])
    const { versions, clock } = this.#replicas.get(key)![coordinator]!
    let past = given === undefined ? clock : new Set<number>()
    if (given && fault !== 'ignores contexts') past = this.#contexts.get(given)!
    if (given !== undefined && fault === 'replaces more than the context') {
      past = new Set([...past, ...clock])
    }
    const state: State = {
      versions: [
        ...versions.filter((version) => !past.has(version.id)),
        { id, value: isDelete ? undefined : `v${id}` },
      ],
      clock: new Set([...clock, ...past, id]),
    }
    this.#replicas.get(key)![coordinator] = state
    return { coordinator, state, past }
  }

  *#spread(key: string, replicas: readonly number[], state: State): Generator<void> {
    for (const replica of replicas) {
      this.#store(key, replica, state)
      yield
    }
  }

  /** Another session writes from now on. */
  #handOver(): void {
    if (this.#random() < 0.2) this.#writer = this.#pick(sessions)
  }

  /** The context of any operation that has ended; undefined for none, null for the null context. */
  #chooseContext(key: string): Operation | null | undefined {
    const chance = this.#random()
    const known = [...this.#contexts.keys()].filter((one) => one.key === key)
    if (this.#plan.style === 'any' && chance < 0.3) return chance < 0.25 ? undefined : null
    if (known.length === 0) return null
    if (this.#plan.style === 'chain') return this.#lastOf(known)
    return chance < 0.8 ? known.at(-1) : this.#pick(known)
  }

  /** The last acknowledged write, or a read that has seen it; null when there is no write. */
  #lastOf(known: readonly Operation[]): Operation | null {
    const last = known.findLast(({ kind }) => kind !== 'get')
    if (last === undefined) return null
    const seen = known.filter(({ kind, start }) => kind === 'get' && start > last.end!)
    return this.#pick([last, ...seen])
  }

  #store(key: string, replica: number, state: State): void {
    const replicas = this.#replicas.get(key)!
    replicas[replica] = merged(replicas[replica]!, state)
  }

  #stepBackground(): void {
    const at = Math.floor(this.#random() * this.#background.length)
    if (this.#background[at]!.next().done === true) this.#background.splice(at, 1)
  }

  #pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.#random() * items.length)]!
  }

  #shuffle<T>(items: readonly T[]): T[] {
    return items
      .map((item) => [this.#random(), item] as const)
      .sort((a, b) => a[0] - b[0])
      .map(([, item]) => item)
  }
}

function merged(a: State, b: State): State {
  const known = (state: State, { id }: Version): boolean =>
    state.versions.some((version) => version.id === id)
  const fromA = a.versions.filter((version) => known(b, version) || !b.clock.has(version.id))
  const fromB = b.versions.filter((version) => !known(a, version) && !a.clock.has(version.id))
  return { versions: [...fromA, ...fromB], clock: new Set([...a.clock, ...b.clock]) }
}

function mulberry(seed: number): Random {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
