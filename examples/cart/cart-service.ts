/**
 * The service under test: carts of customers, kept in coterie. Every instance of the shop has one.
 * It knows nothing of the simulator; what it takes from the outside is a bucket and a source of
 * names.
 */
import type { Bucket } from 'coterie'
import { emptyCart, itemsOf, together, withItem, withoutItem, type Cart } from './cart.ts'

/** Makes one cart of the siblings that a read returns: none, one, or several. */
export type Reading = (siblings: readonly Cart[]) => Cart

/**
 * The planted bug. It looks innocent, because a cart nearly always has one state. When it has two,
 * the write that follows has the context of both: it replaces both, and keeps the items of one.
 */
export const firstSibling: Reading = ([cart = emptyCart]) => cart

/** The repair. */
export const allSiblings: Reading = (siblings) => siblings.reduce(together, emptyCart)

/** What a cart service is made of. */
export interface CartServiceOptions {
  readonly bucket: Bucket<Cart>
  readonly reading: Reading
  /** A new name at each call, different from those of all other instances. */
  readonly newName: () => string
}

export class CartService {
  readonly #carts: Bucket<Cart>
  readonly #reading: Reading
  readonly #newName: () => string

  constructor({ bucket, reading, newName }: CartServiceOptions) {
    this.#carts = bucket
    this.#reading = reading
    this.#newName = newName
  }

  async items(customer: string): Promise<string[]> {
    const { siblings } = await this.#carts.get(customer)
    return itemsOf(this.#reading(siblings))
  }

  async add(customer: string, item: string): Promise<void> {
    const name = this.#newName()
    await this.#carts.update(customer, (siblings) => withItem(this.#reading(siblings), name, item))
  }

  /** @throws {Error} when the item is not in the cart. */
  async remove(customer: string, item: string): Promise<void> {
    await this.#carts.update(customer, (siblings) => withoutItem(this.#reading(siblings), item))
  }
}
