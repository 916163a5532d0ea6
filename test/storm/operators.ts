/**
 * The people in the machine room: they start what is down, as long as nobody holds it down, and
 * take care that a majority of the members can always decide on the ring.
 */

import { InvalidArgumentError, JoinError } from '../../src/index.ts'
import type { CoterieNode, Member } from '../../src/index.ts'
import type { CrashOptions } from '../../src/sim/index.ts'
import type { World } from './world.ts'

/** Time between two attempts to start a node, milliseconds. */
const retryMs = 500

/** Options with which a node is started. */
interface Wish {
  readonly weight?: number
  readonly zone?: string
  readonly replaces?: string
}

/** Keeps the machines of a simulation running. */
export class Operators {
  /** Second processes on copies of disks: they serve, but nobody starts them again. */
  readonly twins: Set<string> = new Set()
  readonly #world: World
  readonly #holds = new Map<string, number>()
  readonly #rising = new Set<string>()
  readonly #paused = new Set<string>()
  /** Nodes that are members, or will be again. */
  readonly #members = new Set<string>()
  /** Members whose votes on the ring are missing until they come back with an empty disk. */
  readonly #voteless = new Set<string>()
  /** Of these, the ones whose disk is empty already. */
  readonly #emptied = new Set<string>()
  /** Nodes that are to leave the ring, or may have. */
  readonly #outgoing = new Set<string>()
  /** Nodes on a disk whose place another one has taken: none of them may be a member again. */
  readonly #fenced = new Set<string>()
  /** What a node asks for whenever it is started. */
  readonly #wishes = new Map<string, Wish>()

  constructor(world: World) {
    this.#world = world
    for (const name of world.cluster.names) this.#welcome(world.cluster.node(name))
  }

  /** Nodes that serve and are not paused, twins among them. */
  serving(): string[] {
    const names = [...this.#world.cluster.names, ...this.twins]
    return names.filter((name) => this.isUp(name) && !this.#paused.has(name))
  }

  isUp(name: string): boolean {
    return this.#world.cluster.isUp(name)
  }

  nodeOf(name: string): CoterieNode | undefined {
    return this.isUp(name) ? this.#world.cluster.node(name) : undefined
  }

  /** Nobody starts the node until as many releases as holds. */
  hold(name: string): void {
    this.#holds.set(name, (this.#holds.get(name) ?? 0) + 1)
  }

  release(name: string): void {
    const holds = (this.#holds.get(name) ?? 0) - 1
    this.#holds.set(name, Math.max(0, holds))
    if (holds <= 0) void this.#raise(name)
  }

  async crash(name: string, options: CrashOptions): Promise<void> {
    this.hold(name)
    this.#paused.delete(name)
    this.#world.ledger.died(name)
    await this.#world.cluster.crash(name, options)
  }

  /** Stops the node as for a restart. False when it is not up. */
  async stop(name: string): Promise<boolean> {
    const node = this.nodeOf(name)
    if (node === undefined || this.#paused.has(name)) return false
    this.hold(name)
    await node.close()
    return true
  }

  /** Starts one node more. False when it did not start at once; then it is tried again. */
  async add(name: string, options: Wish): Promise<boolean> {
    this.#rising.add(name)
    this.wish(name, options)
    let isStarted = true
    try {
      this.#welcome(await this.#world.cluster.add(name, options))
    } catch (error) {
      isStarted = false
      await this.#startFailed(name, error)
    }
    this.#rising.delete(name)
    void this.#raise(name)
    return isStarted
  }

  /** From now on the node asks for this as well, whenever it is started. */
  wish(name: string, wish: Wish): void {
    this.#wishes.set(name, { ...this.#wishes.get(name), ...wish })
  }

  /** Whether a member has the weight and the zone that it asks for. */
  hasItsWish({ id, weight, zone }: Member): boolean {
    const wish = this.#wishes.get(id)
    return weight === (wish?.weight ?? weight) && zone === (wish?.zone ?? zone)
  }

  /** False when it is paused already or not up. */
  pause(name: string): boolean {
    if (this.#paused.has(name) || !this.isUp(name)) return false
    this.#paused.add(name)
    this.#world.ledger.paused(name)
    this.#world.cluster.pause(name)
    return true
  }

  resume(name: string): void {
    if (!this.#paused.delete(name)) return
    this.#world.ledger.resumed(name)
    this.#world.cluster.resume(name)
  }

  /**
   * Whether the others can do without the node's vote on the ring; if so, they have to, until it is
   * back with an empty disk. While a newcomer has no vote yet, they cannot.
   */
  takeVote(name: string): boolean {
    if (this.#awaitsVote()) return false
    const voteless = new Set([...this.#voteless, name])
    if (voteless.size > Math.floor((this.#members.size - 1) / 2)) return false
    this.#voteless.add(name)
    return true
  }

  /** Whether any node knows of a member without a vote. */
  #awaitsVote(): boolean {
    return this.#world.cluster.names.some((name) =>
      this.nodeOf(name)
        ?.members()
        .some(({ stage }) => stage === 'joining'),
    )
  }

  /** Empties the disk of a node that is down, so that it comes back as a new member. */
  async empty(name: string): Promise<void> {
    this.#voteless.add(name)
    this.#emptied.add(name)
    this.#fenced.delete(name)
    await this.#world.cluster.crash(name, { lose: 'everything' })
  }

  /** The disk of a node that is down has old data again: it comes back without its vote, and may not have it anew. */
  rollBack(name: string): void {
    this.#emptied.delete(name)
  }

  /** From now on the node may find that it is no member any more. */
  expectDeparture(name: string): void {
    this.#outgoing.add(name)
  }

  /** The node may start on its old disk, and has to find that another one has its place. */
  expectFenced(name: string): void {
    this.#fenced.add(name)
  }

  /** Nodes that run on a disk whose place another one has taken. */
  fenced(): string[] {
    return [...this.#fenced].filter((name) => this.isUp(name))
  }

  /** Starts whatever is down and not held; nothing is paused any more. */
  raiseAll(): void {
    for (const name of this.#world.cluster.names) {
      this.resume(name)
      void this.#raise(name)
    }
  }

  async #raise(name: string): Promise<void> {
    const isFree = (): boolean => (this.#holds.get(name) ?? 0) === 0 && !this.isUp(name)
    if (this.#rising.has(name) || !isFree()) return
    this.#rising.add(name)
    while (isFree()) {
      try {
        this.#welcome(await this.#world.cluster.restart(name, this.#wishes.get(name)))
      } catch (error) {
        await this.#startFailed(name, error)
        await this.#world.cluster.sleep(retryMs)
      }
    }
    this.#rising.delete(name)
  }

  /** An heir that comes late asks for the place still, even of one that came back meanwhile and is down again. */
  #mayBeOut(name: string): boolean {
    const wishes = [...this.#wishes.values()]
    return this.#outgoing.has(name) || wishes.some(({ replaces }) => replaces === name)
  }

  async #startFailed(name: string, error: unknown): Promise<void> {
    if (error instanceof JoinError && error.message.includes('has left its cluster for good')) {
      if (!this.#mayBeOut(name)) this.#world.found(`${name} was put out by nobody`)
      if ((this.#holds.get(name) ?? 0) === 0) await this.empty(name)
    } else if (error instanceof InvalidArgumentError && this.#wishes.get(name)?.replaces) {
      // Somebody else has that place, or nobody has it any more: it comes as any other node.
      this.#wishes.delete(name)
    } else {
      this.#world.expectable(`the start of ${name}`, error)
    }
  }

  #welcome(node: CoterieNode): void {
    const name = node.id
    this.#members.add(name)
    if (this.#emptied.delete(name)) {
      this.#voteless.delete(name)
      this.#outgoing.delete(name)
    }
    this.#world.listenTo(node)
    // A node that is closed although nobody holds it has closed itself.
    node.once('close', () => void this.#raiseLater(name))
  }

  async #raiseLater(name: string): Promise<void> {
    await this.#world.cluster.sleep(retryMs)
    await this.#raise(name)
  }
}
