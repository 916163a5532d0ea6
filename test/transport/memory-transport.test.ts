/** The conformance suite over memory, and what only nodes of one process can do to each other. */
import { describe, expect, test } from 'vitest'
import { memoryNetwork, memoryTransport } from '../../src/adapters/memory-transport.ts'
import { MemoryTurns } from '../../src/adapters/memory-turns.ts'
import { InvalidArgumentError } from '../../src/base/errors.ts'
import { TransportPair, TransportProbe } from '../../src/conformance/transport-probe.ts'
import { transportSuite } from '../../src/conformance/transport-suite.ts'
import { expectFrames } from './kit.ts'

describe('the memory transport keeps the duties of a transport', () => {
  const network = memoryNetwork()
  transportSuite({ test, create: async () => memoryTransport(network) })
})

describe('memoryTransport', () => {
  test('numbers addresses and forgets closed ones for good', async () => {
    const network = memoryNetwork()
    const pairs = [await pairOn(network), await pairOn(network)]
    expect(network.addresses()).toEqual(['memory:1', 'memory:2'])
    await pairs[0]?.close()
    const third = await pairOn(network)
    expect(network.addresses()).toEqual(['memory:2', 'memory:3'])
    await pairs[1]?.close()
    await third.close()
    expect(network.addresses()).toEqual([])
  })

  test('networks do not reach each other', async () => {
    const pair = await pairOn(memoryNetwork())
    const stranger = memoryTransport(memoryNetwork())
    const probe = new TransportProbe()
    stranger.connect(pair.address, probe)
    await probe.closed()
    expect(probe.closeError).toMatchObject({ cause: { code: 'ECONNREFUSED' } })
    await pair.finish()
  })

  test('listens once', async () => {
    const transport = memoryTransport(memoryNetwork())
    await transport.listen(() => new TransportProbe())
    await expect(transport.listen(() => new TransportProbe())).rejects.toThrow(InvalidArgumentError)
  })

  test('refuses a network that it did not make', () => {
    expect(() => memoryTransport({ addresses: () => [] })).toThrow(InvalidArgumentError)
  })

  test('a frame is not changed by what its sender sends while it is read', async () => {
    const pair = await pairOn(memoryNetwork())
    let sent = 1
    const near = pair.connect({
      onFrame: () => {
        while (sent < 20) far.connection.send(frame(sent++), 0, 100)
      },
    })
    const far = await pair.nextAccepted()
    for (; sent < 10; sent++) far.connection.send(frame(sent), 0, 100)
    await near.probe.received(19)
    const expected = Array.from({ length: 19 }, (_, index) => frame(index + 1))
    expectFrames(near.probe.frames, expected)
    await pair.finish()
  })

  test('two ends busy with each other let the event loop in', async () => {
    const pair = await pairOn(memoryNetwork())
    const near = pair.connect({ onFrame: (bytes) => near.connection.send(bytes, 0, 1) })
    const far = await pair.nextAccepted()
    await far.probe.opened()
    let isBusy = true
    far.probe.frame = (bytes, start, end) => {
      if (isBusy) far.connection.send(bytes, start, end)
    }
    near.connection.send(frame(1), 0, 1)
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    isBusy = false
    expect(near.probe.frames.length).toBeGreaterThan(5)
    await pair.finish()
  })
})

test('an exception in a task is not caught and does not lose the tasks behind it', async () => {
  const turns = new MemoryTurns()
  const caught: unknown[] = []
  const listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.once('uncaughtException', (error) => caught.push(error))
  turns.later(() => {
    throw new Error('a bug')
  })
  await new Promise<void>((resolve) => turns.later(resolve))
  for (const listener of listeners) process.on('uncaughtException', listener)
  expect(caught).toMatchObject([{ message: 'a bug' }])
})

function pairOn(network: ReturnType<typeof memoryNetwork>): Promise<TransportPair> {
  return TransportPair.create(async () => memoryTransport(network))
}

function frame(seed: number): Uint8Array {
  return new Uint8Array(100).fill(seed)
}
