/** Who gets in: secrets and certificates on real sockets. */
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../../src/base/errors.ts'
import type { TcpTransportOptions } from '../../../src/adapters/tcp-options.ts'
import { dial, listener, tlsOf } from './kit.ts'

/** Both have to agree, or nobody's handler hears of an opening. */
async function refusal(there: TcpTransportOptions, here: TcpTransportOptions): Promise<Error> {
  const { address, accepted } = await listener(there)
  const near = dial(address, here)
  near.connection.send(Uint8Array.of(1, 2, 3), 0, 3)
  await near.probe.closed()
  expect(near.probe.opens).toBe(0)
  expect(accepted).toEqual([])
  return near.probe.closeError!
}

describe('secrets', () => {
  test.each([
    { name: 'another secret', there: 'one', here: 'two' },
    { name: 'one of two that the other lacks', there: 'one', here: ['two', 'one'] },
    { name: 'no secret here', there: 'one', here: undefined },
    { name: 'no secret there', there: undefined, here: 'two' },
  ])('$name: refused with the remedy', async ({ there, here }) => {
    const error = await refusal(
      there === undefined ? {} : { secret: there },
      here === undefined ? {} : { secret: here },
    )
    expect(error).toBeInstanceOf(ProtocolError)
    expect(error.message).toContain('tcpTransport.secret')
  })

  test('the second of two secrets is accepted', async () => {
    const { address } = await listener({ secret: ['new', 'old'] })
    await dial(address, { secret: ['old', 'new'] }).probe.opened()
  })
})

describe('certificates', () => {
  test('both ends learn the names that the other one has proved', async () => {
    const { address, end } = await listener({ tls: tlsOf('n1') })
    const near = dial(address, { tls: tlsOf('n2') })
    await near.probe.opened()
    expect(near.connection.provenNames).toEqual(['n1', 'coterie:node/n1'])
    expect((await end(0)).connection.provenNames).toEqual(['n2', 'n2-common'])
  })

  test('without TLS no names are proved', async () => {
    const { address } = await listener({ secret: 's' })
    const near = dial(address, { secret: 's' })
    await near.probe.opened()
    expect(near.connection.provenNames).toBeUndefined()
  })

  test.each([
    { name: 'a client signed by a strange authority', there: tlsOf('n1'), here: tlsOf('stranger') },
    { name: 'a server signed by a strange authority', there: tlsOf('stranger'), here: tlsOf('n1') },
    {
      name: 'a client that trusts another authority',
      there: tlsOf('n1'),
      here: tlsOf('n2', 'other-ca'),
    },
    {
      name: 'a server that trusts another authority',
      there: tlsOf('n1', 'other-ca'),
      here: tlsOf('n2'),
    },
    { name: 'a client without TLS', there: tlsOf('n1'), here: undefined },
    { name: 'a server without TLS', there: undefined, here: tlsOf('n1') },
  ])('$name is refused', async ({ there, here }) => {
    const error = await refusal(
      there === undefined ? {} : { tls: there },
      here === undefined ? {} : { tls: here },
    )
    expect(error).toBeInstanceOf(ProtocolError)
    expect(error.message).toContain('tcpTransport.tls')
  })

  test('a certificate does not replace the secret, nor the secret the certificate', async () => {
    const tls = tlsOf('n1')
    expect((await refusal({ tls, secret: 'one' }, { tls, secret: 'two' })).message).toContain(
      'secret',
    )
    expect((await refusal({ tls, secret: 'one' }, { tls })).message).toContain('secret')
    expect((await refusal({ tls, secret: 'one' }, { secret: 'one' })).message).toContain('tls')
  })
})
