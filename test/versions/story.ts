/**
 * Stories of one key in sentences: people read and write, replicas send, forget and are restored from copies.
 *
 *     A puts v1              replaces what replica A holds          (no context)
 *     A adds v1              replaces nothing                       (context null)
 *     Mary reads A B         what both show together
 *     Mary puts v2 at A      replaces what Mary read or wrote last
 *     Mary deletes at A
 *     A sends to B · A forgets · A saves · A is restored · A is restored unnoticed
 *     A shows v1 v2          a claim; `†` is a tombstone, `nothing` an absent record
 *     all show v1            a claim about every replica after all have heard of everything
 */
import { assert } from 'vitest'
import { writtenLocally, type LocalWrite } from '../../src/replica/stored-record.ts'
import type { ContextContent } from '../../src/versions/context.ts'
import type { DotSource } from '../../src/versions/dot-source.ts'
import { dotsOf, nothing, readOf, receiptOf, receive, valuesOf, writeOf } from './kit.ts'

interface Replica {
  dots: DotSource
  held: Uint8Array | undefined
  saved: Uint8Array | undefined
}

export class Story {
  readonly #replicas = new Map<string, Replica>()
  readonly #people = new Map<string, ContextContent>()
  #incarnations = 0

  /** Each sentence is a line; a claim that does not hold fails the test. */
  static tell(text: string): void {
    const story = new Story()
    for (const line of text.split('\n').map((each) => each.trim())) {
      if (line !== '') story.#tell(line)
    }
  }

  #tell(line: string): void {
    const [who, deed, ...rest] = line.split(' ') as [string, string, ...string[]]
    switch (deed) {
      case 'puts':
      case 'deletes':
        return rest.includes('at') ? this.#personWrites(who, rest) : this.#plainPut(who, rest[0]!)
      case 'adds':
        return void this.#write(who, rest[0]!, { replaces: nothing })
      case 'reads':
        return this.#read(who, rest)
      case 'sends':
        return this.#send(who, rest[1]!)
      case 'forgets':
        this.#replica(who).held = undefined
        return
      case 'saves':
        this.#replica(who).saved = this.#replica(who).held
        return
      case 'is':
        return this.#restore(who, { noticed: rest[1] !== 'unnoticed' })
      case 'shows':
        return this.#claim(line, this.#replica(who), rest)
      case 'show':
        return this.#claimAll(line, rest)
      default:
        throw new Error(`the story does not go on: ${line}`)
    }
  }

  #replica(name: string): Replica {
    const known = this.#replicas.get(name)
    if (known !== undefined) return known
    const replica = { dots: dotsOf(name), held: undefined, saved: undefined }
    this.#replicas.set(name, replica)
    return replica
  }

  #plainPut(at: string, value: string): void {
    this.#write(at, value, { replaces: 'all' })
  }

  #personWrites(person: string, rest: readonly string[]): void {
    const at = rest.at(-1)!
    const value = rest[0] === 'at' ? '†' : rest[0]!
    const replaces = this.#people.get(person) ?? nothing
    this.#people.set(person, this.#write(at, value, { replaces }))
  }

  #write(at: string, value: string, { replaces }: Pick<LocalWrite, 'replaces'>): ContextContent {
    const replica = this.#replica(at)
    const tombstone = value === '†'
    const write = writeOf(tombstone ? '' : value, { dots: replica.dots, replaces, tombstone })
    const result = writtenLocally(replica.held, write)
    replica.held = result.stored
    return receiptOf(result)
  }

  #read(person: string, from: readonly string[]): void {
    const held = from.flatMap((name) => this.#replica(name).held ?? [])
    const both = held.length === 0 ? undefined : held.reduce((all, each) => receive(all, each))
    this.#people.set(person, both === undefined ? nothing : readOf(both))
  }

  #send(from: string, to: string): void {
    const { held } = this.#replica(from)
    const target = this.#replica(to)
    if (held !== undefined) target.held = receive(target.held, held)
  }

  /** Unnoticed: from a copy of the disk while the process goes on, or a restart that nobody can tell. */
  #restore(who: string, { noticed }: { noticed: boolean }): void {
    const replica = this.#replica(who)
    replica.held = replica.saved
    if (noticed) replica.dots = dotsOf(`${who}${++this.#incarnations}`)
  }

  #claim(line: string, { held }: Replica, values: readonly string[]): void {
    const shown = held === undefined ? ['nothing'] : valuesOf(held)
    assert.deepEqual(shown, values.toSorted(), line)
  }

  #claimAll(line: string, values: readonly string[]): void {
    const names = [...this.#replicas.keys()]
    for (let round = 0; round < 2; round++) {
      for (const from of names) for (const to of names) if (from !== to) this.#send(from, to)
    }
    for (const name of names) this.#claim(`${line}: ${name}`, this.#replica(name), values)
  }
}
