/**
 * Random histories of a few forgetful nodes, run through the real code and through the oracle side by side. A history
 * is plain data made from a seed, so that it can be replayed and cut down.
 */
import {
  decodeStored,
  merged,
  storedHeaderBytes,
  writtenLocally,
} from '../../src/replica/stored-record.ts'
import { emptyContext, type CausalContext } from '../../src/versions/causal-context.ts'
import { DotSource } from '../../src/versions/dot-source.ts'
import {
  listWrites,
  oracleMerge,
  oracleWrite,
  unknownToOracle,
  writesMax,
  type OracleRecord,
  type Writes,
} from './causal-history-oracle.ts'
import { seeded } from './kit.ts'

const nodeCount = 6

/**
 * - `write`: coordinated by `node`; `pick` chooses the context: omitted, null, or one of those handed out before.
 * - `replicate`: the record of `node` reaches `other`.  - `read`: of both, merged; hands out a context.
 * - `forget`: `node` loses the record.  - `restart`: cleanly, the epoch counter goes on.
 * - `crash`: loses up to three of the last changes.  - `rollback`: to any earlier state.  - `wipe`: to none.
 * - `restoreCopy`: of the directory of an earlier clean stop, mark of the clean stop and all.
 */
type Deed =
  | 'write'
  | 'replicate'
  | 'read'
  | 'forget'
  | 'restart'
  | 'crash'
  | 'rollback'
  | 'wipe'
  | 'restoreCopy'

export interface Step {
  readonly deed: Deed
  readonly node: number
  readonly other: number
  readonly key: number
  /** 0 to 1: which context, which earlier state. */
  readonly pick: number
}

const deeds: readonly Deed[] = [
  ...Array<Deed>(17).fill('write'),
  ...Array<Deed>(15).fill('replicate'),
  ...Array<Deed>(5).fill('read'),
  ...Array<Deed>(3).fill('forget'),
  ...Array<Deed>(3).fill('restart'),
  ...Array<Deed>(3).fill('crash'),
  ...Array<Deed>(2).fill('rollback'),
  'wipe',
  'restoreCopy',
]

/** 20 to 40 steps on one or two keys, by three to six of the nodes. */
export function historyOf(seed: number): Step[] {
  const float = seeded(seed)
  const below = (limit: number): number => Math.floor(float() * limit)
  const keys = 1 + below(2)
  const active = 3 + below(nodeCount - 2)
  return Array.from({ length: 20 + below(21) }, () => ({
    deed: deeds[below(deeds.length)]!,
    node: below(active),
    other: below(active),
    key: below(keys),
    pick: float(),
  }))
}

/** Where the dot rule, or a version of it with a part switched off, takes part in a node's life. */
export interface Rule {
  readonly name: string
  open(incarnation: string, nextEpoch: number): DotSource
  /** An open without the mark of a clean stop; `nextEpoch` as it was in the state that is left. */
  openUnclean(fresh: string, before: { incarnation: string; nextEpoch: number }): DotSource
  /** An open with that mark. */
  openClean(before: { incarnation: string; nextEpoch: number }): DotSource
  /** A peer remembers a later start than this one. */
  outdated(dots: DotSource, fresh: string): void
  /** The source for a write on what is held of the key; may change the note of the record. */
  dotsFor(dots: DotSource, held: Buffer | undefined): DotSource
  /** May change the note of a record that was just merged. */
  afterMerge(dots: DotSource, stored: Buffer): void
}

export const theRule: Rule = {
  name: 'the dot rule',
  open: (incarnation, nextEpoch) => new DotSource(incarnation, nextEpoch),
  openUnclean: (fresh) => new DotSource(fresh),
  openClean: ({ incarnation, nextEpoch }) => new DotSource(incarnation, nextEpoch),
  outdated: (dots, fresh) => dots.renew(fresh),
  dotsFor: (dots) => dots,
  afterMerge: () => {},
}

interface Held {
  readonly stored: Buffer
  /** What a read of it shows. */
  readonly shown: Writes
  readonly oracle: OracleRecord
}

/** A state of a node's disk. */
interface Disk {
  readonly records: readonly (Held | undefined)[]
  readonly nextEpoch: number
}

interface Member {
  dots: DotSource
  records: (Held | undefined)[]
  /** All states that the disk was ever in. */
  readonly past: Disk[]
  readonly cleanStops: (Disk & { readonly incarnation: string })[]
  /** Restored from a copy: the first peer it talks to before a write will say so. */
  outdated: boolean
}

interface HandedContext {
  readonly key: number
  readonly causal: CausalContext
  readonly seen: Writes
}

/** Runs a history; says what went wrong first, or undefined when nothing did. */
export function violationOf(history: readonly Step[], rule: Rule = theRule): string | undefined {
  const world = new World(rule)
  try {
    for (const [index, step] of history.entries()) {
      const violation = world.take(step)
      if (violation !== undefined) return `step ${index}: ${violation}`
    }
    return world.settle()
  } catch (error) {
    return `thrown: ${String(error)}`
  }
}

/** The same violation with as few steps as leaving out single ones gives. */
export function cutDown(history: readonly Step[], rule: Rule = theRule): readonly Step[] {
  for (let i = history.length - 1; i >= 0; i--) {
    const shorter = history.toSpliced(i, 1)
    if (violationOf(shorter, rule) !== undefined) return cutDown(shorter, rule)
  }
  return history
}

class World {
  readonly #rule: Rule
  readonly #members: Member[]
  readonly #contexts: HandedContext[] = []
  readonly #writes: [number, number] = [0, 0]
  #incarnations = 0

  constructor(rule: Rule) {
    this.#rule = rule
    this.#members = Array.from({ length: nodeCount }, () => ({
      dots: rule.open(this.#freshIncarnation(), 1),
      records: [],
      past: [{ records: [], nextEpoch: 1 }],
      cleanStops: [],
      outdated: false,
    }))
  }

  take(step: Step): string | undefined {
    const node = this.#members[step.node]!
    switch (step.deed) {
      case 'write':
        return this.#write(node, step)
      case 'replicate':
        return this.#replicate(node, this.#members[step.other]!, step.key)
      case 'read':
        return this.#read(node, this.#members[step.other]!, step.key)
      case 'forget':
        this.#keep(node, step.key, undefined)
        return undefined
      case 'restart':
        return this.#restart(node)
      case 'crash':
        return this.#fallBack(node, Math.max(0, node.past.length - 1 - Math.floor(step.pick * 4)))
      case 'rollback':
        return this.#fallBack(node, Math.floor(step.pick * node.past.length))
      case 'wipe':
        return this.#fallBack(node, 0)
      case 'restoreCopy':
        return this.#restoreCopy(node, step.pick)
    }
  }

  /** Everybody hears of everything: all agree, with the oracle and byte for byte. */
  settle(): string | undefined {
    const [first, ...others] = this.#members as [Member, ...Member[]]
    for (const key of this.#writes.keys()) {
      if (this.#writes[key] === 0) continue
      for (const each of others) {
        const violation = this.#replicate(each, first, key)
        if (violation !== undefined) return `at the end: ${violation}`
      }
      for (const each of others) {
        const violation = this.#replicate(first, each, key)
        if (violation !== undefined) return `at the end: ${violation}`
        if (!sameBytes(first.records[key], each.records[key])) return 'nodes end with other bytes'
      }
    }
    return undefined
  }

  #write(node: Member, { key, pick }: Step): string | undefined {
    const id = this.#writes[key]!
    if (id === writesMax) return undefined
    this.#writes[key]!++
    if (node.outdated) this.#rule.outdated(node.dots, this.#freshIncarnation())
    node.outdated = false
    const held = node.records[key]
    const context = this.#contextFor(key, pick, held)
    const { stored, replaced } = writtenLocally(held?.stored, {
      kind: 'siblings',
      value: Uint8Array.of(id),
      tombstone: false,
      expiresAtMs: 0,
      replaces: context === 'all' ? 'all' : { causal: context.causal, stamp: 0 },
      stampAbove: undefined,
      siblingsMax: writesMax,
      dots: this.#rule.dotsFor(node.dots, held?.stored),
    })
    const before = held?.oracle ?? unknownToOracle
    const seen = context === 'all' ? before.seen : context.seen
    const causal = replaced?.causal ?? decodeStored(stored).context
    this.#contexts.push({ key, causal, seen: seen | (1 << id) })
    return this.#keep(node, key, heldAs(stored, oracleWrite(before, seen, id)))
  }

  #contextFor(key: number, pick: number, held: Held | undefined): HandedContext | 'all' {
    if (pick < 0.35) return 'all'
    const known = this.#contexts.filter((each) => each.key === key)
    if (pick < 0.5 || known.length === 0) return { key, causal: emptyContext, seen: 0 }
    if (pick < 0.6 && held !== undefined) {
      return { key, causal: decodeStored(held.stored).context, seen: held.oracle.seen }
    }
    return known[Math.floor((pick - 0.5) * 2 * known.length)]!
  }

  #replicate(source: Member, target: Member, key: number): string | undefined {
    const sent = source.records[key]
    if (sent === undefined || source === target) return undefined
    const held = target.records[key]
    const stored = merged(held?.stored, sent.stored, storedHeaderBytes, sent.stored.length)
    if (stored !== undefined) this.#rule.afterMerge(target.dots, stored)
    const oracle = oracleMerge(held?.oracle ?? unknownToOracle, sent.oracle)
    const after = stored === undefined ? { ...held!, oracle } : heldAs(stored, oracle)
    return this.#keep(target, key, after)
  }

  #read(one: Member, two: Member, key: number): string | undefined {
    const left = one.records[key]
    const right = two.records[key]
    const [first, second] = left === undefined ? [right, left] : [left, right]
    if (first === undefined) return undefined
    const both =
      second && merged(first.stored, second.stored, storedHeaderBytes, second.stored.length)
    const oracle = oracleMerge(first.oracle, second?.oracle ?? unknownToOracle)
    const read = both === undefined ? { ...first, oracle } : heldAs(both, oracle)
    const causal = decodeStored(read.stored).context
    this.#contexts.push({ key, causal, seen: read.oracle.seen })
    return disagreement(read)
  }

  #restart(node: Member): undefined {
    const { incarnation, nextEpoch } = node.dots
    node.cleanStops.push({ records: [...node.records], nextEpoch, incarnation })
    node.dots = this.#rule.openClean({ incarnation, nextEpoch })
  }

  #fallBack(node: Member, index: number): undefined {
    const disk = node.past[index]!
    node.dots = this.#rule.openUnclean(this.#freshIncarnation(), {
      incarnation: node.dots.incarnation,
      nextEpoch: disk.nextEpoch,
    })
    node.outdated = false
    this.#recover(node, disk)
  }

  #restoreCopy(node: Member, pick: number): undefined {
    const copy = node.cleanStops[Math.floor(pick * node.cleanStops.length)]
    if (copy === undefined) return
    node.dots = this.#rule.openClean(copy)
    node.outdated = true
    this.#recover(node, copy)
  }

  #recover(node: Member, disk: Disk): void {
    node.records = [...disk.records]
    node.past.push(disk)
  }

  #keep(node: Member, key: number, held: Held | undefined): string | undefined {
    node.records[key] = held
    node.past.push({ records: [...node.records], nextEpoch: node.dots.nextEpoch })
    return held && disagreement(held)
  }

  /** Of no particular order, as random ones are. */
  #freshIncarnation(): string {
    const number = this.#incarnations++
    return String.fromCharCode((number * 89) & 255) + `incarnate${number}`.padEnd(11, '.')
  }
}

function heldAs(stored: Buffer, oracle: OracleRecord): Held {
  const { siblings } = decodeStored(stored)
  return { stored, shown: siblings.reduce((set, { value }) => set | (1 << value[0]!), 0), oracle }
}

function disagreement({ shown, oracle }: Held): string | undefined {
  if (shown === oracle.live) return undefined
  return `shows ${listWrites(shown)} instead of ${listWrites(oracle.live)}`
}

function sameBytes(left: Held | undefined, right: Held | undefined): boolean {
  if (left === undefined || right === undefined) return left === right
  const [a, b] = [left.stored, right.stored]
  return a.subarray(storedHeaderBytes).equals(b.subarray(storedHeaderBytes))
}
