/** The node processes and the temporary directory that holds their data. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Member, type MemberEvents } from './member.ts'
import type { Report } from './protocol.ts'

/** The nodes with which the cluster starts, and the one that joins it later. */
export const founders: readonly string[] = ['n1', 'n2', 'n3', 'n4', 'n5']
export const newcomer = 'n6'
const pollMs = 50

export class Fleet {
  readonly #members: Member[] = []
  readonly #directory: string
  readonly #events: MemberEvents
  #turn = 0

  constructor(events: MemberEvents) {
    this.#directory = mkdtempSync(join(tmpdir(), 'coterie-demo-'))
    this.#events = events
    for (const id of founders) this.add(id)
  }

  /** All that have ever been started, also those that have left. */
  get members(): readonly Member[] {
    return this.#members
  }

  /** One more, to be started. */
  add(id: string): Member {
    const member = new Member({ id, directory: join(this.#directory, id) }, this.#events)
    this.#members.push(member)
    return member
  }

  member(id: string): Member {
    const found = this.members.find((member) => member.id === id)
    if (found === undefined) throw new Error(`there is no node ${id}`)
    return found
  }

  get up(): readonly Member[] {
    return this.members.filter(({ state }) => state === 'up')
  }

  get addresses(): readonly string[] {
    return this.up.map(({ address }) => address)
  }

  /** The first founds the cluster, the others join it. Resolves when all know all. */
  async start(): Promise<void> {
    const [first, ...others] = this.members
    if (first === undefined) return
    await first.start([])
    await Promise.all(others.map((member) => member.start([first.address])))
    await this.until('all nodes to know the whole ring', 10_000, (reports) => {
      const complete = reports.filter(
        ({ ring }) => Object.keys(ring.owned).length === founders.length,
      )
      return complete.length === founders.length
    })
  }

  /** The members that are up, in turn. */
  next(): Member {
    const { up } = this
    const member = up[this.#turn++ % up.length]
    if (member === undefined) throw new Error('no node is up')
    return member
  }

  /** Asks all that are up how they stand until it holds. */
  async until(
    what: string,
    withinMs: number,
    holds: (reports: readonly Report[]) => boolean,
  ): Promise<void> {
    const deadlineMs = performance.now() + withinMs
    for (;;) {
      const reports = await Promise.all(this.up.map((member) => member.look()))
      if (holds(reports)) return
      if (performance.now() > deadlineMs) {
        throw new Error(`waited ${withinMs / 1000} s for ${what}: ${JSON.stringify(reports)}`)
      }
      await new Promise((resolve) => setTimeout(resolve, pollMs))
    }
  }

  /** Closes the nodes in good order. */
  async stop(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop()))
  }

  /** Leaves no process and no file behind, whatever happened. A process that still ran could make files anew. */
  async destroy(): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()))
    this.destroyNow()
  }

  /** The same without waiting, for an `exit` handler: as good as that can be. */
  destroyNow(): void {
    for (const member of this.members) member.killNow()
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 })
  }
}
