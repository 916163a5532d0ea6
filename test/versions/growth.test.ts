/** Records stay small where they can, and are never cut where they cannot (HAZARDS A1, A6). */
import { describe, expect, it } from 'vitest'
import {
  decodeStored,
  merged,
  storedHeaderBytes,
  writtenLocally,
} from '../../src/replica/stored-record.ts'
import type { ContextContent } from '../../src/versions/context.ts'
import { dotsOf, nothing, readOf, receiptOf, receive, valuesOf, writeOf } from './kit.ts'

describe('two clients who alternate, each with its own last context (A1)', () => {
  it.each([
    ['its receipts', 1, 'receipt'],
    ['its receipts, through two replicas in turn', 2, 'receipt'],
    ['a read after its write', 1, 'read'],
    ['a read after its write, through two replicas in turn', 2, 'read'],
  ])('%s: never leave more than two siblings in 100 writes', (_, replicas, source) => {
    const held: (Uint8Array | undefined)[] = [undefined, undefined]
    const dots = [dotsOf('a'), dotsOf('b')]
    const contexts: [ContextContent, ContextContent] = [nothing, nothing]
    for (let i = 0; i < 100; i++) {
      const at = (i >> 1) % replicas
      const client = i % 2
      const replaces = contexts[client]!
      const result = writtenLocally(held[at], writeOf(`v${i}`, { dots: dots[at]!, replaces }))
      held[at] = result.stored
      held[1 - at] = receive(held[1 - at], result.stored)
      contexts[client] = source === 'receipt' ? receiptOf(result) : readOf(result.stored)
      expect(valuesOf(held[at])).toEqual(i === 0 ? ['v0'] : [`v${i - 1}`, `v${i}`].sort())
    }
    expect(decodeStored(held[0]!).context.isolated).toEqual([])
    expect(decodeStored(held[0]!).context.vector.length).toBeLessThanOrEqual(replicas)
  })
})

describe('plain puts without context through one node', () => {
  it('leave the last of 100 values and one entry', () => {
    const dots = dotsOf('a')
    let held: Uint8Array | undefined
    for (let i = 0; i < 100; i++) held = writtenLocally(held, writeOf(`v${i}`, { dots })).stored
    expect(valuesOf(held)).toEqual(['v99'])
    expect(decodeStored(held!).context.vector.map(({ counter }) => counter)).toEqual([100])
  })
})

describe('a key that 200 nodes have coordinated (A6)', () => {
  const bytesOf = (stored: Uint8Array): Buffer => Buffer.from(stored.subarray(storedHeaderBytes))

  it('keeps all their entries, and two replicas that agree once agree for good', () => {
    let one: Uint8Array | undefined
    let other: Uint8Array | undefined
    for (let i = 0; i < 200; i++) {
      const written = writtenLocally(
        i % 2 === 0 ? one : other,
        writeOf(`v${i}`, { dots: dotsOf(`${i}`) }),
      )
      if (i % 2 === 0) one = written.stored
      else other = written.stored
      if (i % 20 === 0) other = receive(other, one!)
    }
    const pass = (): number => {
      const changes = [merged(one, other!, storedHeaderBytes, other!.length)]
      one = changes[0] ?? one!
      changes.push(merged(other, one, storedHeaderBytes, one.length))
      other = changes[1] ?? other
      return changes.filter((each) => each !== undefined).length
    }
    expect(pass()).toBeGreaterThan(0)
    expect(pass()).toBe(0)
    expect(bytesOf(one!)).toEqual(bytesOf(other!))
    expect(decodeStored(one!).context.vector).toHaveLength(200)
    expect(valuesOf(one)).toEqual(['v198', 'v199'])
  })
})
