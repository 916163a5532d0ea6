/**
 * What every `Storage` must do, as tests for any runner. `src/ports/storage.ts` numbers the duties; each test names
 * the behaviour that rests on them.
 */

import assert from 'node:assert/strict'
import { ClosedError } from '../base/errors.ts'
import type { Storage, StorageEntry } from '../ports/storage.ts'
import { emptinessTests, regionTests, type Declare } from './storage-regions.ts'
import type { TestFunction } from './test-function.ts'

/** What the suite needs to know of an implementation. */
export interface StorageSuiteKit {
  /** The runner's way to declare a test. */
  test: TestFunction
  /** A fresh storage without data, not yet opened. What it leaves behind is the kit's to clean up. */
  create: () => Promise<Storage>
}

const PARTITION_MAX = 2 ** 32 - 1
const KEY_BYTES_MAX = 1280
const MEBIBYTE = 2 ** 20

/** Declares the tests. */
export function storageSuite(kit: StorageSuiteKit): void {
  const declare: Declare = (name, fn) => {
    kit.test(name, async () => {
      const storage = await kit.create()
      await storage.open()
      try {
        await fn(storage)
      } finally {
        await storage.close()
      }
    })
  }
  readYourWritesTests(declare)
  batchTests(declare)
  scanTests(declare)
  valueTests(declare)
  keyTests(declare)
  regionTests(declare)
  emptinessTests(declare)
  lifetimeTests(kit, declare)
}

function readYourWritesTests(declare: Declare): void {
  declare('finds nothing in an empty storage', async (storage) => {
    assert.equal(await storage.get(0, 'key'), undefined)
    assert.deepEqual(await storage.scan(0, { limit: 10 }), [])
  })

  declare('shows a write to a get and a scan that start before it is durable', async (storage) => {
    const written = storage.write([put(1, 'key', 'value')])
    const got = storage.get(1, 'key')
    const scanned = storage.scan(1, { limit: 10 })
    assert.equal(textOf(await got), 'value')
    assert.deepEqual(textsOf(await scanned), [['key', 'value']])
    await written
    assert.equal(textOf(await storage.get(1, 'key')), 'value')
    assert.deepEqual(textsOf(await storage.scan(1, { limit: 10 })), [['key', 'value']])
  })

  declare('shows the newest of several writes to a key at every moment', async (storage) => {
    const written: (void | Promise<void>)[] = []
    for (let round = 0; round < 50; round++) {
      written.push(storage.write([put(1, 'key', `value ${round}`)]))
      assert.equal(textOf(await storage.get(1, 'key')), `value ${round}`)
      // Some rounds wait, for a write before the last too, so that a write meets others in each state of theirs.
      if (round % 7 === 0) await written.at(-1)
      if (round % 3 === 0) await written.at(-2)
    }
    await settle(written)
    assert.equal(textOf(await storage.get(1, 'key')), 'value 49')
  })

  declare('hides a deleted key at once and for good', async (storage) => {
    await storage.write([put(1, 'a', '1'), put(1, 'b', '2'), put(1, 'c', '3')])
    const deleted = storage.write([remove(1, 'b')])
    for (const moment of ['before', 'after']) {
      assert.equal(await storage.get(1, 'b'), undefined, moment)
      assert.deepEqual(keysOf(await storage.scan(1, { limit: 10 })), ['a', 'c'], moment)
      await deleted
    }
  })

  declare('finds a key again that was deleted and written anew', async (storage) => {
    await storage.write([put(1, 'key', 'old')])
    const written = [storage.write([remove(1, 'key')]), storage.write([put(1, 'key', 'new')])]
    assert.equal(textOf(await storage.get(1, 'key')), 'new')
    await settle(written)
    assert.equal(textOf(await storage.get(1, 'key')), 'new')
  })

  declare('bears the deletion of what is not there', async (storage) => {
    await storage.write([remove(1, 'nothing'), put(1, 'key', 'value')])
    assert.deepEqual(keysOf(await storage.scan(1, { limit: 10 })), ['key'])
  })
}

function batchTests(declare: Declare): void {
  declare('waits with an empty batch for all batches before it', async (storage) => {
    const written = storage.write([put(1, 'key', 'value')])
    let isDurable = written === undefined
    void written?.then(() => (isDurable = true))
    await storage.write([])
    assert.ok(isDurable)
  })

  declare('applies all writes of a batch, in several partitions', async (storage) => {
    await storage.write([put(1, 'old', 'value')])
    await storage.write([put(1, 'key', '1'), put(2, 'key', '2'), remove(1, 'old')])
    assert.deepEqual(textsOf(await storage.scan(1, { limit: 10 })), [['key', '1']])
    assert.deepEqual(textsOf(await storage.scan(2, { limit: 10 })), [['key', '2']])
  })

  declare('lets the last write to a key win within one batch', async (storage) => {
    await storage.write([
      put(1, 'rewritten', 'first'),
      put(1, 'rewritten', 'last'),
      put(1, 'deleted', 'first'),
      remove(1, 'deleted'),
      remove(1, 'revived'),
      put(1, 'revived', 'last'),
    ])
    assert.deepEqual(textsOf(await storage.scan(1, { limit: 10 })), [
      ['revived', 'last'],
      ['rewritten', 'last'],
    ])
  })

  declare('bears an empty batch', async (storage) => {
    await storage.write([])
  })

  declare('applies a batch of thousands', async (storage) => {
    const keys = Array.from({ length: 5000 }, (_, index) => String(index).padStart(4, '0'))
    await storage.write(keys.map((key) => put(1, key, key)))
    assert.deepEqual(keysOf(await storage.scan(1, { limit: 10_000 })), keys)
  })
}

function scanTests(declare: Declare): void {
  declare('scans in the order of bytes, 0x00 and 0xff included', async (storage) => {
    const ascending = [
      '\0',
      '\0\0',
      '\0a',
      'a',
      'a\0',
      'a\0\xff',
      'aa',
      'a\xff',
      'b',
      '\x7f',
      '\x80',
      '\xff',
      '\xff\xff',
    ]
    await storage.write(ascending.toReversed().map((key) => put(1, key, key)))
    assert.deepEqual(keysOf(await storage.scan(1, { limit: 100 })), ascending)
    for (const [index, after] of ascending.entries()) {
      const rest = await storage.scan(1, { after, limit: 100 })
      assert.deepEqual(keysOf(rest), ascending.slice(index + 1), `after ${JSON.stringify(after)}`)
    }
  })

  declare('scans a partition alone, the outermost and their neighbours too', async (storage) => {
    const partitions = [0, 1, 255, 256, 65_535, 65_536, 2 ** 31, PARTITION_MAX - 1, PARTITION_MAX]
    const keys = ['\0', 'key', '\xff'.repeat(KEY_BYTES_MAX)]
    await storage.write(partitions.flatMap((each) => keys.map((key) => put(each, key, `${each}`))))
    for (const partition of partitions) {
      const texts = textsOf(await storage.scan(partition, { limit: 100 }))
      assert.deepEqual(
        texts,
        keys.map((key) => [key, `${partition}`]),
      )
      assert.equal(textOf(await storage.get(partition, 'key')), `${partition}`)
    }
    assert.deepEqual(await storage.scan(2, { limit: 100 }), [])
  })

  declare('pages through a partition, each key once', async (storage) => {
    const keys = Array.from({ length: 100 }, (_, index) => String(index).padStart(3, '0'))
    await storage.write(keys.map((key) => put(1, key, key)))
    for (const limit of [1, 7, 99, 100, 101]) assert.deepEqual(await pages(storage, limit), keys)
  })

  declare('starts after a key that is not there', async (storage) => {
    await storage.write([put(1, 'a', '1'), put(1, 'c', '3')])
    assert.deepEqual(keysOf(await storage.scan(1, { after: 'b', limit: 10 })), ['c'])
    assert.deepEqual(keysOf(await storage.scan(1, { after: 'c', limit: 10 })), [])
  })

  declare('returns nothing for a limit of zero', async (storage) => {
    await storage.write([put(1, 'key', 'value')])
    assert.deepEqual(await storage.scan(1, { limit: 0 }), [])
  })

  declare('pages rightly while what it pages through is not durable yet', async (storage) => {
    const keys = Array.from({ length: 40 }, (_, index) => String(index).padStart(3, '0'))
    await storage.write(keys.filter((_, index) => index % 2 === 0).map((key) => put(1, key, key)))
    const written = [
      storage.write(keys.filter((_, index) => index % 2 === 1).map((key) => put(1, key, key))),
      storage.write(keys.filter((_, index) => index % 5 === 0).map((key) => remove(1, key))),
    ]
    const left = keys.filter((_, index) => index % 5 !== 0)
    for (const limit of [1, 3, 32, 33]) assert.deepEqual(await pages(storage, limit), left)
    await settle(written)
    assert.deepEqual(await pages(storage, 3), left)
  })
}

function valueTests(declare: Declare): void {
  declare('keeps an empty value apart from none', async (storage) => {
    const written = storage.write([put(1, 'empty', '')])
    for (const moment of ['before', 'after']) {
      assert.equal((await storage.get(1, 'empty'))?.length, 0, moment)
      assert.deepEqual(textsOf(await storage.scan(1, { limit: 1 })), [['empty', '']], moment)
      await written
    }
  })

  declare('keeps values of a mebibyte and more', async (storage) => {
    const sizes = [4095, 4096, 65_536, MEBIBYTE, 4 * MEBIBYTE + 1]
    await storage.write(
      sizes.map((size) => ({ partition: 1, key: keyOf(size), value: pattern(size) })),
    )
    for (const size of sizes) {
      const value = await storage.get(1, keyOf(size))
      assert.ok(value && equalBytes(value, pattern(size)), `${size} bytes`)
    }
    const scanned = await storage.scan(1, { limit: 10 })
    assert.deepEqual(
      scanned.map(({ value }) => value.length),
      sizes,
    )
  })

  declare('takes a value that is a view into a larger buffer', async (storage) => {
    const value = pattern(1000).subarray(100, 200)
    await storage.write([{ partition: 1, key: 'view', value }])
    assert.ok(equalBytes((await storage.get(1, 'view'))!, pattern(1000).subarray(100, 200)))
  })

  declare('never changes bytes that it has returned', async (storage) => {
    await storage.write([put(1, 'a', 'first value'), put(1, 'b', 'other value')])
    const got = (await storage.get(1, 'a'))!
    const scanned = await storage.scan(1, { limit: 10 })
    await storage.write([put(1, 'a', 'changed'), remove(1, 'b')])
    for (let round = 0; round < 100; round++) {
      await storage.write([{ partition: 2, key: keyOf(round), value: pattern(round * 50) }])
      await storage.get(2, keyOf(round))
    }
    assert.equal(textOf(got), 'first value')
    assert.deepEqual(textsOf(scanned), [
      ['a', 'first value'],
      ['b', 'other value'],
    ])
  })
}

function keyTests(declare: Declare): void {
  declare('tells keys apart by every byte', async (storage) => {
    const keys = Array.from({ length: 256 }, (_, byte) => `key${String.fromCharCode(byte)}`)
    await storage.write(keys.map((key, byte) => put(1, key, `${byte}`)))
    for (const [byte, key] of keys.entries()) {
      assert.equal(textOf(await storage.get(1, key)), `${byte}`)
    }
    assert.deepEqual(keysOf(await storage.scan(1, { limit: 300 })), keys)
  })

  declare('keeps keys of 1 to 1280 bytes', async (storage) => {
    const keys = [1, 2, 255, 256, 511, 512, KEY_BYTES_MAX - 1, KEY_BYTES_MAX].map((size) =>
      '\xfe'.repeat(size),
    )
    const twin = `${'\xfe'.repeat(KEY_BYTES_MAX - 1)}\xff`
    await storage.write([...keys, twin].map((key) => put(PARTITION_MAX, key, `${key.length}`)))
    assert.equal(textOf(await storage.get(PARTITION_MAX, keys.at(-1)!)), `${KEY_BYTES_MAX}`)
    assert.deepEqual(keysOf(await storage.scan(PARTITION_MAX, { limit: 100 })), [...keys, twin])
    const last = await storage.scan(PARTITION_MAX, { after: keys.at(-1)!, limit: 100 })
    assert.deepEqual(keysOf(last), [twin])
  })
}

function lifetimeTests(kit: StorageSuiteKit, declare: Declare): void {
  kit.test('refuses every use before it is opened and after it is closed', async () => {
    const storage = await kit.create()
    await refusesUse(storage)
    await storage.open()
    await storage.close()
    await refusesUse(storage)
  })

  kit.test(
    'may be closed twice, at the same time too, and without having been opened',
    async () => {
      const storage = await kit.create()
      await storage.close()
      await storage.open()
      await Promise.all([storage.close(), storage.close()])
      await storage.close()
    },
  )

  declare('refuses to be opened twice, and goes on', async (storage) => {
    await assert.rejects(async () => storage.open(), { code: 'ERR_STORAGE' })
    await storage.write([put(1, 'key', 'value')])
    assert.equal(textOf(await storage.get(1, 'key')), 'value')
  })

  declare(
    'has its data when it is opened again, or none if its durability is memory',
    async (storage) => {
      await storage.write([put(1, 'key', 'value'), put(1, 'deleted', 'value')])
      await storage.write([remove(1, 'deleted')])
      await storage.close()
      await storage.open()
      const kept = storage.durability === 'memory' ? [] : [['key', 'value']]
      assert.deepEqual(textsOf(await storage.scan(1, { limit: 10 })), kept)
    },
  )

  declare('finishes on closing what was being written', async (storage) => {
    const written = storage.write([put(1, 'key', 'value')])
    await storage.close()
    await written
    await storage.open()
    const kept = storage.durability === 'memory' ? undefined : 'value'
    assert.equal(textOf(await storage.get(1, 'key')), kept)
  })
}

async function refusesUse(storage: Storage): Promise<void> {
  await assert.rejects(async () => storage.get(0, 'key'), ClosedError)
  await assert.rejects(async () => storage.scan(0, { limit: 1 }), ClosedError)
  await assert.rejects(async () => storage.write([put(0, 'key', 'value')]), ClosedError)
}

/** The keys of partition 1, read `limit` at a time. */
async function pages(storage: Storage, limit: number): Promise<string[]> {
  const keys: string[] = []
  for (;;) {
    const after = keys.at(-1)
    const page = await storage.scan(1, { ...(after !== undefined && { after }), limit })
    assert.ok(page.length <= limit)
    if (page.length === 0) return keys
    assert.ok(
      after === undefined || page[0]!.key > after,
      'a page begins after the last key of the one before',
    )
    keys.push(...keysOf(page))
  }
}

async function settle(written: readonly (void | Promise<void>)[]): Promise<void> {
  for (const each of written) await each
}

interface Write {
  partition: number
  key: string
  value: Uint8Array | undefined
}

function put(partition: number, key: string, text: string): Write {
  return { partition, key, value: new TextEncoder().encode(text) }
}

function remove(partition: number, key: string): Write {
  return { partition, key, value: undefined }
}

function textOf(value: Uint8Array | undefined): string | undefined {
  return value && new TextDecoder().decode(value)
}

function textsOf(entries: readonly StorageEntry[]): (string | undefined)[][] {
  return entries.map(({ key, value }) => [key, textOf(value)])
}

function keysOf(entries: readonly StorageEntry[]): string[] {
  return entries.map(({ key }) => key)
}

/** Sorts as the number does. */
function keyOf(number: number): string {
  return String(number).padStart(8, '0')
}

/** Bytes that show a shift or a mix-up of pages. */
function pattern(size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let index = 0; index < size; index++) bytes[index] = index * 31 + (index >> 8) + size
  return bytes
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
