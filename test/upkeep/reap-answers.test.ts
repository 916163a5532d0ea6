/** What a member says of tombstones: yes only when nothing older than them is left here (HAZARDS B1, B3). */
import { describe, expect, test } from 'vitest'
import { HintStore } from '../../src/replica/hint-store.ts'
import { storedHeaderBytes } from '../../src/replica/stored-record.ts'
import { ReapAnswers } from '../../src/upkeep/reap-answers.ts'
import { inLots, lotLimits, packQuestion, readQuestion } from '../../src/upkeep/reap-calls.ts'
import { Steadiness } from '../../src/upkeep/steadiness.ts'
import { DotSource } from '../../src/versions/dot-source.ts'
import { ringOf } from '../coordinator/kit.ts'
import { HandClock } from '../rpc/kit.ts'
import { shelf } from './kit.ts'

const ring = ringOf(['a', 'b', 'c', 'd'], { epoch: 5 })
const owner = ring.owners(0)[0]!
const stranger = ring.preferenceList(0)[3]!
const graceMs = 32_000

async function member(selfId = owner, more: { lack?: 'gaining'; isBehind?: boolean } = {}) {
  const it = await shelf()
  const hints = new HintStore(it.storage, { bytesMax: 1e6, bytesPerTargetMax: 1e6, windowMs: 1e6 })
  const steadiness = new Steadiness(it.clock, graceMs)
  steadiness.start()
  it.clock.pass(3_000)
  const answers = new ReapAnswers({
    ...it,
    selfId,
    hints,
    steadiness,
    graceMs,
    ring: () => ring,
    lackOf: () => more.lack,
    isBehind: () => more.isBehind === true,
  })
  const dots = new DotSource('incarnatioN.')
  const write = (key: string, tombstone: boolean): Uint8Array => {
    const about = {
      kind: 'siblings',
      expiresAtMs: 0,
      replaces: 'all',
      stampAbove: undefined,
    } as const
    const value = Buffer.from(tombstone ? '' : 'v')
    void it.store.write(0, key, { ...about, value, tombstone, dots, siblingsMax: 9 })
    return Uint8Array.from(it.storage.get(0, key) as Uint8Array).subarray(storedHeaderBytes)
  }
  const question = (key: string, record: Uint8Array) => ({
    epoch: 5,
    partition: 0,
    graceMs,
    tombstones: [{ key, record }],
  })
  return { ...it, hints, answers, write, question }
}

describe('an owner', () => {
  test('vouches for the very tombstone that it has, and for no other', async () => {
    const { answers, write, question } = await member()
    const older = write('b\0k', true)
    expect(await answers.vouch(question('b\0k', older))).toEqual([true])
    const newer = write('b\0k', true)
    expect(await answers.vouch(question('b\0k', older))).toEqual([false])
    expect(await answers.vouch(question('b\0k', newer))).toEqual([true])
    expect(await answers.vouch(question('b\0none', newer))).toEqual([false])
  })

  test('does not vouch while it keeps a hint or a mark for anybody', async () => {
    const { answers, hints, write, question } = await member()
    const record = write('b\0k', true)
    hints.add({ target: 'b', partition: 0, key: 'b\0k' }, 10, 0)
    expect(await answers.vouch(question('b\0k', record))).toEqual([false])
    hints.remove({ target: 'b', partition: 0, key: 'b\0k' })
    expect(await answers.vouch(question('b\0k', record))).toEqual([true])
    hints.markDirty({ target: 'b', partition: 0 })
    expect(await answers.vouch(question('b\0k', record))).toEqual([false])
  })

  test('removes it only while it is the same', async () => {
    const { answers, storage, write, question } = await member()
    const older = write('b\0k', true)
    const newer = write('b\0k', false)
    expect(await answers.reap(question('b\0k', older))).toEqual([false])
    expect(storage.get(0, 'b\0k')).toBeDefined()
    const newest = write('b\0k', true)
    expect(newer).not.toEqual(newest)
    expect(await answers.reap(question('b\0k', newest))).toEqual([true])
    expect(storage.get(0, 'b\0k')).toBeUndefined()
    expect(answers.reapedCount).toBe(1)
  })
})

test('any other member vouches when it has nothing of the key, and removes nothing', async () => {
  const { answers, write, question, storage } = await member(stranger)
  const record = write('b\0k', true)
  expect(await answers.vouch(question('b\0other', record))).toEqual([true])
  expect(await answers.vouch(question('b\0k', record))).toEqual([false])
  expect(await answers.reap(question('b\0k', record))).toBeUndefined()
  expect(storage.get(0, 'b\0k')).toBeDefined()
})

describe('nobody can tell', () => {
  test('under another epoch, or for a shorter grace period', async () => {
    const { answers, write, question } = await member()
    const asked = question('b\0k', write('b\0k', true))
    expect(await answers.vouch({ ...asked, epoch: 4 })).toBeUndefined()
    expect(await answers.vouch({ ...asked, epoch: 6 })).toBeUndefined()
    expect(await answers.vouch({ ...asked, graceMs: graceMs - 1 })).toBeUndefined()
    expect(await answers.vouch({ ...asked, graceMs: graceMs + 1 })).toEqual([true])
  })

  test('while it lacks something, or has marks still to make', async () => {
    for (const more of [{ lack: 'gaining' }, { isBehind: true }] as const) {
      const { answers, write, question } = await member(owner, more)
      expect(await answers.vouch(question('b\0k', write('b\0k', true)))).toBeUndefined()
    }
  })
})

test('a process that was stopped is steady after two beats in time; a long operation is waited for', () => {
  const clock = new HandClock()
  const steadiness = new Steadiness(clock, graceMs)
  steadiness.start()
  expect(steadiness.isSteady).toBe(false)
  clock.pass(2_000)
  expect(steadiness.isSteady).toBe(true)
  steadiness.mayLast(5_000)
  clock.pass(10_000)
  expect(steadiness.isSteady).toBe(false)
  clock.pass(1)
  expect(steadiness.isSteady).toBe(true)
  steadiness.close()
  clock.pass(3_000)
  expect(steadiness.isSteady).toBe(false)
  steadiness.start()
  clock.pass(1_000)
  expect(steadiness.isSteady).toBe(false)
  clock.pass(1_000)
  expect(steadiness.isSteady).toBe(true)
})

describe('a question about tombstones', () => {
  test('is read as it was packed, and anything else is none', async () => {
    const { write, question } = await member()
    const asked = question('b\0k', write('b\0k', true))
    const packed = packQuestion(asked)
    expect(readQuestion(['vouch', ...packed], 1)).toEqual(asked)
    const alive = write('b\0alive', false)
    const [epoch, partition, keys, records, grace] = packed
    const wrong: readonly (readonly unknown[])[] = [
      [],
      ['5', partition, keys, records, grace],
      [epoch, 1, keys, records, grace],
      [epoch, -1, keys, records, grace],
      [epoch, partition, 'keys', records, grace],
      [epoch, partition, [], records, grace],
      [epoch, partition, [7], records, grace],
      [epoch, partition, keys, ['text'], grace],
      [epoch, partition, keys, [new Uint8Array(3)], grace],
      [epoch, partition, keys, [alive], grace],
      [epoch, partition, keys, records, null],
      [epoch, partition, Array(129).fill('b\0k'), Array(129).fill(alive), grace],
    ]
    for (const tuple of wrong)
      expect(readQuestion(['vouch', ...tuple], 1), String(tuple)).toBeUndefined()
  })

  test('is cut into lots that are neither too many nor too long', () => {
    const sized = (bytes: number) => ({ key: 'k', record: new Uint8Array(bytes - 1) })
    const sizes = (list: readonly number[]): number[] =>
      inLots(0, list.map(sized)).map(({ tombstones }) => tombstones.length)
    expect(sizes([])).toEqual([])
    expect(sizes(Array<number>(300).fill(60))).toEqual([128, 128, 44])
    expect(sizes([lotLimits.bytes - 10, 10, 1])).toEqual([2, 1])
    expect(sizes([2 * lotLimits.bytes, 5, 5])).toEqual([1, 2])
  })
})
