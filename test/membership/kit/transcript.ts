/**
 * Writes down what node `a` is told and what it says to that, one line for each, so that a whole
 * episode can be read and reviewed. `>` goes in, two blanks come out; times are milliseconds since
 * the episode began.
 */
import type { Claim } from '../../../src/membership/claim.ts'
import type { Directive } from '../../../src/membership/directives.ts'
import type { Membership } from '../../../src/membership/membership.ts'
import type { MembershipMessage } from '../../../src/membership/messages.ts'
import { machineA, shownClaim } from './claims.ts'

/** Long enough for the first rumours to be told and the first exchange to be over. */
const settledAt = 20_000

export class Transcript {
  readonly machine: Membership
  readonly #lines: string[] = []
  readonly #start: number
  /** The number of the last ping that went out. */
  lastPing = 0
  /** Whom it went to. */
  lastTarget = ''

  /**
   * Node `a` among these members, all alive and quiet. The first line says what the episode shows.
   */
  constructor(title: string, members: readonly string[]) {
    this.#lines.push(`# ${title}`)
    this.machine = machineA({ members })
    let now = 0
    while (now < settledAt || this.machine.nextTickAt() - now < 100) {
      now = this.machine.nextTickAt()
      this.#settle(now, this.machine.tick(now))
    }
    this.#start = now
  }

  /**
   * Lets the time pass up to `at`, with every tick on time. Ticks without directives are not shown.
   */
  until(at: number): this {
    while (this.machine.nextTickAt() <= this.#start + at) {
      const now = this.machine.nextTickAt()
      const directives = this.machine.tick(now)
      if (directives.length > 0) this.#show(`tick ${now - this.#start}`, directives)
    }
    return this
  }

  /** One tick, on time or not. */
  tick(at: number): this {
    this.#show(`tick ${at}`, this.machine.tick(this.#start + at))
    return this
  }

  receive(at: number, from: string, message: MembershipMessage): this {
    const directives = this.machine.receive(this.#start + at, from, message)
    this.#show(`receive ${at} from ${from}: ${shownMessage(message)}`, directives)
    return this
  }

  /** Answers the last ping, if it went to one of these, without a line. */
  answerPings(at: number, members: readonly string[]): this {
    if (!members.includes(this.lastTarget)) return this
    const answer = { kind: 'ack', sequence: this.lastPing, claims: [] } as const
    this.machine.receive(this.#start + at, this.lastTarget, answer)
    this.lastTarget = ''
    return this
  }

  leave(at: number): this {
    this.#show(`leave ${at}`, this.machine.leave(this.#start + at))
    return this
  }

  unreachable(at: number, id: string): this {
    this.#show(`unreachable ${at} ${id}`, this.machine.unreachable(this.#start + at, id))
    return this
  }

  /** What `a` believes at the end. */
  beliefs(): this {
    const members = this.machine.members().map(shownClaim).join(', ')
    this.#lines.push(`= ${members}; local health ${this.machine.localHealth}`)
    return this
  }

  toString(): string {
    return `${this.#lines.join('\n')}\n`
  }

  #show(input: string, directives: readonly Directive[]): void {
    this.#notePing(directives)
    this.#lines.push(`> ${input}`, ...directives.map((directive) => `  ${shown(directive)}`))
  }

  #settle(now: number, directives: readonly Directive[]): void {
    this.#notePing(directives)
    for (const directive of directives) {
      if (directive.kind !== 'send' || directive.message.kind !== 'ping') continue
      const { sequence } = directive.message
      this.#settle(
        now,
        this.machine.receive(now, directive.to, { kind: 'ack', sequence, claims: [] }),
      )
    }
  }

  #notePing(directives: readonly Directive[]): void {
    for (const directive of directives) {
      if (directive.kind !== 'send' || directive.message.kind !== 'ping') continue
      this.lastPing = directive.message.sequence
      this.lastTarget = directive.to
    }
  }
}

function shown(directive: Directive): string {
  switch (directive.kind) {
    case 'send':
      return `send ${directive.to} ${shownMessage(directive.message)}`
    case 'changed':
      return `changed ${shownClaim(directive.member)}, was ${directive.previous ?? 'unknown'}`
    case 'persist-incarnation':
      return `persist-incarnation ${directive.value}`
    case 'duplicate': {
      const { claim, repeated } = directive
      return `duplicate ${shownClaim(claim)} of boot ${claim.boot}${repeated ? ', again' : ''}`
    }
  }
}

function shownMessage(message: MembershipMessage): string {
  const parts: string[] = [message.kind]
  if ('sequence' in message) parts.push(`#${message.sequence}`)
  if (message.kind === 'ping-request') parts.push(message.target)
  if (message.kind === 'exchange' && message.reply) parts.push('reply')
  const { claims }: { claims: readonly Claim[] } = message
  if (claims.length > 0) parts.push(`[${claims.map(shownClaim).join(', ')}]`)
  return parts.join(' ')
}
