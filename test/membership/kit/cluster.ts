/**
 * Any number of membership machines over a network that loses, delays and separates, on virtual
 * time, with nothing but numbers: no promise, no timer. One seed, one run.
 */
import type { Claim, Status } from '../../../src/membership/claim.ts'
import type { Directive } from '../../../src/membership/directives.ts'
import { Membership } from '../../../src/membership/membership.ts'
import type { MembershipMessage } from '../../../src/membership/messages.ts'
import {
  membershipDefaults,
  type ResolvedMembershipOptions,
} from '../../../src/membership/options.ts'
import { Agenda } from './agenda.ts'
import { seeded } from './random.ts'

export interface ClusterOptions {
  readonly seed: number
  readonly nodes: number
  readonly options?: Partial<ResolvedMembershipOptions>
  /** 0 to 1, of each message. */
  readonly loss?: number
  /** One-way delay is from `latencyMs` to twice that. */
  readonly latencyMs?: number
  /** The transport tells when the process at the other end is gone. */
  readonly refusals?: boolean
}

/** A change of one node's view. */
export interface Sight {
  readonly at: number
  readonly by: string
  readonly member: string
  readonly status: Status
  readonly previous: Status | undefined
}

interface Node {
  readonly id: string
  machine: Membership
  boots: number
  running: boolean
  stalledUntil: number
  tickAt: number
  persisted: number
  duplicates: Directive[]
}

type Event =
  | { kind: 'tick'; node: Node; boot: number; at: number }
  | { kind: 'message'; node: Node; from: string; message: MembershipMessage }
  | { kind: 'refused'; node: Node; boot: number; target: string }

export class Cluster {
  readonly ids: readonly string[]
  readonly sights: Sight[] = []
  /** Messages of any kind that were sent. */
  sent = 0
  now = 0
  /** False for what the network does not carry. */
  carries: (from: string, to: string, message: MembershipMessage) => boolean = () => true
  readonly #nodes = new Map<string, Node>()
  readonly #agenda = new Agenda<Event>()
  readonly #random: () => number
  readonly #start: ClusterOptions
  readonly #options: ResolvedMembershipOptions

  constructor(start: ClusterOptions) {
    this.#start = start
    this.#random = seeded(start.seed)
    this.#options = { ...membershipDefaults, ...start.options }
    this.ids = Array.from({ length: start.nodes }, (_, index) => `n${index + 1}`)
    for (const id of this.ids) {
      const machine = this.#machine(id, { boot: 1, incarnation: 1 })
      this.#nodes.set(id, {
        id,
        machine,
        boots: 1,
        running: true,
        stalledUntil: 0,
        tickAt: Infinity,
        persisted: 1,
        duplicates: [],
      })
    }
    const claims = this.ids.map((id) => this.machine(id).self)
    for (const id of this.ids) this.admit(id, claims)
  }

  machine(id: string): Membership {
    return this.#node(id).machine
  }

  status(observer: string, id: string): Status | undefined {
    return this.machine(observer).member(id)?.status
  }

  /** Reports of a double that the node gave. */
  duplicates(id: string): readonly Directive[] {
    return this.#node(id).duplicates
  }

  persisted(id: string): number {
    return this.#node(id).persisted
  }

  /** True when every running node holds every running node to be alive. */
  allAlive(): boolean {
    const running = this.ids.filter((id) => this.#node(id).running)
    return running.every((a) => running.every((b) => this.status(a, b) === 'alive'))
  }

  admit(id: string, claims: readonly Claim[]): void {
    const node = this.#node(id)
    this.#carryOut(node, node.machine.admit(this.now, claims))
  }

  deliver(to: string, from: string, message: MembershipMessage): void {
    const node = this.#node(to)
    this.#carryOut(node, node.machine.receive(this.now, from, message))
  }

  leave(id: string): void {
    const node = this.#node(id)
    this.#carryOut(node, node.machine.leave(this.now))
  }

  crash(id: string): void {
    this.#node(id).running = false
    if (this.#start.refusals !== true) return
    for (const other of this.ids) {
      const node = this.#node(other)
      if (other === id || !this.carries(other, id, { kind: 'gossip', claims: [] })) continue
      this.#agenda.add(this.now + 1, { kind: 'refused', node, boot: node.boots, target: id })
    }
  }

  /**
   * Starts the process again, with its memory of the others unless `claims` says what it remembers.
   */
  restart(id: string, life: { incarnation?: number; claims?: readonly Claim[] } = {}): void {
    const node = this.#node(id)
    const claims = life.claims ?? node.machine.claims().filter((claim) => claim.id !== id)
    node.boots += 1
    node.persisted = life.incarnation ?? node.persisted + 1
    node.machine = this.#machine(id, { boot: node.boots, incarnation: node.persisted })
    node.running = true
    node.stalledUntil = 0
    node.tickAt = Infinity
    this.admit(id, claims)
  }

  /** The event loop of the node does nothing for so long; what arrives waits. */
  stall(id: string, ms: number): void {
    this.#node(id).stalledUntil = this.now + ms
  }

  run(ms: number): void {
    const end = this.now + ms
    while (this.#agenda.nextAt <= end) this.#step()
    this.now = end
  }

  /**
   * Runs until it is so. Returns the milliseconds it took, `Infinity` if it was not so within `ms`.
   */
  runUntil(isSo: () => boolean, ms: number): number {
    const start = this.now
    while (!isSo()) {
      if (this.#agenda.nextAt > start + ms) return Infinity
      this.#step()
    }
    return this.now - start
  }

  #step(): void {
    const next = this.#agenda.take()
    if (next === undefined) return
    this.now = next.at
    const { item } = next
    const { node } = item
    if (!node.running) return
    if (node.stalledUntil > this.now) {
      this.#agenda.add(node.stalledUntil, item)
      return
    }
    if (item.kind === 'message') {
      this.#carryOut(node, node.machine.receive(this.now, item.from, item.message))
    } else if (item.boot !== node.boots) {
      return
    } else if (item.kind === 'refused') {
      this.#carryOut(node, node.machine.unreachable(this.now, item.target))
    } else if (item.at === node.tickAt) {
      node.tickAt = Infinity
      this.#carryOut(node, node.machine.tick(this.now))
    }
  }

  #carryOut(node: Node, directives: readonly Directive[]): void {
    for (const directive of directives) {
      if (directive.kind === 'send') this.#send(node, directive.to, directive.message)
      else if (directive.kind === 'duplicate') node.duplicates.push(directive)
      else if (directive.kind === 'persist-incarnation') node.persisted = directive.value
      else {
        const { member, previous } = directive
        const { id, status } = member
        this.sights.push({ at: this.now, by: node.id, member: id, status, previous })
      }
    }
    const at = node.machine.nextTickAt()
    if (at === node.tickAt) return
    node.tickAt = at
    this.#agenda.add(at, { kind: 'tick', node, boot: node.boots, at })
  }

  #send(node: Node, to: string, message: MembershipMessage): void {
    this.sent += 1
    const { loss = 0, latencyMs = 1, refusals = false } = this.#start
    const target = this.#nodes.get(to)
    if (target === undefined || !this.carries(node.id, to, message)) return
    if (loss > 0 && this.#random() < loss) return
    const at = this.now + latencyMs * (1 + this.#random())
    if (target.running)
      this.#agenda.add(at, { kind: 'message', node: target, from: node.id, message })
    else if (refusals) this.#agenda.add(at, { kind: 'refused', node, boot: node.boots, target: to })
  }

  #machine(id: string, life: { boot: number; incarnation: number }): Membership {
    const { incarnation } = life
    const self = {
      id,
      store: `s-${id}`,
      address: `${id}:1`,
      boot: `${id}#${life.boot}`,
      incarnation,
    }
    return new Membership({ self, options: this.#options, random: this.#random })
  }

  #node(id: string): Node {
    const node = this.#nodes.get(id)
    if (node === undefined) throw new Error(`no node ${id}`)
    return node
  }
}

/** The value below which the share `p` of the numbers lies. */
export function percentile(numbers: readonly number[], p: number): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)] ?? Number.NaN
}
