/** The conformance suite over TCP, plain, with a secret, and with TLS; and what only sockets can do. */
import { Socket } from 'node:net'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { tcpTransport } from '../../../src/adapters/tcp-transport.ts'
import { transportSuite } from '../../../src/conformance/transport-suite.ts'
import { TransportProbe } from '../../../src/conformance/transport-probe.ts'
import { dial, listener, stranger, tlsOf, transportOf } from './kit.ts'

const FRAME = new Uint8Array(150)

describe('TCP keeps the duties of a transport', () => {
  transportSuite({ test, create: async () => tcpTransport() })
})

describe('TCP with a secret keeps the duties of a transport', () => {
  transportSuite({ test, create: async () => tcpTransport({ secret: 'of the cluster' }) })
})

describe('TCP with TLS and a secret keeps the duties of a transport', () => {
  const options = { tls: tlsOf('n1'), secret: 'of the cluster' }
  transportSuite({ test, create: async () => tcpTransport(options) })
})

describe('addresses', () => {
  test('IPv6 is printed and dialled in brackets', async () => {
    const { address, end } = await listener({ host: '::1' })
    expect(address).toMatch(/^\[::1\]:\d+$/)
    const near = dial(address)
    await near.probe.opened()
    expect(near.connection.remote).toBe(address)
    expect((await end(0)).connection.remote).toMatch(/^\[::1\]:\d+$/)
  })

  test('host names are looked up', async () => {
    const { address } = await listener({ host: 'localhost' })
    await dial(address).probe.opened()
  })

  test('the advertised address is what listen gives', async () => {
    const { address } = await listener({ advertise: 'db-1.example:7101' })
    expect(address).toBe('db-1.example:7101')
  })

  test('a wildcard host is never advertised', async () => {
    const { address } = await listener({ host: '0.0.0.0', secret: 's' })
    expect(address).not.toContain('0.0.0.0')
    const near = dial(address, { secret: 's' })
    await near.probe.opened()
  })

  test('a port that is taken rejects listen with the reason, and a name that does not exist closes', async () => {
    const { address } = await listener()
    const port = Number(address.split(':')[1])
    const second = transportOf({ port })
    await expect(second.listen(() => new TransportProbe())).rejects.toMatchObject({
      cause: { code: 'EADDRINUSE' },
    })
    await second.close()
  })
})

describe('writes', () => {
  test('there is one for each connection and turn, with what its promises send too', async () => {
    const { address, end } = await listener()
    const nears = [dial(address), dial(address)]
    for (const { probe } of nears) await probe.opened()
    const fars = [await end(0), await end(1)]
    const write = vi.spyOn(Socket.prototype, 'write')
    onTestFinished(() => write.mockRestore())
    for (const { connection } of nears)
      for (let at = 0; at < 10; at++) connection.send(FRAME, 0, 150)
    await Promise.resolve()
    for (const { connection } of nears)
      for (let at = 0; at < 10; at++) connection.send(FRAME, 0, 150)
    for (const { probe } of fars) await probe.received(20)
    expect(write).toHaveBeenCalledTimes(2)
  })

  test('what the handlers of one chunk send goes out in one write', async () => {
    const answers: (() => void)[] = []
    const { address, end } = await listener(
      {},
      { onFrame: () => answers.forEach((answer) => answer()) },
    )
    const near = dial(address)
    await near.probe.opened()
    const far = await end(0)
    answers.push(() => far.connection.send(FRAME, 0, 150))
    const write = vi.spyOn(Socket.prototype, 'write')
    onTestFinished(() => write.mockRestore())
    for (let at = 0; at < 20; at++) near.connection.send(FRAME, 0, 150)
    await near.probe.received(20)
    expect(write.mock.calls.map(([bytes]) => bytes.length)).toEqual([3080, 3080])
  })
})

describe('closing', () => {
  test.each([
    { name: 'TCP', options: {} },
    { name: 'TLS', options: { tls: tlsOf('n1') } },
  ])('what was sent before a close arrives over $name', async ({ options }) => {
    const { address, end } = await listener(options)
    const near = dial(address, options)
    await near.probe.opened()
    const frame = new Uint8Array(1000)
    for (let count = 0; count < 100; count++) near.connection.send(frame, 0, 1000)
    near.connection.close()
    await near.probe.closed()
    const far = await end(0)
    await far.probe.closed()
    expect(far.probe.frames).toHaveLength(100)
  })

  test('leaves no socket, server or timer behind', async () => {
    const timers = active('Timeout').length
    for (const options of [{}, { secret: 's' }, { tls: tlsOf('n1') }]) {
      const listening = tcpTransport(options)
      const connecting = tcpTransport(options)
      const address = await listening.listen(() => new TransportProbe())
      const probes = [new TransportProbe(), new TransportProbe(), new TransportProbe()]
      for (const probe of probes) connecting.connect(address, probe)
      connecting.connect('127.0.0.1:1', new TransportProbe())
      await probes[0]!.opened()
      await Promise.all([listening.close(), connecting.close()])
    }
    // A closed handle is taken off the list in the next turn of the loop.
    await new Promise((resolve) => setImmediate(resolve))
    expect(active('TCPSocketWrap', 'TCPServerWrap', 'TLSWrap', 'TCPConnectWrap')).toEqual([])
    expect(active('Timeout').length).toBeLessThanOrEqual(timers)
  })

  test('close is bounded when the other end never closes', async () => {
    const { transport, address } = await listener({ tls: tlsOf('n1') })
    const silent = stranger(address)
    await new Promise((resolve) => silent.socket.once('connect', resolve))
    const startMs = performance.now()
    await transport.close()
    expect(performance.now() - startMs).toBeLessThan(2000)
    await silent.closed
  })

  test('a transport closed while it begins to listen rejects and leaves nothing open', async () => {
    const transport = transportOf({ host: 'localhost' })
    const listening = transport.listen(() => new TransportProbe()).catch((error: unknown) => error)
    await transport.close()
    expect(await listening).toMatchObject({ code: 'ERR_CLOSED' })
  })
})

/** What of these kinds keeps the process alive. */
function active(...kinds: readonly string[]): string[] {
  return process.getActiveResourcesInfo().filter((kind) => kinds.includes(kind))
}
