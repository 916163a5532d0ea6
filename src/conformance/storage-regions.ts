/** What a `Storage` with `locate` and `store` must do (duty 6 of `src/ports/storage.ts`), and one with `isEmpty`. */

import assert from 'node:assert/strict'
import type { LentRegion, RegionUse, Storage, ValueRegion } from '../ports/storage.ts'

/** Declares a test of an open storage, which is closed after it. */
export type Declare = (name: string, fn: (storage: Storage) => Promise<void>) => void

/** Declares the tests; on a storage without regions they show that it has neither of the two methods. */
export function regionTests(declareAny: Declare): void {
  const declare = (name: string, fn: (storage: NearStorage) => void): void => {
    declareAny(name, (storage) => {
      assert.equal('locate' in storage, 'store' in storage)
      if (isNear(storage)) fn(storage)
      return Promise.resolve()
    })
  }

  declare('locates what a get gives, and nothing where there is nothing', (storage) => {
    void storage.write([{ partition: 3, key: 'key', value: Buffer.from('value') }])
    assert.equal(located(storage, 3, 'key', 'now'), 'value')
    assert.equal(located(storage, 3, 'key', 'kept'), 'value')
    assert.equal(located(storage, 3, 'ke', 'now'), undefined)
    assert.equal(located(storage, 4, 'key', 'now'), undefined)
    void storage.write([{ partition: 3, key: 'key', value: undefined }])
    assert.equal(located(storage, 3, 'key', 'now'), undefined)
  })

  declare('stores a copy, and tells where it lies', (storage) => {
    for (const text of ['one', 'another one', '']) {
      const bytes = Buffer.from(`<${text}>`)
      const region: LentRegion = { bytes, start: 1, end: bytes.length - 1, hold: undefined }
      storage.store(3, 'key', region, 'kept')
      bytes.fill(0)
      assert.equal(textIn(region), text)
      assert.equal(located(storage, 3, 'key', 'now'), text)
      assert.equal(Buffer.from(storage.get(3, 'key') as Uint8Array).toString(), text)
    }
  })

  declare(
    'never changes what is kept, whatever becomes of the key, until it is released',
    (storage) => {
      const kept: { region: LentRegion; text: string }[] = []
      for (let round = 0; round < 20_000; round++) {
        const text = `${round}`.padEnd(100, '.')
        const bytes = Buffer.from(text)
        const region: LentRegion = { bytes, start: 0, end: bytes.length, hold: undefined }
        const use = round % 977 === 0 ? 'kept' : 'now'
        storage.store(round % 7, `key ${round % 11}`, region, use)
        if (use === 'kept') kept.push({ region, text })
        if (round % 5000 === 4999) kept.splice(0, 3).forEach((each) => each.region.hold?.release())
      }
      assert.ok(kept.length > 5)
      for (const { region, text } of kept) assert.equal(textIn(region), text)
    },
  )
}

/** Declares the test of `isEmpty`; it shows nothing of a storage that has none. */
export function emptinessTests(declare: Declare): void {
  declare('tells which partitions have an entry, if it tells that at once', async (storage) => {
    const empty = (): unknown => [1, 2].map((partition) => storage.isEmpty?.(partition))
    const write = (partition: number, key: string, value: Uint8Array | undefined) =>
      storage.write([{ partition, key, value }])
    if (storage.isEmpty === undefined) return
    assert.deepEqual(empty(), [true, true])
    await write(1, 'one', new Uint8Array(0))
    await write(1, 'two', new Uint8Array(9))
    assert.deepEqual(empty(), [false, true])
    await write(1, 'one', undefined)
    assert.deepEqual(empty(), [false, true])
    await write(1, 'two', undefined)
    await write(2, 'one', new Uint8Array(9))
    assert.deepEqual(empty(), [true, false])
  })
}

type NearStorage = Storage & Required<Pick<Storage, 'locate' | 'store'>>

function isNear(storage: Storage): storage is NearStorage {
  return 'locate' in storage
}

function located(
  storage: NearStorage,
  partition: number,
  key: string,
  use: RegionUse,
): string | undefined {
  const region: LentRegion = { bytes: new Uint8Array(0), start: -1, end: -1, hold: undefined }
  if (storage.locate(partition, key, region, use)) return textIn(region)
  assert.equal(region.start, -1, 'the region was left as it was')
  return undefined
}

function textIn({ bytes, start, end }: ValueRegion): string {
  return Buffer.from(bytes.subarray(start, end)).toString()
}
