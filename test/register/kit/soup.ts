/**
 * A soup of register messages: several proposers at once, and a network that loses, repeats and
 * reorders; nodes that crash and come back with what they had made durable, or with an empty
 * storage; a membership that changes with each epoch. One seed, one run. `chain.ts` watches it.
 */

import { nextBallot, type Ballot } from '../../../src/ring/register/ballot.ts'
import {
  emptyAcceptor,
  onLearn,
  onRequest,
  type AcceptorState,
} from '../../../src/ring/register/acceptor.ts'
import type { RegisterReply, RegisterRequest } from '../../../src/ring/register/messages.ts'
import {
  Proposal,
  type ProposalDirective,
  type ProposalOutcome,
} from '../../../src/ring/register/proposal.ts'
import { Chain } from './chain.ts'
import { configuration, member, storeOf } from './configurations.ts'
import { randomChange } from './random-change.ts'
import { seededRandom, type SeededRandom } from './seeded-random.ts'

/** Ways to break the register, each of which the watch must notice. */
export interface Faults {
  /** What a node finds on its disk after a crash. */
  readonly reread?: (state: AcceptorState) => AcceptorState
  /** What an acceptor looks at before it votes. */
  readonly lookedAt?: (state: AcceptorState) => AcceptorState
  /** What a proposer understands of a reply. */
  readonly heard?: (reply: RegisterReply) => RegisterReply
  /** A proposer's name does not change with a restart. */
  readonly sameProposer?: boolean
  /** An emptied storage keeps its identity. */
  readonly sameStore?: boolean
}

export interface SoupOptions {
  readonly seed: number
  readonly steps: number
  /** Whether storages are emptied now and then. */
  readonly wipes: boolean
  readonly faults?: Faults
}

type Message = { readonly from: string; readonly to: string } & (
  | { readonly request: RegisterRequest }
  | { readonly reply: RegisterReply }
)

interface Node {
  readonly id: string
  store: string
  state: AcceptorState
  boot: number
  proposal: Proposal | undefined
  /** The highest ballot seen, with the epoch it is for. Lost in a crash. */
  seen: { epoch: number; ballot: Ballot | undefined }
  /** How long the chain was when the proposal began. */
  chainAtStart: number
}

const NODES = ['a', 'b', 'c', 'd', 'e', 'f', 'g']

export class Soup {
  readonly chain: Chain
  readonly #random: SeededRandom
  readonly #options: SoupOptions
  readonly #nodes: Map<string, Node>
  /** How much of 100 that is chosen gets lost on its way, or to a crash of the proposer: in some runs
   *  nearly all, so that an epoch stays in dispute after it is decided. */
  #learnLoss: number
  // What a run is like is drawn once for it: a mixture of everything finds less than extremes do.

  /** How many of 100 steps deliver a message; the fewer, the more are under way to be reordered. */
  readonly #pace: number
  /** The nodes that propose. Few rivals get further before they meet. */
  readonly #rivals: readonly string[]
  /** How often nodes crash, from now and then to all the time. */
  readonly #crashes: number
  #messages: Message[] = []
  #drawn = 0

  constructor(options: SoupOptions) {
    this.#options = options
    this.#random = seededRandom(options.seed)
    this.#pace = this.#random.pick([60, 75, 85])
    this.#rivals = NODES.slice(0, this.#random.pick([2, 3, NODES.length]))
    this.#crashes = this.#random.pick([0, 10, 25])
    this.#learnLoss = this.#random.pick([0, 50, 95])
    const first = configuration(
      1,
      NODES.slice(0, 1 + this.#random.below(5)).map((id) => member(id)),
    )
    this.chain = new Chain(first)
    this.#nodes = new Map(
      NODES.map((id) => {
        const state = first.members.some((each) => each.id === id)
          ? onLearn(emptyAcceptor, first).state
          : emptyAcceptor
        const seen = { epoch: 0, ballot: undefined }
        const fresh = { boot: 0, proposal: undefined, seen, chainAtStart: 0 }
        return [id, { id, store: storeOf(id), state, ...fresh }]
      }),
    )
  }

  run(): void {
    for (let step = 0; step < this.#options.steps; step++) this.#step()
  }

  /**
   * Ends all trouble and lets one node propose alone.
   * @returns whether it had something chosen, or found that it is up to date
   */
  settle(): boolean {
    for (const node of this.#nodes.values()) node.proposal = undefined
    this.#learnLoss = 0
    this.#drain()
    const node = [...this.#nodes.values()].find(({ state }) => state.chosen !== undefined)
    for (let attempt = 0; node !== undefined && attempt < 30; attempt++) {
      const length = this.chain.length
      this.#propose(node)
      this.#drain()
      node.proposal = undefined
      if (this.chain.length > length && node.state.chosen?.epoch === this.chain.length) return true
    }
    return false
  }

  #step(): void {
    const random = this.#random
    const node = this.#nodes.get(random.pick(NODES))!
    if (random.below(100) < this.#pace) return this.#deliver(random.below(this.#messages.length))
    const dice = random.below(26 + this.#crashes)
    if (dice < 4) this.#messages.splice(random.below(this.#messages.length), 1)
    else if (dice < 8) this.#repeat()
    else if (dice < 17) this.#propose(this.#nodes.get(random.pick(this.#rivals))!)
    else if (dice < 20) this.#follow(node, node.proposal?.expire() ?? [])
    else if (dice < 22) this.#gossip(node)
    else if (dice > 22 || !this.#options.wipes) this.#crash(node)
    else this.#wipe(node)
  }

  #deliver(index: number): void {
    const [message] = this.#messages.splice(index, 1)
    if (message === undefined) return
    const node = this.#nodes.get(message.to)!
    if ('request' in message) {
      if (message.request.kind === 'learn' && this.#isLearnLost()) return
      const reply = this.#answer(node, message.request)
      this.#messages.push({ from: node.id, to: message.from, reply })
      return
    }
    const reply = this.#options.faults?.heard?.(message.reply) ?? message.reply
    if (reply.kind === 'superseded') this.chain.claimed(reply.configuration)
    if (node.proposal !== undefined) this.#follow(node, node.proposal.receive(message.from, reply))
  }

  #answer(node: Node, request: RegisterRequest): RegisterReply {
    const before = this.#options.faults?.lookedAt?.(node.state) ?? node.state
    const { state, reply } = onRequest(before, node, request)
    if (state !== before) node.state = state
    if (reply.kind === 'accepted' && state !== before && state.accepted !== undefined) {
      this.chain.voted({ voter: node.id, store: node.store, ...state.accepted })
    }
    return reply
  }

  #repeat(): void {
    const message = this.#messages[this.#random.below(this.#messages.length)]
    if (message !== undefined) this.#messages.push(message)
  }

  #propose(node: Node): void {
    const base = node.state.chosen
    if (base === undefined || node.proposal !== undefined) return
    const epoch = base.epoch + 1
    const seen = node.seen.epoch === epoch ? node.seen.ballot : undefined
    const boot = this.#options.faults?.sameProposer ? 0 : node.boot
    const ballot = nextBallot(seen, `${node.id}/${boot}`)
    node.seen = { epoch, ballot }
    node.chainAtStart = this.chain.length
    const candidates = [...this.#nodes.values()]
    const value = randomChange({ base, candidates, random: this.#random, mark: ++this.#drawn })
    node.proposal = new Proposal({ base, value, ballot })
    this.#follow(node, node.proposal.start())
  }

  #follow(node: Node, directives: readonly ProposalDirective[]): void {
    for (const directive of directives) {
      if (directive.kind === 'end') this.#onEnd(node, directive.outcome)
      else this.#messages.push({ from: node.id, to: directive.to, request: directive.request })
    }
  }

  #onEnd(node: Node, outcome: ProposalOutcome): void {
    node.proposal = undefined
    switch (outcome.kind) {
      case 'chosen':
      case 'superseded':
        this.chain.claimed(outcome.configuration)
        if (!this.#isLearnLost()) node.state = onLearn(node.state, outcome.configuration).state
        break
      case 'current':
        this.chain.confirmed(outcome.configuration, { chainAtStart: node.chainAtStart })
        break
      case 'retry':
        node.seen = { epoch: node.seen.epoch, ballot: outcome.seen }
        break
      case 'unreachable':
        break
    }
  }

  #isLearnLost(): boolean {
    return this.#random.below(100) < this.#learnLoss
  }

  /** A node tells another the newest configuration that it knows. */
  #gossip(node: Node): void {
    const chosen = node.state.chosen
    if (chosen === undefined) return
    const to = this.#random.pick(NODES)
    this.#messages.push({ from: node.id, to, request: { kind: 'learn', configuration: chosen } })
  }

  #crash(node: Node): void {
    node.boot++
    node.proposal = undefined
    node.seen = { epoch: 0, ballot: undefined }
    node.state = this.#options.faults?.reread?.(node.state) ?? node.state
  }

  #wipe(node: Node): void {
    this.#crash(node)
    node.state = emptyAcceptor
    if (!this.#options.faults?.sameStore) node.store = `${storeOf(node.id)}, ${++this.#drawn}`
  }

  #drain(): void {
    for (let count = 0; this.#messages.length > 0; count++) {
      if (count > 10_000) throw new Error('the messages never end')
      this.#deliver(0)
    }
  }
}
