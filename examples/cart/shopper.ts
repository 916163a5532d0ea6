/** A client of one instance of the shop, and what the shop told it. */
import type { SimCluster, SimService } from 'coterie/sim'
import type { CartService } from './cart-service.ts'

/** The one cart of this example, so that all shoppers meet. */
export const customer = 'ann'

const turns = 5
const pauseMaxMs = 5000

/** The last that was heard of an item. `perhaps`: an error, after which either answer is right. */
interface Said {
  readonly word: 'added' | 'removed' | 'perhaps'
  readonly atMs: number
}

/** Puts items of its own into the cart, and takes some of them out again. */
export class Shopper {
  readonly #cluster: SimCluster
  readonly #name: string
  readonly #instance: SimService<CartService>
  readonly #said = new Map<string, Said>()

  constructor(cluster: SimCluster, name: string, instance: SimService<CartService>) {
    this.#cluster = cluster
    this.#name = name
    this.#instance = instance
  }

  async shop(): Promise<void> {
    for (let turn = 1; turn <= turns; turn++) {
      const item = `item ${turn} of ${this.#name}`
      await this.#pause()
      await this.#ask(item, 'added', (carts) => carts.add(customer, item))
      if (this.#said.get(item)?.word !== 'added' || this.#cluster.random() < 0.7) continue
      await this.#pause()
      await this.#ask(item, 'removed', (carts) => carts.remove(customer, item))
    }
  }

  /** What the shop said and the cart does not show, in words. */
  complaints(items: readonly string[]): string[] {
    const found: string[] = []
    for (const [item, { word, atMs }] of this.#said) {
      const isWrong = word !== 'perhaps' && items.includes(item) !== (word === 'added')
      if (!isWrong) continue
      const end = word === 'added' ? 'is not in the cart' : 'is in the cart again'
      found.push(`${item} was ${word} at ${(atMs / 1000).toFixed(1)} s and ${end}`)
    }
    return found
  }

  #pause(): Promise<void> {
    return this.#cluster.sleep(this.#cluster.random() * pauseMaxMs)
  }

  async #ask(
    item: string,
    wish: 'added' | 'removed',
    request: (carts: CartService) => Promise<void>,
  ): Promise<void> {
    const note = (word: Said['word']): unknown =>
      this.#said.set(item, { word, atMs: this.#cluster.now() })
    try {
      await this.#instance.call(request)
      note(wish)
    } catch {
      note('perhaps')
    }
  }
}
