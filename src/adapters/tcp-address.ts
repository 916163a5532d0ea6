/**
 * Addresses of the form `host:port`, where an IPv6 host stands in brackets: `10.0.0.7:7101`, `db-1.internal:7101`,
 * `[fd00::7]:7101`.
 */
import { isIP, isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'

/** Where a node listens. */
export interface TcpAddress {
  /** A name or an IP address, an IPv6 address without brackets. */
  readonly host: string
  /** 1 to 65535. */
  readonly port: number
}

/** The parts of `text`, or `undefined` when it is not an address. */
export function parseAddress(text: string): TcpAddress | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|([^\s:[\]/@\p{Cc}]+)):(\d{1,5})$/u.exec(text)
  if (match === null) return undefined
  const [, bracketed, plain, digits] = match
  const port = Number(digits)
  const host = bracketed ?? plain
  if (host === undefined || port < 1 || port > 65_535) return undefined
  if (bracketed !== undefined && !isIPv6(bracketed)) return undefined
  return { host, port }
}

/** The inverse of `parseAddress`. */
export function formatAddress(address: TcpAddress): string {
  const { host, port } = address
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
}

/** Whether a socket bound to `host` can be reached from this machine only. A name other than localhost is not. */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === 'localhost') return true
  if (isIP(host) === 4) return host.startsWith('127.')
  return isIP(host) === 6 && /^(?:0{0,4}:){2,7}(?:0{0,3}1|ffff:127\.[\d.]+)$/i.test(host)
}

/** Whether `host` means every interface, and so is no address for others to use. */
export function isWildcard(host: string): boolean {
  if (isIP(host) === 4) return host === '0.0.0.0'
  return isIP(host) === 6 && /^[0:]+$/.test(host)
}

/**
 * An address of this machine that others can use, for a socket bound to every interface: the first that is not
 * loopback, IPv4 before IPv6 where the socket takes both; loopback when the machine has nothing else.
 */
export function reachableHost(wildcard: string): string {
  const external = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter((address) => !address.internal && !address.address.startsWith('fe80:'))
  const v4 = external.find((address) => address.family === 'IPv4')
  if (v4 !== undefined) return v4.address
  const v6 = isIPv6(wildcard) ? external[0] : undefined
  return v6?.address ?? (isIPv6(wildcard) ? '::1' : '127.0.0.1')
}
