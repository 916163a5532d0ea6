/** A coordinator without a cluster: lanes that note what is asked and answer when the test says so. */
import { TimerWheel } from '../../src/coordinator/timer-wheel.ts'
import type { Coordination } from '../../src/coordinator/coordination.ts'
import { Hedging } from '../../src/coordinator/hedging.ts'
import { LongValues } from '../../src/coordinator/long-values.ts'
import { roundRobin } from '../../src/coordinator/replica-choices.ts'
import type { PutRequest } from '../../src/coordinator/put-request.ts'
import { createCoordinatorStats } from '../../src/coordinator/stats.ts'
import { ClosedError, type StoreError } from '../../src/base/errors.ts'
import { writtenLocally } from '../../src/replica/stored-record.ts'
import type { RingConfiguration } from '../../src/ring/configuration.ts'
import { Ring } from '../../src/ring/ring.ts'
import type { Frame } from '../../src/rpc/frame-buffer.ts'
import { frameType } from '../../src/rpc/frame.ts'
import { PeerLoad } from '../../src/rpc/peer-load.ts'
import type { CallSink } from '../../src/rpc/pending-calls.ts'
import { DotSource } from '../../src/versions/dot-source.ts'
import { HandClock } from '../rpc/kit.ts'

export const partition = 0
export const storageKey = 'b\0k'

export function ringOf(ids: readonly string[], more: Partial<RingConfiguration> = {}): Ring {
  const hex = (i: number): string => i.toString(16).padStart(32, '0')
  return new Ring({
    cluster: hex(1),
    epoch: 1,
    partitions: 1,
    n: 3,
    departed: [],
    moves: 0,
    members: ids.map((id, i) => ({ id, store: hex(i + 2), zone: '', weight: 1, stage: 'normal' })),
    ...more,
  })
}

/** One call that waits for the test to answer it. */
interface Call {
  readonly sink: CallSink
  readonly tag: number
  readonly frame: Buffer
}

/** The lane to one member. */
class FakeLane {
  readonly calls: Map<number, Call> = new Map()
  /** What every call is refused with at once. */
  refusal: StoreError | undefined
  readonly load: PeerLoad
  room = true
  made = 0

  constructor(id: string) {
    this.load = new PeerLoad(id, this.calls)
  }

  get lastError(): StoreError {
    return this.refusal ?? new ClosedError('never')
  }

  hasRoom(): boolean {
    return this.room
  }

  call(sink: CallSink, tag: number, frame: Frame): number | undefined {
    if (this.refusal !== undefined) return undefined
    this.made += 1
    this.calls.set(this.made, { sink, tag, frame: Buffer.from(frame.bytes.subarray(0, frame.end)) })
    return this.made
  }

  abandon(id: number): void {
    this.calls.delete(id)
  }

  answer(type: number, body: Uint8Array = new Uint8Array(0), flags = 0): void {
    for (const { sink, tag } of this.#take()) {
      sink.answered(tag, { type, flags, bytes: body, bodyStart: 0, end: body.length })
    }
  }

  acknowledge(): void {
    this.answer(frameType.stored)
  }

  /** @param sent whether the requests may have reached the member */
  fail(error: StoreError, sent = false): void {
    for (const { sink, tag } of this.#take()) sink.unanswered(tag, error, sent)
  }

  #take(): Call[] {
    const calls = [...this.calls.values()]
    this.calls.clear()
    return calls
  }
}

export interface FakeNode {
  readonly node: Coordination
  readonly clock: HandClock
  readonly lanes: ReadonlyMap<string, FakeLane>
  /** Targets for which a hint was kept, in order. */
  readonly kept: string[]
  readonly down: Set<string>
  lane(id: string): FakeLane
  /** The storage's part: what it answers writes and reads with. */
  readonly store: { write: unknown; read: unknown; merge: unknown; isDurable: boolean }
  setRing(ring: Ring): void
}

/** A record as the storage keeps it: its head and one sibling; the lanes do not read it. */
const storedRecord: Uint8Array = new Uint8Array(40)

export const applied: unknown = {
  stored: storedRecord,
  replaced: { causal: { vector: [], isolated: [] }, stamp: 0 },
  siblings: 1,
  durable: undefined,
}

export function fakeNode(selfId: string, first: Ring): FakeNode {
  let ring = first
  const clock = new HandClock()
  const lanes = new Map<string, FakeLane>()
  const kept: string[] = []
  const down = new Set<string>()
  const lane = (id: string): FakeLane => {
    const found = lanes.get(id) ?? new FakeLane(id)
    lanes.set(id, found)
    return found
  }
  const store = {
    write: (): unknown => applied,
    read: (): unknown => undefined,
    merge: (): unknown => undefined,
    isDurable: false,
    near: { isThere: false, find: () => false },
  }
  const stats = createCoordinatorStats()
  stats.inFlight = 1
  const node = {
    selfId,
    clock,
    wheel: new TimerWheel(clock),
    store,
    hints: { add: () => [] },
    dots: new DotSource('123456789012'),
    stats,
    siblingsMax: 64,
    inFlightMax: 50_000,
    assertBearable: () => undefined,
    hedging: new Hedging(),
    long: new LongValues(clock),
    choice: roundRobin(),
    cluster: () => '1'.padStart(32, '0'),
    ring: () => ring,
    data: lane,
    isReachable: (id: string) => id !== selfId && !down.has(id),
    everyoneIsReachable: () => down.size === 0,
    lackOf: () => undefined,
    keepHint: ({ target }: { target: string }) => void kept.push(target),
    hinted: () => undefined,
    repaired: () => undefined,
    otherEpoch: () => true,
    backgroundError: () => undefined,
  } as unknown as Coordination
  return { node, clock, lanes, kept, down, lane, store, setRing: (next) => void (ring = next) }
}

export function putOf(more: Partial<PutRequest> = {}): PutRequest {
  return {
    bucket: 'b',
    key: 'k',
    partition,
    storageKey,
    sloppy: true,
    timeoutMs: 1_000,
    kind: 'siblings',
    value: new Uint8Array(1),
    isBorrowed: false,
    tombstone: false,
    expiresAtMs: 0,
    replaces: 'all',
    needed: 2,
    ...more,
  }
}

/** A record with one value, as the storage of its owner keeps it. */
export function firstRecord(value: string): Uint8Array {
  return writtenLocally(undefined, {
    kind: 'siblings',
    value: Buffer.from(value),
    tombstone: false,
    expiresAtMs: 0,
    replaces: 'all',
    dots: new DotSource('123456789012'),
    siblingsMax: 9,
    stampAbove: undefined,
  }).stored
}

/** Lets promises that are settled run. */
export async function soon(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve()
}
