/** A scan as its consumer drives it: how many pages are held, what ends it, and where its cursor is. */
import { describe, expect, test } from 'vitest'
import { UnavailableError } from '../../src/index.ts'
import type { ScanBatch, ScannedKey, ScanPosition } from '../../src/coordinator/scan-merge.ts'
import { BucketScan, type ScanSource } from '../../src/node/bucket-scan.ts'
import { recordOf } from '../coordinator/scan-kit.ts'
import { deferred, rejection } from './kit.ts'

const agreed = recordOf('a1')

/** Pages of ten keys each; key `p3-2` is the third of the page for partition 3. */
class FakeSource implements ScanSource<string> {
  readonly log: string[] = []
  readonly pages: number
  /** Pages that were fetched, and of which not every key was taken. */
  held = 0
  heldMost = 0
  readsUnderWay = 0
  readsMost = 0
  stopped = 0
  failingPage = -1
  failingRead = ''
  unread: (key: string) => boolean = () => false
  valueBytes = 10
  gate: Promise<void> = Promise.resolve()

  constructor(pages: number) {
    this.pages = pages
  }

  async begin(): Promise<ScanPosition> {
    this.log.push('begin')
    return { partition: 0, after: undefined }
  }

  async page({ partition }: ScanPosition): Promise<ScanBatch> {
    this.log.push(`page ${partition}`)
    this.held += 1
    this.heldMost = Math.max(this.heldMost, this.held)
    await this.gate
    if (partition === this.failingPage) {
      throw new UnavailableError('nobody is there', { needed: 2, alive: 1 })
    }
    const keys = Array.from({ length: 10 }, (_, i) => this.#key(partition, `p${partition}-${i}`))
    return { keys, next: { partition: partition + 1, after: undefined } }
  }

  #key(partition: number, key: string): ScannedKey {
    const { valueBytes } = this
    return { partition, key, agreed: this.unread(key) ? undefined : agreed, valueBytes }
  }

  isEnd({ partition }: ScanPosition): boolean {
    return partition >= this.pages
  }

  isUnread(): boolean {
    return false
  }

  tell({ key }: ScannedKey): string {
    if (key.endsWith('-9')) this.held -= 1
    return key
  }

  async read({ key }: ScannedKey): Promise<string | undefined> {
    this.log.push(`read ${key}`)
    this.readsUnderWay += 1
    this.readsMost = Math.max(this.readsMost, this.readsUnderWay)
    await Promise.resolve()
    this.readsUnderWay -= 1
    if (key === this.failingRead) throw new Error('cannot be read')
    return key.endsWith('-5') ? undefined : key
  }

  cursor(position: ScanPosition | undefined): string {
    return `${position?.partition} ${position?.after}`
  }

  stop(): void {
    this.stopped += 1
  }
}

async function rest(scan: BucketScan<string>): Promise<string[]> {
  const found: string[] = []
  for await (const key of scan) found.push(key)
  return found
}

describe('pages', () => {
  test('are fetched as they are asked for, and one ahead: never more than two are held', async () => {
    const source = new FakeSource(100)
    const scan = new BucketScan(source, undefined)
    await Promise.resolve()
    expect(source.log).toEqual([])
    for (let i = 0; i < 10; i++) await scan.next()
    expect(source.log).toEqual(['begin', 'page 0', 'page 1'])
    expect(await rest(scan)).toHaveLength(990)
    expect(source.heldMost).toBe(2)
    expect(source.stopped).toBe(1)
  })

  test('calls of next that do not wait for each other are served in turn', async () => {
    const scan = new BucketScan(new FakeSource(2), undefined)
    const results = await Promise.all(Array.from({ length: 22 }, () => scan.next()))
    expect(results.map(({ value }) => value)).toEqual([
      ...Array.from({ length: 20 }, (_, i) => `p${Math.floor(i / 10)}-${i % 10}`),
      undefined,
      undefined,
    ])
    expect(results.at(-1)!.done).toBe(true)
  })
})

describe('keys that have to be read for themselves', () => {
  test('are read a few at once, and come in their place, or not at all', async () => {
    const source = new FakeSource(2)
    source.unread = (key) => !key.endsWith('-3')
    const found = await rest(new BucketScan(source, undefined))
    const wanted = Array.from({ length: 20 }, (_, i) => `p${Math.floor(i / 10)}-${i % 10}`)
    expect(found).toEqual(wanted.filter((key) => !key.endsWith('-5')))
    expect(source.readsMost).toBe(8)
    expect(source.log.filter((line) => line.startsWith('read'))).toHaveLength(18)
  })

  test('one by one when their values are long', async () => {
    const source = new FakeSource(1)
    source.unread = () => true
    source.valueBytes = 3 * 1024 * 1024
    expect(await rest(new BucketScan(source, undefined))).toHaveLength(9)
    expect(source.readsMost).toBe(1)
  })

  test('end the scan before the one that fails', async () => {
    const source = new FakeSource(1)
    source.unread = () => true
    source.failingRead = 'p0-2'
    const scan = new BucketScan(source, undefined)
    const error = await rejection(rest(scan))
    expect(error.message).toBe('cannot be read')
    expect(scan.cursor).toBe('0 p0-1')
    expect(await scan.next()).toEqual({ done: true, value: undefined })
  })
})

describe('a scan ends', () => {
  test('with the error of a page once it comes to it, and its cursor is behind what was given', async () => {
    const source = new FakeSource(5)
    source.failingPage = 2
    const scan = new BucketScan(source, undefined)
    expect(scan.cursor).toBe('undefined undefined')
    const found: string[] = []
    const walk = async (): Promise<void> => {
      for await (const key of scan) found.push(key)
    }
    expect(await rejection(walk())).toMatchObject({ code: 'ERR_UNAVAILABLE' })
    expect(found).toHaveLength(20)
    expect(scan.cursor).toBe('2 undefined')
    expect(source.stopped).toBe(1)
  })

  test('behind everything', async () => {
    const scan = new BucketScan(new FakeSource(3), undefined)
    await rest(scan)
    expect(scan.cursor).toBe('3 undefined')
  })

  test('when a loop is left, and lets everything go', async () => {
    const source = new FakeSource(5)
    const scan = new BucketScan(source, undefined)
    for await (const key of scan) if (key === 'p0-3') break
    expect(source.stopped).toBe(1)
    expect(scan.cursor).toBe('0 p0-3')
    expect(await rest(scan)).toEqual([])
    expect(source.log).toEqual(['begin', 'page 0', 'page 1'])
  })

  test('when it is disposed of, or returned while a page is awaited', async () => {
    const source = new FakeSource(5)
    const { promise, resolve } = deferred()
    source.gate = promise
    const scan = new BucketScan(source, undefined)
    const first = scan.next()
    await scan[Symbol.asyncDispose]()
    resolve()
    expect(await first).toEqual({ done: true, value: undefined })
    expect(source.stopped).toBe(1)
  })

  test('with the reason of its signal, at once and whatever is awaited', async () => {
    const source = new FakeSource(5)
    const { promise, resolve } = deferred()
    const controller = new AbortController()
    const scan = new BucketScan(source, controller.signal)
    for (let i = 0; i < 10; i++) await scan.next()
    source.gate = promise
    await scan.next()
    for (let i = 0; i < 9; i++) await scan.next()
    const waiting = rejection(scan.next())
    const reason = new Error('enough')
    controller.abort(reason)
    expect(await waiting).toBe(reason)
    expect(source.stopped).toBe(1)
    resolve()
    expect(await rejection(scan.next())).toBe(reason)
  })

  test('before anything is asked when the signal is aborted already', async () => {
    const source = new FakeSource(5)
    const reason = new Error('too late')
    const scan = new BucketScan(source, AbortSignal.abort(reason))
    expect(await rejection(rest(scan))).toBe(reason)
    expect(source.log.filter((line) => line.startsWith('page'))).toEqual([])
  })
})
