/**
 * Wrong arguments of the adapters and policies that the package exports: typed errors that name the argument,
 * at once.
 */
import { describe, expect, test } from 'vitest'
import {
  bytesCodec,
  jsonCodec,
  memoryTransport,
  merge,
  msgpackCodec,
  tcpTransport,
} from '../../src/index.ts'
import { lmdbStorage } from '../../src/lmdb.ts'

const texts: readonly unknown[] = ['', 'a\ud800', 'a\0b']
const numbers: readonly unknown[] = [NaN, -1, 1.5, Infinity, 10n]
const others: readonly unknown[] = [null, [], [1], () => 1, Symbol('s'), { colour: 1 }]
const zoo: readonly unknown[] = [...texts, ...numbers, ...others]

function refuses(call: () => unknown, names: RegExp, label: string): void {
  expect(call, label).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  expect(argumentOf(call), label).toMatch(names)
}

function argumentOf(call: () => unknown): string | undefined {
  try {
    call()
  } catch (error) {
    return (error as { argument?: string }).argument
  }
  return undefined
}

function shown(value: unknown): string {
  return typeof value === 'symbol' ? 'a symbol' : `${typeof value} ${String(value)}`
}

describe('tcpTransport refuses', () => {
  test('anything but an object of options', () => {
    for (const value of zoo)
      refuses(() => tcpTransport(value as never), /tcpTransport/, shown(value))
  })

  const legal: Readonly<Record<string, readonly unknown[]>> = {
    host: [],
    port: [],
    advertise: [],
    tls: [],
    secret: ['a\0b', 'a\ud800'],
    allowInsecure: [],
    connectTimeoutMs: [],
    handshakeTimeoutMs: [],
    frameTimeoutMs: [],
    keepAliveMs: [],
    maxConnections: [],
    maxConnectionsPerRemote: [],
  }
  test.each(Object.keys(legal))('a wrong %s', (option) => {
    for (const value of [...zoo, {}, true, 2 ** 40]) {
      if (legal[option]!.includes(value) || (option === 'allowInsecure' && value === true)) continue
      const call = (): unknown => tcpTransport({ [option]: value })
      refuses(call, new RegExp(`tcpTransport.${option}`), shown(value))
    }
  })

  test.each(['cert', 'key', 'ca', 'passphrase'])('a wrong tls.%s', (part) => {
    for (const value of [...zoo, {}, true]) {
      const tls = { cert: 'x', key: 'x', ca: 'x', [part]: value }
      refuses(() => tcpTransport({ tls }), /tcpTransport.tls/, shown(value))
    }
  })
})

test('lmdbStorage refuses wrong options', () => {
  for (const value of [undefined, ...zoo]) {
    const label = value === undefined ? 'undefined' : shown(value)
    refuses(() => lmdbStorage(value as never), /options|path|colour/, label)
    refuses(() => lmdbStorage({ path: value } as never), /path/, label)
    if (value === undefined) continue
    refuses(() => lmdbStorage({ path: '/x', durability: value } as never), /durability/, label)
  }
  refuses(() => lmdbStorage({ path: '/x', durability: 'memory' } as never), /durability/, 'memory')
  refuses(() => lmdbStorage({ path: '/x', colour: 1 } as never), /colour/, 'colour')
})

test('memoryTransport takes what memoryNetwork made and nothing else', () => {
  for (const value of [undefined, ...zoo, { addresses: () => [] }]) {
    refuses(() => memoryTransport(value as never), /network/, typeof value)
  }
})

test('merge takes a function and nothing else', () => {
  for (const value of [undefined, ...zoo]) {
    if (typeof value !== 'function') refuses(() => merge(value as never), /fn/, typeof value)
  }
})

test('codecs refuse what they cannot keep, with a codec error', () => {
  for (const codec of [msgpackCodec<unknown>(), jsonCodec<unknown>()]) {
    for (const value of [Symbol('s'), () => 1, new WeakMap(), { a: { b: () => 1 } }]) {
      expect(() => codec.encode(value)).toThrow(expect.objectContaining({ code: 'ERR_CODEC' }))
    }
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    expect(() => codec.encode(cycle)).toThrow(expect.objectContaining({ code: 'ERR_CODEC' }))
  }
  for (const value of [null, 'text', 1, [1], new Uint16Array(1), new ArrayBuffer(1)]) {
    const encode = (): unknown => bytesCodec().encode(value as never)
    expect(encode).toThrow(expect.objectContaining({ code: 'ERR_CODEC' }))
  }
})
