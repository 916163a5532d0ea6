/** Strangers who speak nonsense, little, or too often; the transport loses its patience with them and nothing else. */
import { connect as tlsConnect } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { parseAddress } from '../../../src/adapters/tcp-address.ts'
import { mulberry } from '../../transport/kit.ts'
import { dial, listener, stranger, tlsOf, transportOf, type Stranger } from './kit.ts'
import { TransportProbe } from '../../../src/conformance/transport-probe.ts'

const HELLO = Buffer.from('coterie\u0001', 'latin1')

describe('slow strangers', () => {
  test.each([
    { name: 'silence', options: {}, bytes: '' },
    { name: 'half a hello', options: {}, bytes: 'cote' },
    {
      name: 'a hello without proof',
      options: { secret: 's' },
      bytes: `coterie\u0002${'n'.repeat(32)}`,
    },
    { name: 'silence instead of TLS', options: { tls: tlsOf('n1') }, bytes: '' },
  ])('$name is cut off at the handshake deadline', async ({ options, bytes }) => {
    const { address, accepted } = await listener({ ...options, handshakeTimeoutMs: 150 })
    const slow = stranger(address)
    slow.socket.write(bytes)
    const closedMs = await slow.closed
    expect(closedMs).toBeGreaterThan(100)
    expect(closedMs).toBeLessThan(5000)
    expect(accepted).toEqual([])
  })

  test('a byte now and then does not extend the handshake deadline', async () => {
    const { address } = await listener({ secret: 's', handshakeTimeoutMs: 200 })
    const slow = stranger(address)
    const hello = Buffer.from(`coterie\u0002${'n'.repeat(64)}`, 'latin1')
    let at = 0
    const drip = setInterval(() => slow.socket.write(hello.subarray(at, ++at)), 20)
    const closedMs = await slow.closed
    clearInterval(drip)
    expect(at).toBeLessThan(hello.length)
    expect(closedMs).toBeLessThan(5000)
  })

  test('someone who does not finish a frame is cut off, someone who is idle between frames is not', async () => {
    const { address, accepted, end } = await listener({ frameTimeoutMs: 100 })
    const idle = dial(address)
    await end(0)
    const slow = stranger(address)
    slow.socket.write(Buffer.concat([HELLO, Uint8Array.of(200, 0, 0, 0, 1)]))
    const drip = setInterval(() => slow.socket.write('x'), 20)
    await slow.closed
    clearInterval(drip)
    expect(accepted.map(({ probe }) => probe.closes)).toEqual([0, 1])
    expect(accepted[1]?.probe.closeError?.message).toContain('did not finish a frame')
    expect(idle.connection.send(Uint8Array.of(1), 0, 1)).toBe(true)
    await accepted[0]?.probe.received(1)
  })

  test('a server that says nothing is given up at the handshake deadline', async () => {
    const { createServer } = await import('node:net')
    const server = createServer((socket) => void socket.on('error', () => {}))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    const near = dial(`127.0.0.1:${port}`, { handshakeTimeoutMs: 100 })
    await near.probe.closed()
    expect(near.probe.closeError).toMatchObject({
      code: 'ERR_TIMEOUT',
      cause: { code: 'ETIMEDOUT' },
    })
    server.close()
  })
})

describe('strangers who speak nonsense', () => {
  test.each([
    { name: 'HTTP', bytes: Buffer.from('GET / HTTP/1.1\r\n\r\n') },
    { name: 'a frame of length 0', bytes: Buffer.concat([HELLO, Buffer.alloc(4)]) },
    { name: 'a length of 4 GiB', bytes: Buffer.concat([HELLO, Buffer.alloc(5, 255)]) },
  ])('$name closes the connection at once', async ({ bytes }) => {
    const { address, accepted } = await listener()
    const rude = stranger(address)
    rude.socket.write(bytes)
    expect(await rude.closed).toBeLessThan(4000)
    for (const { probe } of accepted)
      expect(probe.closeError).toMatchObject({ code: 'ERR_PROTOCOL' })
    await dial(address).probe.opened()
  })

  test('random bytes in the place of hellos and frames hurt nobody else', async () => {
    const { address, accepted, end } = await listener({}, { frameBytesMax: () => 1000 })
    const good = dial(address)
    await end(0)
    const random = mulberry(Number(process.env['SEED'] ?? 20_251))
    for (let round = 0; round < 20; round++) {
      const strangers: Stranger[] = []
      for (let count = 0; count < 10; count++) {
        const bytes = Buffer.from(Array.from({ length: 200 }, () => random() * 256))
        const rude = stranger(address)
        rude.socket.end(random() < 0.5 ? bytes : Buffer.concat([HELLO, bytes]))
        strangers.push(rude)
      }
      await Promise.all(strangers.map((rude) => rude.closed))
    }
    good.connection.send(Uint8Array.of(1), 0, 1)
    expect(await accepted[0]?.probe.received(1)).toHaveLength(1)
    for (const { probe } of accepted) expect(probe.breaches).toEqual([])
  })

  test('a connection reset amid a frame ends with an error and no frame', async () => {
    const { address, end } = await listener()
    const rude = stranger(address)
    rude.socket.write(Buffer.concat([HELLO, Uint8Array.of(9, 0, 0, 0, 1, 2)]))
    await end(0)
    rude.socket.resetAndDestroy()
    const far = await end(0)
    await far.probe.closed()
    expect(far.probe.closeError).toBeInstanceOf(Error)
    expect(far.probe.frames).toEqual([])
  })

  test('a TLS client without a certificate is refused', async () => {
    const { address, accepted } = await listener({ tls: tlsOf('n1') })
    const { host, port } = parseAddress(address)!
    const socket = tlsConnect({ host, port, rejectUnauthorized: false })
    socket.on('error', () => {})
    socket.on('secureConnect', () => socket.write(HELLO))
    await new Promise((resolve) => socket.once('close', resolve))
    expect(accepted).toEqual([])
  })
})

describe('floods', () => {
  test.each([
    { name: 'maxConnections', options: { maxConnections: 5 } },
    { name: 'maxConnectionsPerRemote', options: { maxConnectionsPerRemote: 5 } },
    { name: 'maxConnections with TLS', options: { maxConnections: 5, tls: tlsOf('n1') } },
    {
      name: 'maxConnectionsPerRemote with TLS',
      options: { maxConnectionsPerRemote: 5, tls: tlsOf('n1') },
    },
  ])(
    'connections over $name are dropped, and their places are given again',
    async ({ options }) => {
      const { address, accepted, end } = await listener(options)
      const transport = transportOf('tls' in options ? { tls: options.tls } : {})
      const ends = Array.from({ length: 40 }, () => {
        const probe = new TransportProbe()
        return { probe, connection: transport.connect(address, probe) }
      })
      await Promise.all(
        ends.map(({ probe }) => Promise.race([probe.closed(), probe.opened().catch(() => {})])),
      )
      const open = ends.filter(({ probe }) => probe.opens === 1 && probe.closes === 0)
      expect(open).toHaveLength(5)
      await end(4)
      expect(accepted).toHaveLength(5)
      for (const { connection, probe } of open) {
        connection.close()
        await probe.closed()
      }
      for (const { probe } of accepted) await probe.closed()
      await reconnected(address, transport)
    },
  )
})

/** A place is free again when the server's socket is gone, which is soon after its handler was told. */
async function reconnected(
  address: string,
  transport: ReturnType<typeof transportOf>,
): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const probe = new TransportProbe()
    transport.connect(address, probe)
    if (
      await probe.opened().then(
        () => true,
        () => false,
      )
    )
      return
  }
  throw new Error('no place was given again')
}
