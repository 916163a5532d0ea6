/** The clients of a storm: each is one session that does one thing after the other. */

import { ClosedError, InvalidContextError } from '../../src/index.ts'
import type { Bucket, Context, Entry } from '../../src/index.ts'
import type { Draw } from './draw.ts'
import type { Action, ClientPlan, GroupPlan } from './plan-workload.ts'
import type { World } from './world.ts'

/** Contexts from long ago that a client keeps. */
const staleMax = 4

/** How many of the values have a time to live, where some have. */
const mortalShare = 0.2
/** Longest time to live, milliseconds. */
export const ttlMaxMs = 8_000

/** What a client works with. */
export interface ClientOptions {
  readonly world: World
  readonly plan: ClientPlan
  readonly group: GroupPlan
  /** Roams over the nodes. */
  readonly bucket: Bucket<string>
  /** The same, without a record: for mistakes on purpose. */
  readonly unrecorded: Bucket<string>
  readonly draw: Draw
  /** The keys that this client alone writes; undefined when all may write all. */
  readonly owned: readonly string[] | undefined
}

/** One session. */
export class Client {
  readonly #options: ClientOptions
  readonly #held = new Map<string, Context>()
  readonly #stale: { key: string; context: Context }[] = []
  /**
   * Keys of its own whose last write has not ended well: they are read before they are written
   * again.
   */
  readonly #doubtful = new Set<string>()
  #written = 0

  constructor(options: ClientOptions) {
    this.#options = options
  }

  /** Works until `isOver`; at least one node must serve whenever it does something. */
  async run(isOver: () => boolean, canAsk: () => boolean): Promise<void> {
    const { world, draw, plan } = this.#options
    while (!isOver()) {
      await world.cluster.sleep(draw.waiting(plan.thinkMs))
      if (isOver() || !canAsk()) continue
      const action = draw.weighted(plan.actions)
      await this.#act(action).catch((error: unknown) => {
        world.expectable(`"${action}" of ${plan.name}`, error)
      })
    }
  }

  async #act(action: Action): Promise<void> {
    const { draw, owned, group } = this.#options
    if (action === 'get-many') return this.#readMany()
    if (action === 'get') return void (await this.#read(this.#key()))
    if (group.name === 'archive') return this.#writeOnce()
    if (owned?.length === 0) return void (await this.#read(this.#key()))
    const key = owned === undefined ? this.#key() : draw.pick(owned)
    if (this.#doubtful.has(key)) await this.#read(key)
    return this.#write(action, key)
  }

  async #write(action: Action, key: string): Promise<void> {
    const { bucket } = this.#options
    switch (action) {
      case 'change': {
        const { context } = await this.#read(key)
        return this.#put(key, context)
      }
      case 'stale':
        return this.#putStale(key)
      case 'foreign':
        return this.#putForeign(key)
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
      default:
        return this.#put(key, await this.#contextOf(key))
    }
  }

  #put(key: string, context: Context | null | undefined): Promise<void> {
    const { world, draw, bucket } = this.#options
    const isMortal = world.plan.isMortal && draw.chance(mortalShare)
    const options = {
      ...(context === undefined ? {} : { context }),
      ...(isMortal ? { ttlMs: draw.whole(1, ttlMaxMs) } : {}),
    }
    return this.#hold(key, bucket.put(key, this.#value(), options))
  }

  /** Keeps the context of a write's receipt. */
  async #hold(key: string, writing: Promise<{ context: Context }>): Promise<void> {
    if (this.#options.owned !== undefined) this.#doubtful.add(key)
    const { context } = await writing
    this.#doubtful.delete(key)
    this.#keep(key, context)
  }

  async #read(key: string): Promise<Entry<string>> {
    const entry = await this.#options.bucket.get(key)
    this.#judge(entry)
    return entry
  }

  async #readMany(): Promise<void> {
    const { draw, group, bucket } = this.#options
    const keys = draw.shuffled(group.keys).slice(0, 4)
    for (const entry of (await bucket.getMany(keys)).values()) this.#judge(entry)
  }

  /** What must be so of every read, whatever was written. */
  #judge({ key, siblings, context }: Entry<string>): void {
    const { world } = this.#options
    this.#doubtful.delete(key)
    this.#keep(key, context)
    if (new Set(siblings).size !== siblings.length) {
      world.found(`a read of "${key}" shows one value twice: ${siblings.map(short).join(', ')}`)
    }
  }

  #keep(key: string, context: Context): void {
    const { draw } = this.#options
    this.#held.set(key, context)
    if (draw.chance(0.8)) return
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

  async #putForeign(key: string): Promise<void> {
    const { world, unrecorded } = this.#options
    const foreign = [...this.#held].find(([other]) => other !== key)
    if (foreign === undefined) return
    const outcome = await unrecorded.put(key, this.#value(), { context: foreign[1] }).then(
      () => 'was taken',
      (error: unknown) => (isRefusal(error) ? '' : `ended with ${String(error)}`),
    )
    const words = `a write of "${key}" with a context of "${foreign[0]}"`
    if (outcome !== '') world.found(`${words} ${outcome}`)
  }

  /** The next key of an archive, once and for all. */
  async #writeOnce(): Promise<void> {
    const { owned, bucket, world } = this.#options
    const key = owned?.[this.#written]
    if (key === undefined) return
    await bucket.put(key, this.#value(), { context: null })
    world.copies.acknowledged(key)
  }

  /** Early keys more often, by the skew. */
  #key(): string {
    const { draw, group } = this.#options
    const at = Math.floor(group.keys.length * draw.share() ** (1 + group.skew))
    return group.keys[at] ?? draw.pick(group.keys)
  }

  /** A value that nobody else ever writes. */
  #value(): string {
    const { plan, group, draw } = this.#options
    const name = `${plan.name}.${++this.#written}`
    return name.padEnd(draw.whole(0, group.valueMax), '·')
  }
}

/** A node that is about to close refuses everything. */
function isRefusal(error: unknown): boolean {
  return error instanceof InvalidContextError || error instanceof ClosedError
}

function short(value: string): string {
  return value.replace(/·+$/, '')
}
