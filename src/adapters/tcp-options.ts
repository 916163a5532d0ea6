/** The options of the TCP transport: their meaning, their defaults, and the check of all of them at once. */
import { createSecureContext } from 'node:tls'
import { InvalidArgumentError } from '../base/errors.ts'
import { isLoopback, parseAddress } from './tcp-address.ts'

/** PEM text, as a string or as its bytes. */
type Pem = string | Uint8Array

/**
 * Mutual TLS 1.3: both ends show a certificate, and each is checked against `ca`. The host name in the other
 * end's certificate is not compared with the address that was dialled, since nodes are known by their ids: its names
 * are given to the layer above as `Connection.provenNames`.
 */
export interface TcpTlsOptions {
  /** This node's certificate, with intermediate ones after it. Its names should contain the node's id. */
  readonly cert: Pem
  /** The private key of `cert`. */
  readonly key: Pem
  /** The authorities that sign the nodes' certificates, and nobody else's: each of their certificates gets in. */
  readonly ca: Pem | readonly Pem[]
  /** Decrypts `key`, if it is encrypted. */
  readonly passphrase?: string
}

/** Options of `tcpTransport`. Unknown ones are refused. */
export interface TcpTransportOptions {
  /**
   * The interface to listen on, as a name or an IP address. Without `tls` or `secret` only loopback is allowed.
   * @default '127.0.0.1'
   */
  readonly host?: string
  /** The port to listen on; 0 takes any free one. @default 0 */
  readonly port?: number
  /**
   * The address `host:port` by which other nodes reach this one, when it differs from where it listens (containers,
   * NAT). @default `host` and the port that was bound; for a wildcard host the first address of this machine
   * that is not loopback.
   */
  readonly advertise?: string
  /** Encrypts, and proves the names of both ends. @default none */
  readonly tls?: TcpTlsOptions
  /**
   * A secret that all nodes share; use at least 32 random bytes. Before any frame both ends prove that they hold it,
   * and neither tells it. It **authenticates but does not encrypt**: who can read the network reads the data, and
   * who can change packets on their way can take over a connection. Use `tls` where that matters; with both,
   * both apply.
   *
   * Two secrets are for changing it without a stop: the first is used, both are accepted. Restart all nodes with
   * `[old, new]`, then all with `[new, old]`, then all with `new`. @default none
   */
  readonly secret?: string | Uint8Array | readonly (string | Uint8Array)[]
  /**
   * Allows a host other than loopback without `tls` and `secret`: then everyone who reaches the port can read and
   * destroy all data. Warns once for each process. @default false
   */
  readonly allowInsecure?: boolean
  /**
   * How long a connection may take until TCP (not TLS) is established, in milliseconds. Less: a dead host is noticed
   * sooner. More than the slowest round trip plus one lost packet (1 s). @default 3000
   */
  readonly connectTimeoutMs?: number
  /**
   * How long the other end may take, from then on, for TLS and the first bytes, in milliseconds; an accepted
   * connection has it once for each of the two. Bounds what silent strangers can hold. @default 5000
   */
  readonly handshakeTimeoutMs?: number
  /**
   * How long the rest of a frame may take once its start has arrived, in milliseconds; enforced within twice that time.
   * More than the longest frame needs on the slowest link. @default 30000
   */
  readonly frameTimeoutMs?: number
  /**
   * After how much silence the operating system probes the other end (TCP keep-alive), in milliseconds. A second line
   * of defence: membership notices the dead much sooner. @default 15000
   */
  readonly keepAliveMs?: number
  /** How many accepted connections there may be; further ones are dropped at once. @default 4096 */
  readonly maxConnections?: number
  /** The same for those from one IP address. @default 512 */
  readonly maxConnectionsPerRemote?: number
}

/** Checked options with all defaults filled in. */
export interface ResolvedTcpOptions {
  readonly host: string
  readonly port: number
  readonly advertise: string | undefined
  readonly tls: TcpTlsOptions | undefined
  /** Empty without a secret; the first is used, all are accepted. */
  readonly secrets: readonly Uint8Array[]
  readonly allowInsecure: boolean
  readonly connectTimeoutMs: number
  readonly handshakeTimeoutMs: number
  readonly frameTimeoutMs: number
  readonly keepAliveMs: number
  readonly maxConnections: number
  readonly maxConnectionsPerRemote: number
}

const DEFAULTS = Object.freeze({
  host: '127.0.0.1',
  port: 0,
  allowInsecure: false,
  connectTimeoutMs: 3000,
  handshakeTimeoutMs: 5000,
  frameTimeoutMs: 30_000,
  keepAliveMs: 15_000,
  maxConnections: 4096,
  maxConnectionsPerRemote: 512,
})

/** A longer delay than this makes a timer of Node fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1

const NUMBER_RANGES: readonly (readonly [NumberOption, number, number])[] = [
  ['port', 0, 65_535],
  ['connectTimeoutMs', 1, TIMER_MS_MAX],
  ['handshakeTimeoutMs', 1, TIMER_MS_MAX],
  ['frameTimeoutMs', 1, TIMER_MS_MAX],
  ['keepAliveMs', 1, TIMER_MS_MAX],
  ['maxConnections', 1, 1_000_000],
  ['maxConnectionsPerRemote', 1, 1_000_000],
]

type NumberOption =
  | 'port'
  | 'connectTimeoutMs'
  | 'handshakeTimeoutMs'
  | 'frameTimeoutMs'
  | 'keepAliveMs'
  | 'maxConnections'
  | 'maxConnectionsPerRemote'

const OPTION_NAMES: ReadonlySet<string> = new Set([
  ...Object.keys(DEFAULTS),
  'advertise',
  'tls',
  'secret',
])
const TLS_OPTION_NAMES: ReadonlySet<string> = new Set(['cert', 'key', 'ca', 'passphrase'])

/** One thing that is wrong: which option, and how. */
interface Problem {
  readonly option: string
  readonly message: string
}

/** @throws {InvalidArgumentError} that names every problem; its `argument` is the first one's option. */
export function resolveTcpOptions(options: TcpTransportOptions): ResolvedTcpOptions {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new InvalidArgumentError('tcpTransport', `must be given an object, not ${shown(options)}`)
  }
  const resolved: ResolvedTcpOptions = {
    ...DEFAULTS,
    advertise: undefined,
    tls: undefined,
    ...withoutUndefined(options),
    secrets: secretsOf(options.secret),
  }
  const problems = [
    ...unknownKeys(options, OPTION_NAMES, ''),
    ...addressProblems(resolved),
    ...numberProblems(resolved),
    ...secretProblems(options.secret),
    ...(resolved.tls === undefined ? [] : tlsProblems(resolved.tls)),
    ...insecurityProblems(resolved),
  ]
  const [first, ...others] = problems
  if (first === undefined) return resolved
  const rest = others.map(({ option, message }) => `; tcpTransport.${option}: ${message}`)
  throw new InvalidArgumentError(`tcpTransport.${first.option}`, first.message + rest.join(''))
}

function withoutUndefined(options: TcpTransportOptions): TcpTransportOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

function secretsOf(secret: TcpTransportOptions['secret']): readonly Uint8Array[] {
  if (secret === undefined) return []
  const all: readonly unknown[] = Array.isArray(secret) ? secret : [secret]
  return all.filter(isText).map((one) => Buffer.from(one))
}

function isText(value: unknown): value is string | Uint8Array {
  return typeof value === 'string' || value instanceof Uint8Array
}

function unknownKeys(options: object, known: ReadonlySet<string>, prefix: string): Problem[] {
  return Object.keys(options)
    .filter((key) => !known.has(key))
    .map((key) => ({
      option: prefix + key,
      message: `is no option; known are ${[...known].join(', ')}`,
    }))
}

function isAddress(value: unknown): boolean {
  return typeof value === 'string' && parseAddress(value) !== undefined
}

function addressProblems({ host, advertise, allowInsecure }: ResolvedTcpOptions): Problem[] {
  const problems: Problem[] = []
  if (typeof host !== 'string' || host === '' || /[\s[\]/]/.test(host)) {
    const message = `must be a host name or an IP address without brackets, not ${shown(host)}`
    problems.push({ option: 'host', message })
  }
  if (advertise !== undefined && !isAddress(advertise)) {
    const message = `must be host:port, IPv6 as [host]:port, not ${shown(advertise)}`
    problems.push({ option: 'advertise', message })
  }
  if (typeof allowInsecure !== 'boolean') {
    problems.push({
      option: 'allowInsecure',
      message: `must be a boolean, not ${shown(allowInsecure)}`,
    })
  }
  return problems
}

function numberProblems(options: ResolvedTcpOptions): Problem[] {
  return NUMBER_RANGES.flatMap(([option, min, max]) => {
    const value = options[option]
    if (Number.isInteger(value) && value >= min && value <= max) return []
    return [
      { option, message: `must be a whole number from ${min} to ${max}, not ${shown(value)}` },
    ]
  })
}

function secretProblems(secret: TcpTransportOptions['secret']): Problem[] {
  if (secret === undefined) return []
  const all: readonly unknown[] = Array.isArray(secret) ? secret : [secret]
  const fits =
    all.length >= 1 && all.length <= 2 && all.every((one) => isText(one) && one.length > 0)
  // The value itself is not shown: messages end up in logs.
  const message = 'must be a non-empty string or Uint8Array, or one or two of them'
  return fits ? [] : [{ option: 'secret', message }]
}

function tlsProblems(tls: TcpTlsOptions): Problem[] {
  if (typeof tls !== 'object' || tls === null) {
    return [{ option: 'tls', message: `must be { cert, key, ca }, not ${shown(tls)}` }]
  }
  const unknown = unknownKeys(tls, TLS_OPTION_NAMES, 'tls.')
  const missing = (['cert', 'key', 'ca'] as const)
    .filter((name) => !isPem(tls[name]) && !(name === 'ca' && isListOfPems(tls.ca)))
    .map((name) => ({ option: `tls.${name}`, message: 'must be given as PEM: TLS here is mutual' }))
  if (tls.passphrase !== undefined && typeof tls.passphrase !== 'string') {
    missing.push({ option: 'tls.passphrase', message: 'must be a string' })
  }
  if (missing.length > 0) return [...unknown, ...missing]
  try {
    createSecureContext(nodeTlsOptions(tls))
    return unknown
  } catch (error) {
    return [...unknown, { option: 'tls', message: `cannot be used: ${String(error)}` }]
  }
}

function isPem(value: unknown): boolean {
  return isText(value) && value.length > 0
}

function isListOfPems(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(isPem)
}

function insecurityProblems({ host, tls, secrets, allowInsecure }: ResolvedTcpOptions): Problem[] {
  if (typeof host !== 'string') return []
  if (tls !== undefined || secrets.length > 0 || allowInsecure || isLoopback(host)) return []
  const message =
    `${shown(host)} can be reached from other machines: set tcpTransport.tls or tcpTransport.secret, ` +
    'or allowInsecure: true if everyone who reaches it may read and destroy all data'
  return [{ option: 'host', message }]
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

/** What both ends of a TLS connection have in common, as `node:tls` takes it. */
export interface NodeTlsOptions {
  readonly cert: string | Buffer
  readonly key: string | Buffer
  readonly ca: (string | Buffer)[]
  readonly passphrase?: string
  readonly minVersion: 'TLSv1.3'
  readonly requestCert: true
  readonly rejectUnauthorized: true
}

/** The options in the words of `node:tls`. */
export function nodeTlsOptions(tls: TcpTlsOptions): NodeTlsOptions {
  const authorities = typeof tls.ca === 'string' || tls.ca instanceof Uint8Array ? [tls.ca] : tls.ca
  return {
    cert: nodePem(tls.cert),
    key: nodePem(tls.key),
    ca: authorities.map(nodePem),
    ...(tls.passphrase === undefined ? {} : { passphrase: tls.passphrase }),
    minVersion: 'TLSv1.3',
    requestCert: true,
    rejectUnauthorized: true,
  }
}

function nodePem(pem: Pem): string | Buffer {
  return typeof pem === 'string' ? pem : Buffer.from(pem.buffer, pem.byteOffset, pem.byteLength)
}
