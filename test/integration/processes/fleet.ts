/** Five node processes, their disks, and the network between them. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sharedDisk, smallDisk, type Disk } from './disk.ts'
import type { Log } from './log.ts'
import { Member, ProcessLostError, StartError } from './member.ts'
import { nameOf } from './named-transport.ts'
import { Network } from './network.ts'
import type { Status } from './protocol.ts'

const memberIds: readonly string[] = ['n1', 'n2', 'n3', 'n4', 'n5']
/** Those whose disks can be full: fewer than the quorums need to go on. */
const smallDiskIds: readonly string[] = ['n4', 'n5']

/** What `Fleet.mayBeIll` tells of, where it ended a process. */
const crashOfDisk = 'crash on a full disk'

const pollMs = 100
const restartAfterMs = 300

export class Fleet {
  readonly network: Network = new Network(memberIds)
  readonly members: readonly Member[]
  readonly #log: Log
  readonly #directory: string = mkdtempSync(join(tmpdir(), 'coterie-processes-'))
  readonly #disks = new Map<string, Disk>()
  readonly #raising = new Map<Member, Promise<void>>()
  /** Members whose disks were full at any time since the starts of their processes. */
  readonly #wasFull = new Set<Member>()
  #isOver = false

  constructor(log: Log) {
    this.#log = log
    const events = {
      listening: (id: string, port: number | undefined): void => this.network.listening(id, port),
      writeRefused: (id: string): void => log.writeRefused(id),
      died: (member: Member, how: { signal: string | null; lastWords: string }): void => {
        this.#mourn(member, how)
      },
    }
    this.members = memberIds.map((id) => new Member(id, events))
  }

  get ids(): readonly string[] {
    return memberIds
  }

  /** Those that a client may ask. */
  get serving(): readonly Member[] {
    return this.members.filter(({ isServing }) => isServing)
  }

  /** Members whose disks can be full. */
  get withSmallDisks(): readonly Member[] {
    return this.members.filter(({ id }) => smallDiskIds.includes(id))
  }

  get diskKind(): Disk['kind'] | undefined {
    return this.#disks.get(smallDiskIds[0] ?? '')?.kind
  }

  /** The first founds the cluster, the others join it. Resolves when all know all. */
  async open(): Promise<void> {
    await this.network.open()
    for (const id of memberIds) {
      const directory = join(this.#directory, id)
      mkdirSync(directory)
      this.#disks.set(id, smallDiskIds.includes(id) ? await smallDisk(directory) : sharedDisk())
    }
    const [founder, ...others] = this.members
    if (founder !== undefined) await this.#start(founder)
    await Promise.all(others.map((member) => this.#start(member)))
  }

  /**
   * Starts the member, again and again until it serves: on a full disk it may be refused. Any other refusal is a
   * find.
   */
  raise(member: Member): Promise<void> {
    let raising = this.#raising.get(member)
    if (raising === undefined) {
      raising = this.#raise(member).finally(() => this.#raising.delete(member))
      this.#raising.set(member, raising)
    }
    return raising
  }

  /** Fills the member's disk, or makes room. */
  async setDiskFull(member: Member, isFull: boolean): Promise<void> {
    const disk = this.#disk(member)
    if (isFull) this.#wasFull.add(member)
    await disk.setFull(isFull)
    if (disk.kind !== 'injected ENOSPC' || member.state !== 'up') return
    await member.ask('disk', { isFull }).catch(unlessLost)
  }

  isDiskFull(member: Member): boolean {
    return this.#disk(member).isFull
  }

  /**
   * Whether the process may be ill after a full disk. The storage looks for room before it writes; but when somebody
   * else fills the disk in that very moment, as here, a write fails, and the package `lmdb` 3.5.6 writes its message
   * beyond the end of 100 bytes (`mdb.c`, `mdb_page_flush`), which ends the process at once, later or never. A restart
   * is the cure.
   */
  mayBeIll(member: Member): boolean {
    return this.#wasFull.has(member) && this.#disk(member).kind === 'small file system'
  }

  /** Everybody runs again, with room on the disk. The network is left to those who broke it. */
  async mend(): Promise<void> {
    for (const member of this.members) {
      if (member.isPaused) member.resume()
      await this.setDiskFull(member, false)
      // What an operator does after a disk has failed in an unknown way.
      if (member.isBroken || this.mayBeIll(member)) await member.kill()
    }
    await Promise.all(this.members.map((member) => this.raise(member)))
  }

  /** Asks all how they stand until `problem` has none, and gives the last one. */
  async until(
    withinMs: number,
    problem: (statuses: readonly Status[]) => string | undefined,
  ): Promise<string | undefined> {
    const deadlineMs = performance.now() + withinMs
    for (;;) {
      const all = this.members.map((member) => member.ask('status', null))
      const found = problem(await Promise.all(all))
      if (found === undefined || performance.now() > deadlineMs) return found
      await sleep(pollMs)
    }
  }

  /** Leaves no process and no file behind, whatever happened. */
  async destroy(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.members.map((member) => member.kill()))
    await Promise.all(this.#raising.values())
    await this.network.close()
    this.destroyNow()
  }

  /** The same without waiting, for an `exit` handler: as good as that can be. */
  destroyNow(): void {
    for (const member of this.members) member.killNow()
    for (const disk of this.#disks.values()) disk.close()
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 })
  }

  async #raise(member: Member): Promise<void> {
    while (!this.#isOver && member.state === 'down') {
      const wasFull = this.isDiskFull(member)
      try {
        await this.#start(member)
      } catch (error) {
        if (!(error instanceof StartError)) throw error
        if (!wasFull && !this.#isOver)
          this.#log.found(`${member.id} did not start: ${error.message}`)
        await sleep(restartAfterMs)
      }
    }
  }

  #mourn(member: Member, how: { signal: string | null; lastWords: string }): void {
    if (this.#isOver) return
    if (how.signal !== null && this.mayBeIll(member)) this.#log.struck(crashOfDisk)
    else this.#log.found(`${member.id} died by itself: ${how.lastWords}`)
    void this.raise(member)
  }

  #start(member: Member): Promise<void> {
    const { id } = member
    const isFounder = id === memberIds[0]
    const disk = this.#disk(member)
    if (!disk.isFull) this.#wasFull.delete(member)
    const settings = {
      id,
      directory: join(this.#directory, id, 'data'),
      seeds: isFounder ? [] : [nameOf(memberIds[0] ?? '')],
      links: this.network.linksOf(id),
      isDiskFull: disk.kind === 'injected ENOSPC' && disk.isFull,
    }
    return member.start(settings, disk.wrap)
  }

  #disk({ id }: Member): Disk {
    const disk = this.#disks.get(id)
    if (disk === undefined) throw new Error(`${id} has no disk`)
    return disk
  }
}

function unlessLost(error: unknown): void {
  if (!(error instanceof ProcessLostError)) throw error
}
