/** Sessions in a bucket: every instance of the service sees them, and they outlive each of them. */
import { randomUUID } from 'node:crypto'
import { merge, type Bucket, type CoterieNode } from 'coterie'

export interface Session {
  readonly user: string
  /** What is in the cart: a set. */
  readonly items: readonly string[]
}

/** Two requests of one session may meet at two instances: the items of both stay. */
const conflicts = merge<Session>((a, b) => ({
  user: a.user,
  items: [...new Set([...a.items, ...b.items])].toSorted(),
}))

const lifetimeMs = 30 * 60_000

export class SessionStore {
  readonly #sessions: Bucket<Session>

  constructor(node: CoterieNode) {
    this.#sessions = node.bucket<Session>('sessions', { conflicts, ttlMs: lifetimeMs })
  }

  /** Starts a session and returns its id. */
  async start(user: string): Promise<string> {
    const id = randomUUID()
    await this.#sessions.put(id, { user, items: [] })
    return id
  }

  async find(id: string): Promise<Session | undefined> {
    return (await this.#sessions.get(id)).value()
  }

  /** Adding an item twice is adding it once, so that a client may try again. */
  async addItem(id: string, item: string): Promise<void> {
    await this.#sessions.update(id, ([session]) => {
      if (session === undefined) throw new Error('the session has ended')
      return { ...session, items: [...new Set([...session.items, item])].toSorted() }
    })
  }

  async end(id: string): Promise<void> {
    await this.#sessions.delete(id)
  }
}
