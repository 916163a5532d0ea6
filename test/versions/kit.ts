/** What the tests of this folder share: seeded numbers, dots in short, and records as real histories leave them. */
import fc from 'fast-check'
import {
  decodeStored,
  merged,
  storedHeaderBytes,
  writtenLocally,
  type LocalWrite,
  type LocalWriteResult,
} from '../../src/replica/stored-record.ts'
import {
  emptyContext,
  type Actor,
  type CausalContext,
  type Dot,
} from '../../src/versions/causal-context.ts'
import type { ContextContent } from '../../src/versions/context.ts'
import { DotSource } from '../../src/versions/dot-source.ts'
import { recordWithEnded } from '../../src/versions/expiry.ts'
import { HybridClock } from '../../src/versions/hybrid-clock.ts'
import type { RecordKind } from '../../src/versions/sibling-set.ts'

/** Numbers in [0, 1), the same for one seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b_79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export function actorOf(name: string): Actor {
  return name.padEnd(16, '.')
}

/** `a3`: the third write of actor a. */
export function dotOf(text: string): Dot {
  return { actor: actorOf(text.slice(0, 1)), counter: Number(text.slice(1)) }
}

/** `a3 b1 + a5`: the vector, and the isolated dots behind the plus. */
export function contextOf(text: string): CausalContext {
  const [vector, isolated] = text.split('+').map((part) => part.split(' ').filter(Boolean))
  return { vector: (vector ?? []).map(dotOf), isolated: (isolated ?? []).map(dotOf) }
}

/** A source of dots whose incarnation is a name. */
export function dotsOf(name: string): DotSource {
  return new DotSource(name.padEnd(12, '.'))
}

/** A plain write of a text; what is given overrides it. */
export function writeOf(
  value: string,
  rest: Partial<LocalWrite> & { dots: DotSource },
): LocalWrite {
  return {
    kind: 'siblings',
    value: Buffer.from(value),
    tombstone: false,
    expiresAtMs: 0,
    replaces: 'all',
    stampAbove: undefined,
    siblingsMax: 100,
    ...rest,
  }
}

/** The values a read shows, in alphabetical order; a tombstone is `†`. */
export function valuesOf(stored: Uint8Array | undefined): string[] {
  if (stored === undefined) return []
  const { siblings } = decodeStored(stored)
  return siblings.map((each) => (each.tombstone ? '†' : Buffer.from(each.value).toString())).sort()
}

/** What the caller of a write gets: what it replaced, and the write. */
export function receiptOf({ stored, replaced }: LocalWriteResult): ContextContent {
  return replaced ?? readOf(stored)
}

/** What a read of a record has seen. */
export function readOf(stored: Uint8Array): ContextContent {
  const { context, siblings } = decodeStored(stored)
  return { causal: context, stamp: Math.max(0, ...siblings.map(({ stamp }) => stamp)) }
}

export const nothing: ContextContent = { causal: emptyContext, stamp: 0 }

/** The record without the header of its replica. */
export function recordIn(stored: Uint8Array): Uint8Array {
  return stored.subarray(storedHeaderBytes)
}

/** What `target` holds after it got what `source` holds. */
export function receive(target: Uint8Array | undefined, source: Uint8Array): Uint8Array {
  return merged(target, source, storedHeaderBytes, source.length) ?? target!
}

/** What a node holds after it found the values expired whose time has passed. */
export function endedAt(held: Uint8Array, atMs: number): Uint8Array {
  const record = recordWithEnded(held, storedHeaderBytes, held.length, atMs)
  return record === undefined ? held : (merged(held, record, 0, record.length) ?? held)
}

/** When the histories of `pasts` take place; the expiry of a value is so many ms later as there are deeds before it. */
export const epochMs = 1e12

interface Deed {
  /** `expire` writes a value with a time to live, `end` finds values expired. */
  readonly deed: 'write' | 'delete' | 'expire' | 'end' | 'merge' | 'forget'
  readonly node: number
  readonly other: number
  /** One of those handed out before; 0 is the empty one. */
  readonly context: 'all' | number
}

const deed: fc.Arbitrary<Deed> = fc.record({
  deed: fc.constantFrom('write', 'write', 'merge', 'merge', 'delete', 'expire', 'end', 'forget'),
  node: fc.nat(3),
  other: fc.nat(3),
  context: fc.oneof(fc.constant('all' as const), fc.constant(0), fc.nat(50)),
})

/** The records of one key that a history of four nodes left behind, on every node and at every time. */
export interface Past {
  readonly kind: RecordKind
  readonly records: readonly Uint8Array[]
  /** Each with the state it was written on. */
  readonly writes: readonly { before: Uint8Array | undefined; write: LocalWrite; after: Buffer }[]
  readonly contexts: readonly ContextContent[]
}

function relive(kind: RecordKind, deeds: readonly Deed[]): Past {
  const records: Uint8Array[] = []
  const writes: { before: Uint8Array | undefined; write: LocalWrite; after: Buffer }[] = []
  const contexts: ContextContent[] = [nothing]
  // Names in no particular order; clocks an hour apart.
  const nodes = ['m', 'q', 'b', 'x'].map((name, i) => {
    const clock = new HybridClock(500)
    const stampAbove = (above: number): number => clock.next(epochMs + i * 3_600_000, above)
    return { dots: dotsOf(name), stampAbove, held: undefined as Uint8Array | undefined }
  })
  deeds.forEach(({ deed, node, other, context }, index) => {
    const one = nodes[node]!
    const { dots, held: before } = one
    if (deed === 'forget') one.held = undefined
    else if (deed === 'merge') one.held = receiveIfAny(before, nodes[other]!.held)
    // Some of what could have ended by now is found so.
    else if (deed === 'end')
      one.held = before && endedAt(before, epochMs + (index * (other + 1)) / 4)
    else {
      const stampAbove = kind === 'lww' ? one.stampAbove : undefined
      const replaces = context === 'all' ? context : contexts[context % contexts.length]!
      const tombstone = deed === 'delete'
      const expiresAtMs = deed === 'expire' ? epochMs + index : 0
      const rest = { kind, dots, replaces, stampAbove, tombstone, expiresAtMs }
      const write = writeOf(tombstone ? '' : `v${index}`, rest)
      const result = writtenLocally(before, write)
      one.held = result.stored
      writes.push({ before, write, after: result.stored })
      contexts.push(receiptOf(result))
    }
    if (one.held !== undefined) {
      records.push(one.held)
      contexts.push(readOf(one.held))
    }
  })
  return { kind, records, writes, contexts }
}

function receiveIfAny(
  target: Uint8Array | undefined,
  source: Uint8Array | undefined,
): Uint8Array | undefined {
  return source === undefined ? target : receive(target, source)
}

const kinds: readonly RecordKind[] = ['siblings', 'merge', 'lww']

/** Pasts with at least one record. */
export function pasts(kind?: RecordKind): fc.Arbitrary<Past> {
  return fc
    .tuple(
      fc.constantFrom(...(kind === undefined ? kinds : [kind])),
      fc.array(deed, { minLength: 2, maxLength: 30 }),
    )
    .map(([chosen, deeds]) => relive(chosen, deeds))
    .filter(({ records }) => records.length > 0)
}

/** Some records of one past, of different nodes and times. */
export function someRecords(count: number, kind?: RecordKind): fc.Arbitrary<Uint8Array[]> {
  return fc
    .tuple(pasts(kind), fc.array(fc.nat(), { minLength: count, maxLength: count }))
    .map(([{ records }, picks]) => picks.map((pick) => records[pick % records.length]!))
}
