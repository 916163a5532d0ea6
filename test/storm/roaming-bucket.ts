/** A bucket that asks one node now and another then, as a client behind a load balancer does. */

import { lww } from '../../src/index.ts'
import type { Bucket, BucketOptions, Entry, Receipt, RequestOptions } from '../../src/index.ts'
import { putMany } from '../../src/node/put-many.ts'
import type { Draw } from './draw.ts'
import type { Operators } from './operators.ts'
import type { GroupName } from './plan-workload.ts'
import type { Ownerships } from './ring-watch.ts'
import type { World } from './world.ts'

type Parameter<M extends keyof Bucket<string>, I extends number> = Bucket<string>[M] extends (
  ...args: infer A
) => unknown
  ? A[I]
  : never

/** Options of a group's bucket, the same on every node. */
export function bucketOptions(group: GroupName): BucketOptions<string> {
  return group === 'lww' ? { conflicts: lww<string>() } : {}
}

/** How often it is looked whether a node serves again, milliseconds. */
const retryMs = 100

/** What a roaming bucket needs. */
export interface RoamingOptions {
  readonly world: World
  readonly operators: Operators
  readonly draw: Draw
  /** How likely it stays with the node that it asked last. */
  readonly loyalty: number
  /** The node that it asks first. @default any */
  readonly first?: string
}

/** Each operation goes to one node that serves; there must be one. */
export class RoamingBucket implements Bucket<string> {
  readonly name: GroupName
  readonly #options: RoamingOptions
  #last: string | undefined

  constructor(name: GroupName, options: RoamingOptions) {
    this.name = name
    this.#options = options
    this.#last = options.first
  }

  get(key: string, options?: Parameter<'get', 1>): Promise<Entry<string>> {
    return this.#ask('get', options, (bucket) => bucket.get(key, options))
  }

  getMany(
    keys: readonly string[],
    options?: Parameter<'getMany', 1>,
  ): Promise<Map<string, Entry<string>>> {
    return this.#ask('getMany', options, (bucket) => bucket.getMany(keys, options))
  }

  put(key: string, value: string, options?: Parameter<'put', 2>): Promise<Receipt> {
    return this.#write(key, () =>
      this.#ask('put', options, (bucket) => bucket.put(key, value, options)),
    )
  }

  putMany(
    writes: Parameter<'putMany', 0>,
    options: Parameter<'putMany', 1> = {},
  ): Promise<Map<string, Receipt>> {
    return putMany(writes, options, (key, value, each) => this.put(key, value, each))
  }

  update(
    key: string,
    change: Parameter<'update', 1>,
    options?: Parameter<'update', 2>,
  ): Promise<Receipt> {
    return this.#write(key, () =>
      this.#ask('update', options, (bucket) => bucket.update(key, change, options)),
    )
  }

  delete(key: string, options?: Parameter<'delete', 1>): Promise<Receipt> {
    return this.#write(key, () =>
      this.#ask('delete', options, (bucket) => bucket.delete(key, options)),
    )
  }

  entries(): never {
    throw new Error('the storm does not scan')
  }

  keys(): never {
    throw new Error('the storm does not scan')
  }

  /** Where members come and go, it is looked who is counted as an owner. */
  async #write(key: string, write: () => Promise<Receipt>): Promise<Receipt> {
    const { world } = this.#options
    if (!world.plan.cluster.hasTopology) return write()
    const before = this.#ownerships(key)
    const receipt = await write()
    world.rings.judge(receipt, { before, after: this.#ownerships(key) })
    return receipt
  }

  #ownerships(key: string): Ownerships {
    const { world, operators } = this.#options
    const nodes = operators.serving().flatMap((name) => operators.nodeOf(name) ?? [])
    return world.rings.ownerships(nodes, { bucket: this.name, key })
  }

  async #ask<T>(
    what: 'get' | 'getMany' | 'put' | 'update' | 'delete',
    options: RequestOptions | undefined,
    use: (bucket: Bucket<string>) => Promise<T>,
  ): Promise<T> {
    const { world } = this.#options
    const node = await this.#choose()
    const bucket = world.cluster.node(node).bucket(this.name, bucketOptions(this.name))
    // An update is a read and a write, each with the whole deadline.
    const limitMs =
      (what === 'update' ? 2 : 1) * (options?.timeoutMs ?? world.plan.cluster.timeoutMs)
    world.checks += 1
    try {
      const value = await world.ledger.watch({ what, node, limitMs }, use(bucket))
      world.ended()
      return value
    } catch (error) {
      world.ended(error)
      throw error
    }
  }

  /** While no node serves, it waits for one. */
  async #choose(): Promise<string> {
    const { world, operators, draw, loyalty } = this.#options
    let serving = operators.serving()
    while (serving.length === 0) {
      await world.cluster.sleep(retryMs)
      serving = operators.serving()
    }
    const isLoyal = this.#last !== undefined && serving.includes(this.#last)
    if (!isLoyal || !draw.chance(loyalty)) this.#last = draw.pick(serving)
    return this.#last ?? ''
  }
}
