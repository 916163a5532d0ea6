/** The caller's contexts: text and back, bound to their key, and no text that breaks anything (HAZARDS A12). */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeU32 } from '../../src/base/bytes.ts'
import { checksum } from '../../src/base/checksum.ts'
import { InvalidContextError } from '../../src/base/errors.ts'
import { storedHeaderBytes, writtenLocally } from '../../src/replica/stored-record.ts'
import { Context, contentOf, recordHead, type ContextContent } from '../../src/versions/context.ts'
import { contextOf, dotsOf, pasts, readOf, seeded, valuesOf, writeOf } from './kit.ts'

const cart = { cluster: 'shop', bucket: 'carts', key: 'mary' }

function textOf(content: ContextContent): string {
  return new Context(cart, content).toString()
}

describe('a context', () => {
  it('means the same as text and as an object, and its text is URL-safe', () => {
    fc.assert(
      fc.property(pasts(), ({ contexts }) => {
        for (const content of contexts) {
          const context = new Context(cart, content)
          expect(contentOf(context, cart)).toEqual(content)
          expect(contentOf(context.toString(), cart)).toEqual(content)
          expect(context.toString()).toMatch(/^[A-Za-z0-9_-]+$/)
          expect(JSON.stringify({ context })).toBe(`{"context":"${context.toString()}"}`)
        }
      }),
    )
  })

  it('made from a record means what a read of it has seen', () => {
    fc.assert(
      fc.property(pasts(), ({ records }) => {
        const record = Buffer.from(records.at(-1)!)
        const context = new Context(cart, recordHead(record, storedHeaderBytes))
        // Nothing is kept of it.
        const seen = readOf(record)
        record.fill(0xff)
        expect(contentOf(context, cart)).toEqual(seen)
      }),
    )
  })
})

describe('a context passed where it does not belong', () => {
  const content = { causal: contextOf('a3 b1 + c5'), stamp: 77 }

  it.each([
    ['another key', { ...cart, key: 'peter' }],
    ['another bucket', { ...cart, bucket: 'wishes' }],
    ['another cluster', { ...cart, cluster: 'test' }],
    ['the same letters cut elsewhere', { cluster: 'shop', bucket: 'cart', key: 'smary' }],
  ])('%s: is refused as object and as text', (_, elsewhere) => {
    const context = new Context(cart, content)
    expect(() => contentOf(context, elsewhere)).toThrow(InvalidContextError)
    expect(() => contentOf(context.toString(), elsewhere)).toThrow(InvalidContextError)
  })

  it('refused, it costs no data: two keys with swapped contexts keep their values', () => {
    const dots = dotsOf('a')
    const held = writtenLocally(undefined, writeOf('v1', { dots })).stored
    const text = new Context(cart, readOf(held)).toString()
    const swapped = { ...cart, key: 'peter' }
    const put = (): unknown =>
      writtenLocally(held, writeOf('v2', { dots, replaces: contentOf(text, swapped) }))
    expect(put).toThrow(expect.objectContaining({ code: 'ERR_CONTEXT' }))
    expect(valuesOf(held)).toEqual(['v1'])
  })

  it.each([[{}], [null], [7], [[]], [{ toString: () => 'AQ' }]])('%j is no context', (other) => {
    expect(() => contentOf(other as unknown as Context, cart)).toThrow(InvalidContextError)
  })
})

/** Text with a right checksum around other bytes: what only a faulty or hostile writer makes. */
function forged(bytes: Buffer): string {
  const bound = checksum(`${cart.cluster}\0${cart.bucket}\0${cart.key}`)
  writeU32(bytes, 2, checksum(bytes.subarray(6), checksum(bytes.subarray(0, 2), bound)))
  return bytes.toString('base64url')
}

function bytesOf(content: ContextContent): Buffer {
  return Buffer.from(textOf(content), 'base64url')
}

describe('a text that no context has', () => {
  const text = textOf({ causal: contextOf('a3 b1 + c5'), stamp: 0 })

  // The stack traces of 300 000 refusals would take most of the time.
  const { stackTraceLimit } = Error
  beforeAll(() => void (Error.stackTraceLimit = 0))
  afterAll(() => void (Error.stackTraceLimit = stackTraceLimit))

  it.each([
    ['empty', ''],
    ['cut off', text.slice(0, -4)],
    ['longer', `${text}AAAA`],
    ['with padding', `${text}=`],
    ['with characters of plain base64', text.replace(/[A-Za-z]/, '+')],
    ['with white space', `${text}\n`],
    ['no base64 at all', 'ünïcödé 🙂'],
    ['of 200 MB', 'A'.repeat(200_000_000)],
  ])('%s: is refused', (_, token) => {
    expect(() => contentOf(token, cart)).toThrow(InvalidContextError)
  })

  it.each([
    ['entries out of order', { causal: contextOf('b1 a3'), stamp: 0 }],
    ['an entry twice', { causal: contextOf('a1 a3'), stamp: 0 }],
    ['an entry with counter 0', { causal: contextOf('a0'), stamp: 0 }],
    ['isolated dots out of order', { causal: contextOf('+ c5 a5'), stamp: 0 }],
    ['an isolated dot twice', { causal: contextOf('+ c5 c5'), stamp: 0 }],
    ['an isolated dot that is covered', { causal: contextOf('a3 + a2'), stamp: 0 }],
    ['an isolated dot that continues its entry', { causal: contextOf('a3 + a4'), stamp: 0 }],
    ['an isolated first dot', { causal: contextOf('+ a1'), stamp: 0 }],
    ['a stamp below 0', { causal: contextOf('a1'), stamp: -1 }],
    ['a stamp that is no number', { causal: contextOf('a1'), stamp: NaN }],
    ['a stamp without end', { causal: contextOf('a1'), stamp: Infinity }],
  ])('with a right checksum and %s: is refused', (_, content) => {
    expect(() => contentOf(textOf(content), cart)).toThrow(InvalidContextError)
  })

  it('with a right checksum, any flags, counts and dots: a context or refused, and one text each', () => {
    const float = seeded(22)
    const below = (limit: number): number => Math.floor(float() * limit)
    const models = ['', 'a3', 'a3 b1', 'a3 b1 + c5'].map((causal, stamp) =>
      bytesOf({ causal: contextOf(causal), stamp }),
    )
    let accepted = 0
    for (let i = 0; i < 100_000; i++) {
      const bytes = Buffer.from(models[below(models.length)]!)
      for (let k = below(3) + 1; k > 0; k--)
        bytes[below(bytes.length)] = below(i % 2 === 0 ? 256 : 4)
      const token = forged(bytes)
      const content = acceptedOrRefused(token)
      if (content === undefined) continue
      accepted++
      if (textOf(content) !== token) throw new Error(`two texts for one context: ${token}`)
    }
    expect(accepted).toBeGreaterThan(1000)
  })

  it('random or mutated 200 000 times: is refused, and nothing else is thrown', () => {
    const float = seeded(23)
    const below = (limit: number): number => Math.floor(float() * limit)
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/= \u00e9'
    for (let i = 0; i < 200_000; i++) {
      const characters = i % 3 === 0 ? Array<string>(below(60)).fill('A') : text.split('')
      for (let k = below(4) + 1; k > 0; k--) {
        characters[below(characters.length + 1)] = letters[below(letters.length)]!
      }
      const token = characters.join('')
      if (token === text) continue
      if (acceptedOrRefused(token) !== undefined) throw new Error(`accepted: ${token}`)
    }
  })
})

/** The content, or undefined when the text is refused in the way that is promised. */
function acceptedOrRefused(token: string): ContextContent | undefined {
  try {
    return contentOf(token, cart)
  } catch (error) {
    if (error instanceof InvalidContextError) return undefined
    throw error
  }
}
