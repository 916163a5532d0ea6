/** Options and addresses of the TCP transport. */
import { describe, expect, test } from 'vitest'
import {
  formatAddress,
  isLoopback,
  isWildcard,
  parseAddress,
} from '../../src/adapters/tcp-address.ts'
import { alternativeNames } from '../../src/adapters/tcp-certificate.ts'
import { tcpTransport } from '../../src/adapters/tcp-transport.ts'
import type { TcpTransportOptions } from '../../src/adapters/tcp-options.ts'
import { InvalidArgumentError } from '../../src/base/errors.ts'

function refusalOf(options: Record<string, unknown>): InvalidArgumentError {
  try {
    tcpTransport(options)
  } catch (error) {
    if (error instanceof InvalidArgumentError) return error
    throw error
  }
  throw new Error(`not refused: ${JSON.stringify(options)}`)
}

describe('tcpTransport', () => {
  test.each([
    [{ host: 5 }, 'host'],
    [{ host: '' }, 'host'],
    [{ host: '[::1]' }, 'host'],
    [{ port: -1 }, 'port'],
    [{ port: 65_536 }, 'port'],
    [{ port: 1.5 }, 'port'],
    [{ port: '80' }, 'port'],
    [{ advertise: 'nowhere' }, 'advertise'],
    [{ advertise: 'host:0' }, 'advertise'],
    [{ secret: '' }, 'secret'],
    [{ secret: [] }, 'secret'],
    [{ secret: ['a', 'b', 'c'] }, 'secret'],
    [{ secret: 5 }, 'secret'],
    [{ tls: {} }, 'tls.cert'],
    [{ tls: null }, 'tls'],
    [{ tls: { cert: 'x', key: 'y', ca: 'z' } }, 'tls'],
    [{ tls: { cert: 'x', key: 'y', ca: 'z', sni: 1 } }, 'tls.sni'],
    [{ allowInsecure: 'yes' }, 'allowInsecure'],
    [{ connectTimeoutMs: 0 }, 'connectTimeoutMs'],
    [{ handshakeTimeoutMs: 2 ** 31 }, 'handshakeTimeoutMs'],
    [{ frameTimeoutMs: Number.NaN }, 'frameTimeoutMs'],
    [{ keepAliveMs: -5 }, 'keepAliveMs'],
    [{ maxConnections: 0 }, 'maxConnections'],
    [{ maxConnectionsPerRemote: 0.5 }, 'maxConnectionsPerRemote'],
    [{ prot: 80 }, 'prot'],
  ])('refuses %j', (options, argument) => {
    expect(refusalOf(options).argument).toBe(`tcpTransport.${argument}`)
  })

  test('names all problems at once', () => {
    const { message } = refusalOf({ prot: 1, port: -1, maxConnections: 0 })
    for (const name of ['prot', 'port', 'maxConnections'])
      expect(message).toContain(`tcpTransport.${name}:`)
  })

  test('does not show a secret in a refusal', () => {
    expect(refusalOf({ secret: ['hunter2', ''] }).message).not.toContain('hunter2')
  })

  test.each(['0.0.0.0', '::', '10.1.2.3', 'db-1.internal', 'fd00::1'])(
    'refuses to listen on %s without TLS or a secret, and names the remedy',
    (host) => {
      const refusal = refusalOf({ host })
      expect(refusal.argument).toBe('tcpTransport.host')
      expect(refusal.message).toMatch(/tls.*secret.*allowInsecure/)
    },
  )

  test.each([
    { host: '0.0.0.0', secret: 's' },
    { host: '10.1.2.3', secret: new Uint8Array(32) },
    { host: '::', secret: ['new', 'old'] },
    { host: '0.0.0.0', allowInsecure: true },
    { host: 'localhost', port: 65_535, advertise: '[fd00::1]:9' },
    { host: '::1' },
    { host: '127.8.9.10' },
    {},
  ])('accepts %j', (options) => {
    expect(() => tcpTransport(options)).not.toThrow()
  })

  test('takes an option that is undefined as not given', () => {
    const options = { host: undefined, secret: undefined, port: undefined }
    expect(() => tcpTransport(options as unknown as TcpTransportOptions)).not.toThrow()
  })
})

describe('addresses', () => {
  test.each([
    ['127.0.0.1:80', { host: '127.0.0.1', port: 80 }],
    ['[::1]:65535', { host: '::1', port: 65_535 }],
    ['[fe80::1%eth0]:1', { host: 'fe80::1%eth0', port: 1 }],
    ['db-1.internal:7101', { host: 'db-1.internal', port: 7101 }],
  ])('%s is read and written back', (text, address) => {
    expect(parseAddress(text)).toEqual(address)
    expect(formatAddress(address)).toBe(text)
  })

  test.each([
    '',
    ':',
    ':80',
    'host',
    'host:',
    'host:0',
    'host:65536',
    '::1:80',
    '[::1]',
    '[x]:1',
    '[1.2.3.4]:1',
    'a b:1',
    'http://a:1',
    'a:1 ',
  ])('%j is none', (text) => {
    expect(parseAddress(text)).toBeUndefined()
  })

  test.each([
    ['127.0.0.1', true],
    ['127.255.0.9', true],
    ['LOCALHOST', true],
    ['::1', true],
    ['0:0:0:0:0:0:0:1', true],
    ['::ffff:127.0.0.1', true],
    ['128.0.0.1', false],
    ['::', false],
    ['::2', false],
    ['1::1', false],
    ['::ffff:10.0.0.1', false],
    ['127.evil.example', false],
    ['localhost.example', false],
  ])('%s is loopback: %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected)
  })

  test.each([
    ['0.0.0.0', true],
    ['::', true],
    ['0:0:0:0:0:0:0:0', true],
    ['::1', false],
    ['10.0.0.0', false],
    ['localhost', false],
  ])('%s is every interface: %s', (host, expected) => {
    expect(isWildcard(host)).toBe(expected)
  })
})

describe('names in certificates', () => {
  test.each([
    ['', []],
    ['DNS:n1', ['n1']],
    ['DNS:n1, URI:coterie:node/n1, IP Address:10.0.0.1, email:a@b', ['n1', 'coterie:node/n1']],
    ['DNS:"n1, DNS:n2"', ['n1, DNS:n2']],
    ['DNS:"a\\"b", DNS:c', ['a"b', 'c']],
    ['othername:"x, DNS:n2", DNS:n1', ['n1']],
    ['DNS:"broken', []],
  ])('%j names %j', (text, names) => {
    expect(alternativeNames(text)).toEqual(names)
  })
})
