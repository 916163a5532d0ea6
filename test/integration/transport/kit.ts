/** What the tests on real sockets share. */
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { onTestFinished, vi } from 'vitest'
import { parseAddress } from '../../../src/adapters/tcp-address.ts'
import type { TcpTlsOptions, TcpTransportOptions } from '../../../src/adapters/tcp-options.ts'
import { tcpTransport } from '../../../src/adapters/tcp-transport.ts'
import {
  TransportProbe,
  type ProbedEnd,
  type ProbeOptions,
} from '../../../src/conformance/transport-probe.ts'
import type { Transport } from '../../../src/ports/transport.ts'

/** A transport that is closed when the test is over. */
export function transportOf(options: TcpTransportOptions = {}): Transport {
  const transport = tcpTransport(options)
  onTestFinished(() => transport.close())
  return transport
}

/** A listening transport; `accepted` are the ends that got through the handshake. */
export interface Listener {
  readonly transport: Transport
  readonly address: string
  readonly accepted: ProbedEnd[]
  /** The accepted end with that number, once it is open: that may be later than the connecting one. */
  readonly end: (index: number) => Promise<ProbedEnd>
}

export async function listener(
  options: TcpTransportOptions = {},
  probe?: ProbeOptions,
): Promise<Listener> {
  const transport = transportOf(options)
  const accepted: ProbedEnd[] = []
  const address = await transport.listen((connection) => {
    const end = { connection, probe: new TransportProbe(probe) }
    accepted.push(end)
    return end.probe
  })
  const end = async (index: number): Promise<ProbedEnd> => {
    await vi.waitUntil(() => accepted[index] !== undefined, { timeout: 10_000, interval: 2 })
    return accepted[index]!
  }
  return { transport, address, accepted, end }
}

export function dial(address: string, options: TcpTransportOptions = {}): ProbedEnd {
  const probe = new TransportProbe()
  return { probe, connection: transportOf(options).connect(address, probe) }
}

/** A plain socket to a listener, for speaking nonsense; and how it ended. */
export interface Stranger {
  readonly socket: Socket
  readonly received: Buffer[]
  /** Resolves when the other end has closed, with the milliseconds since the start. */
  readonly closed: Promise<number>
}

export function stranger(address: string): Stranger {
  const { host, port } = parseAddress(address)!
  const startMs = performance.now()
  const received: Buffer[] = []
  const socket = connect({ host, port })
  socket.on('data', (chunk) => received.push(chunk))
  socket.on('error', () => {})
  const closed = new Promise<number>((resolve) => {
    socket.on('close', () => resolve(performance.now() - startMs))
  })
  onTestFinished(() => void socket.destroy())
  return { socket, received, closed }
}

function pem(name: string): string {
  return readFileSync(new URL(`fixtures/${name}.pem`, import.meta.url), 'utf8')
}

/** The certificate of `n1`, `n2` or `stranger`; the last one's is signed by an authority that nobody trusts. */
export function tlsOf(name: string, ca = 'ca'): TcpTlsOptions {
  return { cert: pem(`${name}.cert`), key: pem(`${name}.key`), ca: pem(`${ca}.cert`) }
}
