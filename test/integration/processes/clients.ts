/** The clients of a storm: each is one session that does one thing after the other. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bucket, Context, Entry } from '../../../src/index.ts'
import type { Draw } from '../../storm/draw.ts'
import type { BucketName } from './protocol.ts'

/**
 * What a client may do. `change`: read, then put with that context. `held`: put with the context of its last read or
 * receipt. `stale`: with one from long ago. `blind`: with the context null. `plain`: without.
 */
type Action =
  | 'get'
  | 'getMany'
  | 'change'
  | 'held'
  | 'stale'
  | 'blind'
  | 'plain'
  | 'delete'
  | 'update'

/**
 * Keys that are treated alike. `shared`: by all their clients, mostly with contexts. `plain`: mostly without.
 * `register`: each key has one writer. `archive`: each key is written once, with a large value.
 */
type GroupName = 'shared' | 'plain' | 'register' | 'archive'

interface Group {
  readonly actions: Readonly<Partial<Record<Action, number>>>
  /** How many keys are in use at a time, for each client of an archive or register, else for all. */
  readonly keys: number
  readonly valueCharsMax: number
}

const groups: Readonly<Record<GroupName, Group>> = {
  shared: {
    actions: { get: 4, getMany: 1, change: 3, held: 3, stale: 1, blind: 3, delete: 1, update: 2 },
    keys: 4,
    valueCharsMax: 60,
  },
  plain: { actions: { get: 4, plain: 5, change: 1, delete: 1 }, keys: 3, valueCharsMax: 60 },
  register: { actions: { get: 4, held: 4, delete: 0.3 }, keys: 2, valueCharsMax: 60 },
  archive: { actions: { get: 4, blind: 1 }, keys: 1, valueCharsMax: 40_000 },
}

/** Which clients there are. */
export interface ClientPlan {
  readonly name: string
  readonly bucket: BucketName
  readonly group: GroupName
}

export const clientPlans: readonly ClientPlan[] = [
  ...['c1', 'c2', 'c3'].map((name) => ({ name, bucket: 'strict', group: 'shared' }) as const),
  ...['c4', 'c5'].map((name) => ({ name, bucket: 'strict', group: 'plain' }) as const),
  ...['c6', 'c7'].map((name) => ({ name, bucket: 'strict', group: 'register' }) as const),
  ...['c8'].map((name) => ({ name, bucket: 'strict', group: 'archive' }) as const),
  ...['c9', 'c10'].map((name) => ({ name, bucket: 'loose', group: 'shared' }) as const),
  ...['c11'].map((name) => ({ name, bucket: 'loose', group: 'archive' }) as const),
]

/** A key is in use for so long; then another takes its place, and it has only readers until the end. */
const generationMs = 15_000
/** Mean time between two actions. */
const thinkMs = 25
/** Contexts from long ago that a client keeps. */
const staleMax = 4

export interface ClientOptions {
  readonly plan: ClientPlan
  readonly bucket: Bucket<string>
  readonly draw: Draw
  /** Notes that a key is used. */
  readonly used: (key: string) => void
}

/** One session. */
export class Client {
  readonly #options: ClientOptions
  readonly #group: Group
  readonly #held = new Map<string, Context>()
  readonly #stale: { readonly key: string; readonly context: Context }[] = []
  /** Keys whose last write has not ended well: they are read before they are written again. */
  readonly #doubtful = new Set<string>()
  readonly #startMs = performance.now()
  #written = 0

  constructor(options: ClientOptions) {
    this.#options = options
    this.#group = groups[options.plan.group]
  }

  /** Works until `isOver`, whenever there is somebody to be asked. What fails is noted by the bucket. */
  async run(isOver: () => boolean, canAsk: () => boolean): Promise<void> {
    const { draw } = this.#options
    while (!isOver()) {
      await sleep(draw.waiting(thinkMs))
      if (isOver() || !canAsk()) continue
      const action = draw.weighted(this.#group.actions as Record<Action, number>)
      await this.#act(action).catch(() => undefined)
    }
  }

  async #act(action: Action): Promise<void> {
    const { plan, bucket } = this.#options
    if (action === 'getMany') return this.#readMany()
    if (action === 'get') return void (await this.#read(this.#key({ isOwn: false })))
    if (plan.group === 'archive') return this.#writeOnce()
    const key = this.#key({ isOwn: true })
    if (plan.group === 'register' && this.#doubtful.has(key)) await this.#read(key)
    switch (action) {
      case 'change':
        return this.#put(key, (await this.#read(key)).context)
      case 'stale':
        return this.#putStale(key)
      case 'blind':
        return this.#put(key, null)
      case 'plain':
        return this.#put(key, undefined)
      case 'update':
        return this.#hold(
          key,
          bucket.update(key, () => this.#value()),
        )
      case 'delete':
        return this.#hold(key, bucket.delete(key, { context: await this.#contextOf(key) }))
      case 'held':
        return this.#put(key, await this.#contextOf(key))
    }
  }

  #put(key: string, context: Context | null | undefined): Promise<void> {
    const options = context === undefined ? {} : { context }
    return this.#hold(key, this.#options.bucket.put(key, this.#value(), options))
  }

  /** Keeps the context of a write's receipt. */
  async #hold(key: string, writing: Promise<{ readonly context: Context }>): Promise<void> {
    this.#doubtful.add(key)
    const { context } = await writing
    this.#doubtful.delete(key)
    this.#keep(key, context)
  }

  async #read(key: string): Promise<Entry<string>> {
    const entry = await this.#options.bucket.get(key)
    this.#doubtful.delete(key)
    this.#keep(key, entry.context)
    return entry
  }

  async #readMany(): Promise<void> {
    const keys = Array.from({ length: this.#group.keys }, (_, slot) => this.#keyAt(slot, 'all'))
    const entries = await this.#options.bucket.getMany(keys)
    for (const [key, { context }] of entries) this.#keep(key, context)
  }

  #keep(key: string, context: Context): void {
    this.#held.set(key, context)
    if (this.#options.draw.chance(0.8)) return
    this.#stale.push({ key, context })
    if (this.#stale.length > staleMax) this.#stale.shift()
  }

  /** What this client knows of the key; if nothing, it reads. */
  async #contextOf(key: string): Promise<Context> {
    return this.#held.get(key) ?? (await this.#read(key)).context
  }

  async #putStale(key: string): Promise<void> {
    const stale = this.#stale[0]
    if (stale === undefined) return this.#put(key, await this.#contextOf(key))
    return this.#put(stale.key, stale.context)
  }

  /** The next key of an archive, once and for all. */
  async #writeOnce(): Promise<void> {
    const key = this.#archiveKey(this.#written + 1)
    await this.#options.bucket.put(key, this.#value(), { context: null })
  }

  #key({ isOwn }: { readonly isOwn: boolean }): string {
    const { plan, draw } = this.#options
    if (plan.group === 'archive') return this.#archiveKey(draw.whole(1, this.#written + 1))
    const slot = draw.whole(0, this.#group.keys - 1)
    if (plan.group !== 'register') return this.#keyAt(slot, 'all')
    const peers = clientPlans.filter(({ group }) => group === plan.group)
    const owner = isOwn ? plan : draw.pick(peers)
    return this.#keyAt(slot, owner.name)
  }

  #keyAt(slot: number, owner: string): string {
    const generation = Math.floor((performance.now() - this.#startMs) / generationMs)
    return this.#noted(`${this.#options.plan.group}-${owner}-${slot}.${generation}`)
  }

  #archiveKey(count: number): string {
    return this.#noted(`archive-${this.#options.plan.name}-${count}`)
  }

  #noted(key: string): string {
    this.#options.used(key)
    return key
  }

  /** A value that nobody else ever writes. */
  #value(): string {
    const { plan, draw } = this.#options
    const name = `${plan.name}.${++this.#written}`
    return name.padEnd(draw.whole(0, this.#group.valueCharsMax), '.')
  }
}
