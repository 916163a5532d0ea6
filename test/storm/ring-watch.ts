/**
 * What must be so of the ring at every moment: one configuration for each epoch (HAZARDS I1), no
 * replica that serves what was asked of it under another one (F1), and nothing moves but the share
 * of a dead member when another one takes it over.
 */

import type { CoterieNode, Receipt } from '../../src/index.ts'

/** Whether a node owns a key, and in which epoch, as it sees it itself. */
interface Ownership {
  readonly epoch: number
  readonly isOwner: boolean
}

/** What a node's ring says of itself, key by key, until the ring changes. */
interface Own {
  readonly epoch: number
  readonly isOwnerOf: Map<string, boolean>
}

/** How many partitions each member owns. */
type Owned = Readonly<Record<string, number>>

/** What every node that serves thinks of itself, before a write. */
export type Ownerships = ReadonlyMap<string, Ownership>

/** One for a simulation. */
export class RingWatch {
  readonly #found: (problem: string) => void
  readonly #rings = new Map<number, { readonly text: string; readonly node: string }>()
  /** How many partitions each member owns, by epoch. */
  readonly #owned = new Map<number, Owned>()
  /** Members whose places are taken over, by who takes them. */
  readonly #heirs = new Map<string, string>()
  readonly #own = new WeakMap<CoterieNode, Own>()

  constructor(found: (problem: string) => void) {
    this.#found = found
  }

  /** Takes note of the ring in force at a node, now and whenever it changes. */
  listenTo(node: CoterieNode): void {
    node.on('ring-change', () => this.#note(node))
    this.#note(node)
  }

  #note(node: CoterieNode): void {
    const { epoch, n, owned } = node.ring()
    this.#own.set(node, { epoch, isOwnerOf: new Map() })
    const text = JSON.stringify({ n, owned })
    const first = this.#rings.get(epoch)
    if (first === undefined) {
      this.#rings.set(epoch, { text, node: node.id })
      this.#owned.set(epoch, owned)
      this.#judgeTakeovers(epoch)
      this.#judgeTakeovers(epoch + 1)
    } else if (first.text !== text) {
      this.#found(
        `two rings of epoch ${epoch}: ${text} at ${node.id}, ${first.text} at ${first.node}`,
      )
    }
  }

  /** A newcomer asks for the place of a dead member. It may come without it, if that is in vain. */
  expectTakeover({ from, to }: { from: string; to: string }): void {
    this.#heirs.set(to, from)
  }

  /** Who takes over owns what the dead one owned, and everybody else what it owned before. */
  #judgeTakeovers(epoch: number): void {
    const before = this.#owned.get(epoch - 1)
    const after = this.#owned.get(epoch)
    if (before === undefined || after === undefined) return
    for (const [to, from] of this.#heirs) {
      const isTakeover = !(to in before) && to in after && from in before && !(from in after)
      if (!isTakeover) continue
      const { [from]: share, ...others } = before
      if (sameCounts({ ...others, [to]: share ?? 0 }, after)) continue
      this.#found(`the takeover of ${from} by ${to} moved more: ${JSON.stringify([before, after])}`)
    }
  }

  /** What each node thinks of itself and the key. */
  ownerships(nodes: Iterable<CoterieNode>, place: { bucket: string; key: string }): Ownerships {
    const views = new Map<string, Ownership>()
    for (const node of nodes) {
      const own = this.#own.get(node)
      if (own === undefined) continue
      const name = `${place.bucket} ${place.key}`
      let isOwner = own.isOwnerOf.get(name)
      if (isOwner === undefined) own.isOwnerOf.set(name, (isOwner = owns(node, place)))
      views.set(node.id, { epoch: own.epoch, isOwner })
    }
    return views
  }

  /**
   * Nobody is counted as an owner who knew all the time that it was none.
   * @param before what they knew before the write began, `after` when it had ended.
   */
  judge({ acknowledged }: Receipt, views: { before: Ownerships; after: Ownerships }): void {
    for (const { node, role } of acknowledged) {
      const before = views.before.get(node)
      const after = views.after.get(node)
      if (role !== 'primary' || before === undefined || after === undefined) continue
      if (before.epoch !== after.epoch || before.isOwner || after.isOwner) continue
      this.#found(
        `a write was counted at ${node} as at an owner, which it is not since ${after.epoch}`,
      )
    }
  }
}

function sameCounts(one: Owned, other: Owned): boolean {
  const ids = Object.keys(one)
  if (ids.length !== Object.keys(other).length) return false
  return ids.every((id) => one[id] === other[id])
}

function owns(node: CoterieNode, { bucket, key }: { bucket: string; key: string }): boolean {
  return node
    .preferenceList(bucket, key)
    .some(({ id, role }) => id === node.id && role === 'primary')
}
