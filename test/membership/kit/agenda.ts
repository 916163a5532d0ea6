/**
 * What is to happen in virtual time: a binary heap by time, then by the order in which it was
 * entered.
 */
export class Agenda<T> {
  readonly #items: { at: number; order: number; item: T }[] = []
  #order = 0

  add(at: number, item: T): void {
    const entry = { at, order: this.#order, item }
    this.#order += 1
    const items = this.#items
    let index = items.length
    items.push(entry)
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = items[parent]
      if (above === undefined || !isBefore(entry, above)) break
      items[index] = above
      index = parent
    }
    items[index] = entry
  }

  get nextAt(): number {
    return this.#items[0]?.at ?? Infinity
  }

  take(): { at: number; item: T } | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (first === undefined || last === undefined || items.length === 0) return first
    let index = 0
    for (;;) {
      const left = 2 * index + 1
      const leftItem = items[left]
      if (leftItem === undefined) break
      const rightItem = items[left + 1]
      const isRight = rightItem !== undefined && isBefore(rightItem, leftItem)
      const child = isRight ? rightItem : leftItem
      if (!isBefore(child, last)) break
      items[index] = child
      index = isRight ? left + 1 : left
    }
    items[index] = last
    return first
  }
}

function isBefore(a: { at: number; order: number }, b: { at: number; order: number }): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
