/** What an owner answers when it is compared with, and when it refuses (HAZARDS G4, G5). */
import { describe, expect, test } from 'vitest'
import { ComparisonAnswers } from '../../src/upkeep/comparison-answers.ts'
import { Throttle } from '../../src/upkeep/throttle.ts'
import type { Channel } from '../../src/rpc/channel.ts'
import { ringOf } from '../coordinator/kit.ts'
import { shelf, type Shelf } from './kit.ts'

const ring = ringOf(['a', 'b', 'c', 'd'], { epoch: 5 })
const [self, peer] = ring.owners(0) as [string, string]
const stranger = ring.preferenceList(0)[3]!

interface Answering extends Shelf {
  readonly answers: ComparisonAnswers
  /** How many frames were put to the asker. */
  readonly sent: () => number
}

async function answering({ isRecovering = false } = {}): Promise<Answering> {
  const it = await shelf()
  let sent = 0
  const channel = {
    call: () => void (sent += 1),
    lastError: new Error('the peer was not reached'),
  } as unknown as Channel
  const answers = new ComparisonAnswers({
    selfId: self,
    trees: it.trees,
    store: it.store,
    clock: it.clock,
    timeoutMs: 100,
    throttle: new Throttle(it.clock, Infinity),
    counts: { repaired: 0 },
    ring: () => ring,
    data: () => channel,
    isRecovering: () => isRecovering,
  })
  return { ...it, answers, sent: () => sent }
}

const refused = [false]

describe('an owner refuses', () => {
  test('under another epoch', async () => {
    const { answers } = await answering()
    for (const epoch of [4, 6, undefined, '5']) {
      expect(await answers.answer(peer, ['roots', epoch, [0]])).toEqual(refused)
      expect(await answers.answer(peer, ['differs', epoch, 0, 'b\0k', null, null])).toEqual(refused)
    }
  })

  test('a member that does not own the partition', async () => {
    const { answers } = await answering()
    expect(await answers.answer(stranger, ['roots', 5, [0]])).toEqual(refused)
    expect(await answers.answer(stranger, ['leaves', 5, 0, 1])).toEqual(refused)
  })

  test('while it is being filled', async () => {
    const { answers } = await answering({ isRecovering: true })
    expect(await answers.answer(peer, ['roots', 5, [0]])).toEqual(refused)
  })

  test('what no owner asks, with an error', async () => {
    const { answers } = await answering()
    const wrong: readonly (readonly unknown[])[] = [
      ['roots', 5, 'all'],
      ['roots', 5, [1]],
      ['roots', 5, Array.from({ length: 65 }, () => 0)],
      ['leaves', 5, 1, 1],
      ['leaves', 5, 0, 3],
      ['leaves', 5, 0, 2048],
      ['keys', 5, 0, 2, [2], null],
      ['keys', 5, 0, 2, [0], 7],
      ['differs', 5, 0, '', null, null],
      ['differs', 5, 0, 7, null, null],
      ['nothing', 5, 0],
    ]
    for (const call of wrong) {
      await expect(answers.answer(peer, call), JSON.stringify(call)).rejects.toThrow('malformed')
    }
  })
})

describe('an owner that is asked about one record', () => {
  const differs = (...digests: unknown[]): readonly unknown[] => [
    'differs',
    5,
    0,
    'b\0k',
    ...digests,
  ]
  const other = new Uint8Array(8).fill(1)

  test('has the same, or none', async () => {
    const { answers, put, store, trees, sent } = await answering()
    expect(await answers.answer(peer, differs(other, null))).toEqual([true, 'lacking', null])
    put('b\0k', 'v')
    const digest = trees.digest('b\0k', (await store.read(0, 'b\0k')) as Uint8Array)
    expect(await answers.answer(peer, differs(digest, null))).toEqual([true, 'same', digest])
    expect(sent()).toBe(0)
  })

  test('brings nothing that is not what it listed a moment ago (G4)', async () => {
    const { answers, put, sent } = await answering()
    put('b\0k', 'v')
    expect(await answers.answer(peer, differs(null, other))).toEqual([true, 'moving', null])
    expect(sent()).toBe(0)
  })

  test('brings what differs, and says so if it could not', async () => {
    const { answers, put, sent, pass } = await answering()
    put('b\0k', 'v')
    const answer = await pass(answers.answer(peer, differs(other, null)))
    expect(answer).toEqual([true, 'failed', null])
    expect(sent()).toBe(1)
  })
})
