/** Histories as short stories, and what a model says to them. */

import { expect, test } from 'vitest'
import { check, type CheckOptions, type Model } from '../../src/sim/checkers/check.ts'
import { createHistory, type History } from '../../src/sim/history/history.ts'
import type { NewOperation, Operation } from '../../src/sim/history/operation.ts'

export interface Details {
  /** Whose context a write is given; null is the null context. */
  given?: Operation | null | 'unrecorded'
  /** Starts and ends then, in place of after everything before. `until: null`: it never ends. */
  from?: number
  until?: number | null
  outcome?: Operation['outcome']
  key?: string
  expires?: boolean
  final?: boolean
  merged?: boolean
}

/** Tells a history: each operation begins after all before it have ended, unless it says when. */
export class Teller {
  readonly history: History = createHistory()
  #now = 0

  put(session: string, value: string, details: Details = {}): Operation {
    return this.#add({ kind: 'put', value }, session, details)
  }

  delete(session: string, details: Details = {}): Operation {
    return this.#add({ kind: 'delete' }, session, details)
  }

  get(session: string, siblings: readonly string[], details: Details = {}): Operation {
    return this.#add({ kind: 'get', siblings }, session, details)
  }

  #add(
    done: Pick<NewOperation, 'kind' | 'value' | 'siblings'>,
    session: string,
    details: Details,
  ): Operation {
    const { from = this.#now + 1, key = 'k', outcome = 'ok', given } = details
    const until = details.until === undefined ? from + 1 : details.until
    this.#now = Math.max(this.#now, from, until ?? from)
    const context = typeof given === 'object' && given !== null ? { of: given.id } : given
    const { expires, final, merged } = details
    return this.history.add({
      ...done,
      session,
      bucket: 'b',
      key,
      start: from,
      outcome,
      ...(until !== null && { end: until }),
      ...(context !== undefined && { context }),
      ...(expires !== undefined && { expires }),
      ...(final !== undefined && { final }),
      ...(merged !== undefined && { merged }),
    })
  }
}

export type Story = (tell: Teller) => void

/** A refused story, with what the message must say and how many operations must show it. */
export type Refusal = readonly [story: Story, message: RegExp, operations: number]

export function historyOf(story: Story): History {
  const teller = new Teller()
  story(teller)
  return teller.history
}

/** One test for each story. */
export function accepts(
  model: Model,
  stories: Readonly<Record<string, Story>>,
  options: CheckOptions = {},
): void {
  test.each(Object.entries(stories))(`${model} accepts: %s`, (_, story) => {
    expect(check(historyOf(story), model, options).violations).toEqual([])
  })
}

/** One test for each story. */
export function refuses(
  model: Model,
  stories: Readonly<Record<string, Refusal>>,
  options: CheckOptions = {},
): void {
  test.each(Object.entries(stories))(`${model} refuses: %s`, (_, [story, message, count]) => {
    const { ok, violations } = check(historyOf(story), model, options)
    expect(ok).toBe(false)
    expect(violations).toHaveLength(1)
    expect(violations[0]!.message).toMatch(message)
    expect(violations[0]!.operations).toHaveLength(count)
  })
}
