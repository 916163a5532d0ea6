import { describe, expect, test } from 'vitest'
import type { NetworkQuality } from '../../src/sim/index.ts'
import { pair, Recorder, sendText } from './world.ts'
import type { Pair } from './world.ts'

const STEADY = { latencyMs: 5, jitterMs: 0 }

/** Connects b to a; both ends are open 20 ms after the start. */
async function connected(quality: NetworkQuality = {}) {
  const kit = await pair({ quality: STEADY })
  const client = new Recorder(kit.world)
  const connection = kit.transportB.connect('a:1', client)
  await kit.world.pass(20)
  const server = kit.accepted[0]
  if (server === undefined) throw new Error('not connected')
  kit.world.network.link('b', 'a', quality)
  const faults = () => kit.world.faults.view()
  return { ...kit, client, connection, server, faults }
}

function sendNumbers(connection: Pair['accepted'][0]['connection'], count: number): string[] {
  const texts = Array.from({ length: count }, (_, i) => String(i))
  for (const text of texts) sendText(connection, text)
  return texts
}

describe('a clogged link', () => {
  test('holds frames for any time, and lets them burst in their order', async () => {
    const { world, client, connection, server, faults } = await connected()
    world.network.clog('b', 'a')
    const texts = sendNumbers(connection, 3)
    await world.pass(300_000)
    sendText(connection, 'late')
    sendText(server.connection, 'the other way')
    await world.pass(10)
    expect(server.recorder.heard).toEqual(['open'])
    expect(client.heard).toEqual(['open', 'the other way'])
    expect(connection.queuedBytes).toBe(7)
    world.network.unclog('b', 'a')
    await world.pass(0)
    expect(server.recorder.heard).toEqual(['open', ...texts, 'late'])
    expect(connection.queuedBytes).toBe(0)
    sendText(connection, 'after')
    await world.pass(5)
    expect(server.recorder.heard.at(-1)).toBe('after')
    expect(faults()['frame-clogged']).toBe(4)
  })

  test('keeps the order with what is sent as it opens, also when healing opens it', async () => {
    const { world, connection, server } = await connected()
    world.network.clog('b', 'a')
    const texts = sendNumbers(connection, 3)
    await world.pass(7)
    sendText(connection, 'on its way')
    await world.pass(1)
    world.network.heal()
    sendText(connection, 'after')
    await world.pass(10)
    expect(server.recorder.heard).toEqual(['open', ...texts, 'on its way', 'after'])
  })

  test('lets no connection open', async () => {
    const { world, transportB } = await connected()
    world.network.clog('a', 'b')
    const late = new Recorder(world)
    transportB.connect('a:1', late)
    await world.pass(3000)
    expect(late.heard).toEqual([])
    world.network.unclog('a', 'b')
    await world.pass(5000)
    expect(late.heard).toEqual(['open'])
  })

  test('that is blocked too is given up', async () => {
    const { world, client, connection } = await connected()
    world.network.clog('b', 'a')
    world.network.block('b', 'a')
    sendText(connection, 'x')
    await world.pass(60_000)
    expect(client.heard).toEqual(['open', 'ETIMEDOUT at 20025'])
  })
})

describe('a reset', () => {
  test('loses what is on its way and closes both ends, once', async () => {
    const { world, client, connection, server, faults } = await connected()
    sendText(connection, 'arrives')
    await world.pass(6)
    sendText(connection, 'lost')
    sendText(server.connection, 'lost too')
    await world.pass(2)
    world.network.reset('b', 'a')
    world.network.reset('a', 'b')
    expect([client.heard, server.recorder.heard]).toEqual([['open'], ['open', 'arrives']])
    await world.pass(60_000)
    expect(client.heard).toEqual(['open', 'ECONNRESET at 28'])
    expect(server.recorder.heard).toEqual(['open', 'arrives', 'ECONNRESET at 28'])
    expect(sendText(connection, 'too late')).toBe(false)
    expect(faults()).toMatchObject({ 'frame-cut': 2, 'connection-silent': 0 })
  })

  test('leaves connections to others alone, and new ones open', async () => {
    const { world, client, connection, transportB, faults } = await connected()
    world.network.reset('b', 'c')
    await world.pass(10)
    expect(client.heard).toEqual(['open'])
    expect(faults()['connection-reset']).toBe(0)
    world.network.reset('b', 'a')
    const next = new Recorder(world)
    const another = transportB.connect('a:1', next)
    sendText(another, 'hello')
    await world.pass(20)
    expect(sendText(connection, 'too late')).toBe(false)
    expect(next.heard).toEqual(['open'])
    expect(faults()['connection-reset']).toBe(1)
  })

  test('is heard of by a paused process when it goes on, after what came before', async () => {
    const { world, a, connection, server } = await connected()
    a.pause()
    sendText(connection, 'before')
    await world.pass(10)
    world.network.reset('a', 'b')
    await world.pass(100)
    expect(server.recorder.heard).toEqual(['open'])
    a.resume()
    await world.pass(1)
    expect(server.recorder.heard).toEqual(['open', 'before', 'ECONNRESET at 130'])
  })
})

describe('a damaged frame', () => {
  test('never surfaces, nor does what follows it: the connection ends for both', async () => {
    const { world, client, connection, server, faults } = await connected()
    sendText(connection, 'sound')
    world.network.link('b', 'a', { corrupt: 1 })
    sendText(connection, 'damaged')
    world.network.link('b', 'a', {})
    sendText(connection, 'behind it')
    await world.pass(60_000)
    expect(server.recorder.heard).toEqual(['open', 'sound', 'ERR_PROTOCOL at 25'])
    expect(client.heard).toEqual(['open', 'ended at 30'])
    expect(faults()['frame-damaged']).toBe(1)
  })
})

describe('a frame that is held up', () => {
  test('holds up all behind it, mostly shortly and now and then for seconds', async () => {
    const { world, connection, server, faults } = await connected({ delay: 1 })
    const delays: number[] = []
    for (let i = 0; i < 400; i++) {
      const sentMs = world.clock.nowMs
      sendText(connection, String(i))
      sendText(connection, 'behind')
      while (server.recorder.heard.at(-1) !== 'behind') await world.pass(1)
      expect(server.recorder.heard.splice(-2)).toEqual([String(i), 'behind'])
      delays.push(world.clock.nowMs - sentMs - 5)
    }
    const sorted = delays.toSorted((x, y) => x - y)
    expect(sorted[100]).toBeLessThan(100)
    expect(sorted.at(-40)).toBeGreaterThan(3000)
    expect(sorted.at(-1)).toBeLessThan(10_002)
    expect(faults()['frame-delayed']).toBe(800)
  })

  test('is overtaken where the link reorders', async () => {
    const { world, connection, server, faults } = await connected({ delay: 0.5, reorder: true })
    const texts = sendNumbers(connection, 50)
    await world.pass(20_000)
    const heard = server.recorder.heard.slice(1)
    expect(heard).not.toEqual(texts)
    expect(new Set(heard)).toEqual(new Set(texts))
    expect(faults()['frame-reordered']).toBeGreaterThan(10)
  })
})

test('a link that reorders only now and then leaves no frame behind', async () => {
  const { world, connection, server } = await connected()
  const sent: string[] = []
  for (let i = 0; i < 100; i++) {
    world.network.link('b', 'a', { jitterMs: 50, reorder: i % 2 === 0 })
    sent.push(String(i))
    sendText(connection, String(i))
    await world.pass(10)
  }
  await world.pass(1000)
  expect(new Set(server.recorder.heard.slice(1))).toEqual(new Set(sent))
})

test('what a link does to frames is counted', async () => {
  const { world, connection, server, faults } = await connected({ loss: 0.3, duplicate: 0.2 })
  sendNumbers(connection, 1000)
  await world.pass(100)
  const heard = server.recorder.heard.slice(1)
  const counts = faults()
  expect(1000 - counts['frame-lost'] + counts['frame-duplicated']).toBe(heard.length)
  expect(new Set(heard).size).toBe(1000 - counts['frame-lost'])
  world.network.partition([['a'], ['b']])
  sendText(connection, 'x')
  await world.pass(10)
  world.network.heal()
  world.network.block('b', 'a')
  sendText(connection, 'x')
  await world.pass(60_000)
  expect(faults()).toMatchObject({
    'frame-partitioned': 1,
    'frame-blocked': 2,
    'connection-silent': 1,
  })
})
