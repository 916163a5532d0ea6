/** The calls that wait for an answer. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ClosedError } from '../../src/base/errors.ts'
import { PendingCalls, type CallSink } from '../../src/rpc/pending-calls.ts'

const quiet: CallSink = { answered: () => undefined, unanswered: () => undefined }
const gone = new ClosedError('gone')

test('each call is taken once: duplicate, unknown and abandoned ids meet nobody', () => {
  const calls = new PendingCalls()
  const id = calls.add(quiet, 7)!
  expect(calls.take(id + 1)).toBe(undefined)
  expect(calls.take(0xffff_ffff)).toBe(undefined)
  expect(calls.take(id)).toMatchObject({ sink: quiet, tag: 7 })
  expect(calls.take(id)).toBe(undefined)
  expect(calls.size).toBe(0)
})

test('a late answer never meets the next call of the same slot', () => {
  const calls = new PendingCalls()
  let before = calls.add(quiet, 0)!
  for (let i = 0; i < 65_535; i++) {
    calls.take(before)
    const id = calls.add(quiet, i)!
    expect(id).not.toBe(before)
    expect(calls.take(before)).toBe(undefined)
    before = id
  }
})

test('65 536 calls wait at most, and one more when one was answered', () => {
  const calls = new PendingCalls()
  const ids = new Set<number>()
  for (let i = 0; i < 65_536; i++) ids.add(calls.add(quiet, i)!)
  expect(ids.size).toBe(65_536)
  expect(calls.add(quiet, 0)).toBe(undefined)
  const [first = 0] = ids
  calls.take(first)
  expect(calls.add(quiet, 0)).toBeTypeOf('number')
  expect(calls.size).toBe(65_536)
})

test('a failure reaches each call once, and none that is made meanwhile', () => {
  const calls = new PendingCalls()
  const heard: string[] = []
  const sink = (name: string): CallSink => ({
    answered: () => heard.push(`${name} answered`),
    unanswered: (tag, error, sent) => {
      heard.push(`${name} ${tag} ${error.code} ${sent}`)
      if (name.endsWith('again')) return
      calls.add(sink(`${name}.1 again`), 1)
      calls.add(sink(`${name}.2 again`), 2)
    },
  })
  const free = calls.add(quiet, 0)!
  calls.add(sink('a'), 5)
  calls.add(sink('b'), 6)
  calls.take(free)
  calls.failAll(gone, true)
  expect(heard).toEqual(['a 5 ERR_CLOSED true', 'b 6 ERR_CLOSED true'])
  expect(calls.size).toBe(4)
  calls.failAll(gone, false)
  expect(heard).toHaveLength(6)
  expect(calls.size).toBe(0)
})

test('agrees with a plain map, whatever is done', () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constant('add' as const) },
    { weight: 3, arbitrary: fc.nat() },
    { weight: 1, arbitrary: fc.constant('fail' as const) },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const calls = new PendingCalls()
      const model = new Map<number, number>()
      const everGiven: number[] = []
      steps.forEach((each, tag) => {
        if (each === 'add') {
          const id = calls.add(quiet, tag)!
          expect(model.has(id)).toBe(false)
          model.set(id, tag)
          everGiven.push(id)
        } else if (each === 'fail') {
          calls.failAll(gone, true)
          model.clear()
        } else {
          const id = everGiven[each % Math.max(1, everGiven.length)] ?? each
          expect(calls.take(id)?.tag).toBe(model.get(id))
          model.delete(id)
        }
        expect(calls.size).toBe(model.size)
      })
    }),
  )
})
