/**
 * What a shopping cart is. Two states of a cart can be put together in any order, as often as one
 * likes, and nothing that a customer did is forgotten (an observed-remove set).
 */

/** The state of one cart. */
export interface Cart {
  /** All that was ever put in: each addition has a name of its own. */
  readonly added: Readonly<Record<string, string>>
  /** The names of the additions that were taken out again. */
  readonly removed: readonly string[]
}

export const emptyCart: Cart = { added: {}, removed: [] }

/** The cart with what was done to either. */
export function together(a: Cart, b: Cart): Cart {
  return {
    added: { ...a.added, ...b.added },
    removed: [...new Set([...a.removed, ...b.removed])],
  }
}

export function itemsOf(cart: Cart): string[] {
  return namesOf(cart).map((name) => cart.added[name] ?? '')
}

export function withItem(cart: Cart, name: string, item: string): Cart {
  return { ...cart, added: { ...cart.added, [name]: item } }
}

/**
 * Takes out the additions of the item that this cart knows of: one made elsewhere meanwhile stays.
 * @throws {Error} when there is none.
 */
export function withoutItem(cart: Cart, item: string): Cart {
  const names = namesOf(cart).filter((name) => cart.added[name] === item)
  if (names.length === 0) throw new Error(`${item} is not in the cart`)
  return { ...cart, removed: [...cart.removed, ...names] }
}

function namesOf({ added, removed }: Cart): string[] {
  return Object.keys(added).filter((name) => !removed.includes(name))
}
