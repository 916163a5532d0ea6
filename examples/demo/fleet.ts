/** The five node processes and the temporary directory that holds their data. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Member, type MemberEvents } from './member.ts'
import type { Report } from './protocol.ts'

export const nodeIds: readonly string[] = ['n1', 'n2', 'n3', 'n4', 'n5']
const pollMs = 50

export class Fleet {
  readonly members: readonly Member[]
  readonly #directory: string
  #turn = 0

  constructor(events: MemberEvents) {
    this.#directory = mkdtempSync(join(tmpdir(), 'coterie-demo-'))
    this.members = nodeIds.map((id) => {
      return new Member({ id, directory: join(this.#directory, id) }, events)
    })
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
        ({ ring }) => Object.keys(ring.owned).length === nodeIds.length,
      )
      return complete.length === nodeIds.length
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
      const reports = await Promise.all(this.up.map((member) => member.ask('report', null)))
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
