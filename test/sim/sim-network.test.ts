import { describe, expect, test } from 'vitest'
import { InvalidArgumentError } from '../../src/base/errors.ts'
import { SimLinks } from '../../src/sim/sim-links.ts'
import type { NetworkQuality } from '../../src/sim/sim-links.ts'
import { pair, Recorder, sendText } from './world.ts'
import type { Pair } from './world.ts'

const STEADY = { latencyMs: 5, jitterMs: 0 }

/**
 * Connects b to a and waits until both ends are open, 20 ms after the start unless it takes longer.
 */
async function connected(quality: NetworkQuality = STEADY, seed = 1) {
  const kit = await pair({ quality, seed })
  const client = new Recorder(kit.world)
  const connection = kit.transportB.connect('a:1', client)
  await kit.world.pass(20)
  while (client.heard.length === 0) await kit.world.pass(100)
  const server = kit.accepted[0]
  if (server === undefined) throw new Error('not connected')
  return { ...kit, client, connection, server }
}

function sendNumbers(connection: Pair['accepted'][0]['connection'], count: number): string[] {
  const texts = Array.from({ length: count }, (_, i) => String(i))
  for (const text of texts) sendText(connection, text)
  return texts
}

describe('a connection', () => {
  test('opens after a round trip, carries frames both ways, and ends for both with one close each', async () => {
    const { world, client, connection, server } = await connected()
    expect([client.heard, server.recorder.heard]).toEqual([['open'], ['open']])
    sendText(connection, 'to a')
    sendText(server.connection, 'to b')
    await world.pass(5)
    expect([client.heard.at(-1), server.recorder.heard.at(-1)]).toEqual(['to b', 'to a'])
    sendText(connection, 'last')
    connection.close()
    connection.close()
    expect(sendText(connection, 'too late')).toBe(false)
    await world.pass(50)
    expect(client.heard).toEqual(['open', 'to b', 'closed at 25'])
    expect(server.recorder.heard).toEqual(['open', 'to a', 'last', 'ended at 30'])
  })

  test('queues what is sent before it opens, and copies it', async () => {
    const { world, transportB, accepted } = await pair({ quality: STEADY })
    const bytes = Buffer.from('xfirstx')
    const connection = transportB.connect('a:1', new Recorder(world))
    expect(connection.send(bytes, 1, 6)).toBe(true)
    bytes.fill(0)
    expect(connection.queuedBytes).toBe(5)
    await world.pass(20)
    expect(accepted[0]?.recorder.heard).toEqual(['open', 'first'])
    expect(connection.queuedBytes).toBe(0)
  })

  test('is refused after a round trip when nobody listens', async () => {
    const { world, a, transportB } = await pair({ quality: STEADY })
    const [wrong, dead] = [new Recorder(world), new Recorder(world)]
    transportB.connect('a:2', wrong)
    await world.pass(20)
    world.network.crash(a)
    a.kill()
    transportB.connect('a:1', dead)
    await world.pass(20)
    expect(wrong.heard).toEqual(['ECONNREFUSED at 10'])
    expect(dead.heard).toEqual(['ECONNREFUSED at 30'])
  })

  test('is closed by a frame over the limit, before the handler sees it', async () => {
    const { world, client, connection, server } = await connected()
    server.recorder.limit = 4
    sendText(connection, 'four')
    sendText(connection, 'fiver')
    sendText(connection, 'more')
    await world.pass(50)
    expect(server.recorder.heard).toEqual(['open', 'four', 'ERR_PROTOCOL at 25'])
    expect(client.heard.at(-1)).toBe('ended at 30')
  })

  test('lends its frames only during the call', async () => {
    const { world, transportB, accepted } = await pair({ quality: STEADY })
    const kept: Uint8Array[] = []
    const client = new Recorder(world)
    client.frame = (bytes) => kept.push(bytes)
    transportB.connect('a:1', client)
    await world.pass(20)
    sendText(accepted[0]!.connection, 'abc')
    await world.pass(20)
    expect(Buffer.from(kept[0]!).toString()).not.toBe('abc')
  })
})

describe('closing a transport', () => {
  test('ends all its connections, frees its address, and refuses new ones', async () => {
    const { world, client, server, transportA, transportB, a } = await connected()
    await world.run(transportA.close())
    await world.run(transportA.close())
    expect(server.recorder.heard).toEqual(['open', 'closed at 20'])
    const late = new Recorder(world)
    transportA.connect('b:1', late)
    expect(late.heard).toEqual([])
    await world.pass(20)
    expect(late.heard).toEqual(['ERR_CLOSED at 20'])
    expect(client.heard).toEqual(['open', 'ended at 25'])
    expect(a.pending).toBe(0)
    expect(await world.network.transport(a).listen(() => client)).toBe('a:1')
    expect(await transportB.listen(() => client)).toBe('b:1')
  })
})

describe('the quality of a link', () => {
  test('keeps the order of a connection whatever the jitter', async () => {
    const { world, connection, server } = await connected({ latencyMs: 1, jitterMs: 100 })
    const texts = sendNumbers(connection, 50)
    await world.pass(500)
    expect(server.recorder.heard.slice(1)).toEqual(texts)
  })

  test('lets frames overtake each other when asked to, but never the end of the connection', async () => {
    const quality = { latencyMs: 1, jitterMs: 100, reorder: true }
    const { world, transportB, accepted } = await pair({ quality })
    const connection = transportB.connect('a:1', new Recorder(world))
    await world.pass(500)
    const texts = sendNumbers(connection, 50)
    connection.close()
    await world.pass(500)
    const heard = accepted[0]!.recorder.heard
    expect(heard.at(-1)).toMatch(/^ended/)
    expect(heard.slice(1, -1)).not.toEqual(texts)
    expect(new Set(heard.slice(1, -1))).toEqual(new Set(texts))
  })

  test('loses and doubles single frames at about the asked rates', async () => {
    const { world, connection, server } = await connected()
    world.network.link('b', 'a', { loss: 0.2, duplicate: 0.3 })
    sendNumbers(connection, 2000)
    await world.pass(100)
    const heard = server.recorder.heard.slice(1)
    expect(new Set(heard).size / 2000).toBeCloseTo(0.8, 1)
    expect(heard.length / new Set(heard).size).toBeCloseTo(1.3, 1)
    world.network.heal()
    const before = server.recorder.heard.length
    sendNumbers(connection, 100)
    await world.pass(100)
    expect(server.recorder.heard.length - before).toBe(100)
  })

  test('refuses what is no probability or no time', () => {
    for (const wrong of [
      { loss: 1.5 },
      { duplicate: -1 },
      { latencyMs: NaN },
      { jitterMs: Infinity },
      { delay: 2 },
      { delayMs: -1 },
      { corrupt: 1.1 },
    ]) {
      expect(() => new SimLinks(wrong)).toThrow(InvalidArgumentError)
    }
  })
})

describe('who hears whom', () => {
  const names = ['n1', 'n2', 'n3', 'n4']
  const separated = (...groups: string[][]): string[] => {
    const links = new SimLinks()
    links.partition(groups)
    return names.flatMap((from) =>
      names.filter((to) => links.obstacle(from, to) === 'partition').map((to) => from + to),
    )
  }

  test.each([
    {
      groups: [
        ['n1', 'n2'],
        ['n3', 'n4'],
      ],
      silent: 8,
    },
    { groups: [['n1']], silent: 6 },
    {
      groups: [
        ['n1', 'n2', 'n3'],
        ['n3', 'n4'],
      ],
      silent: 4,
    },
    { groups: [['n1'], ['n2']], silent: 2 },
    { groups: [['n1'], ['n2'], ['n3'], ['n4']], silent: 12 },
    { groups: [names], silent: 0 },
    { groups: [], silent: 0 },
  ])('a partition into $groups silences $silent directions', ({ groups, silent }) => {
    expect(separated(...groups)).toHaveLength(silent)
  })

  test('a block works one way', () => {
    const links = new SimLinks()
    links.block('n1', 'n2')
    const both = [links.obstacle('n1', 'n2'), links.obstacle('n2', 'n1')]
    expect(both).toEqual(['block', undefined])
    links.heal()
    expect(links.obstacle('n1', 'n2')).toBe(undefined)
  })
})

describe('a partition', () => {
  test('lets nothing arrive, and everything in order once it heals soon enough', async () => {
    const { world, connection, server } = await connected()
    sendText(connection, 'on its way')
    world.network.partition([['a'], ['b']])
    sendText(connection, 'second')
    await world.pass(1000)
    expect(server.recorder.heard).toEqual(['open'])
    expect(connection.queuedBytes).toBe(16)
    sendText(connection, 'third')
    world.network.heal()
    sendText(connection, 'fourth')
    await world.pass(60_000)
    expect(server.recorder.heard).toEqual(['open', 'on its way', 'second', 'third', 'fourth'])
    expect(connection.queuedBytes).toBe(0)
  })

  test('cuts a connection that sends, leaves the silent end half open, and a reset tells that one later', async () => {
    const { world, client, connection, server } = await connected()
    world.network.partition([['a'], ['b']])
    sendText(connection, 'lost')
    await world.pass(30_000)
    expect(client.heard).toEqual(['open', 'ETIMEDOUT at 20025'])
    world.network.heal()
    await world.pass(30_000)
    expect(server.recorder.heard).toEqual(['open'])
    sendText(server.connection, 'still there?')
    await world.pass(30_000)
    expect(server.recorder.heard).toEqual(['open', 'ECONNRESET at 60030'])
  })

  test('of one direction also cuts whoever gets no acknowledgements', async () => {
    const { world, client, connection, server } = await connected()
    world.network.block('a', 'b')
    sendText(connection, 'heard')
    await world.pass(30_000)
    expect(server.recorder.heard).toEqual(['open', 'heard'])
    expect(client.heard).toEqual(['open', 'ETIMEDOUT at 20025'])
  })

  test('lets no connection open, which times out or opens when it heals', async () => {
    const { world, transportB } = await pair({ quality: STEADY })
    world.network.block('a', 'b')
    const [early, late] = [new Recorder(world), new Recorder(world)]
    transportB.connect('a:1', early)
    await world.pass(9000)
    transportB.connect('a:1', late)
    await world.pass(2000)
    world.network.heal()
    await world.pass(5000)
    expect(early.heard).toEqual(['ETIMEDOUT at 10000'])
    expect(late.heard).toEqual(['open'])
  })
})

describe('a crash', () => {
  test('of a process is told to its peers, after what it had sent', async () => {
    const { world, a, client, connection, server } = await connected()
    sendText(server.connection, 'last words')
    sendText(connection, 'nobody reads this')
    world.network.crash(a)
    a.kill()
    await world.pass(60_000)
    expect(client.heard).toEqual(['open', 'last words', 'ECONNRESET at 25'])
    expect(server.recorder.heard).toEqual(['open'])
  })

  test('by loss of power is not told, and found out by silence', async () => {
    const { world, a, client, connection, transportB } = await connected()
    world.network.crash(a, { isMachineOff: true })
    a.kill()
    await world.pass(1000)
    const another = new Recorder(world)
    transportB.connect('a:1', another)
    sendText(connection, 'anybody there?')
    await world.pass(60_000)
    expect(client.heard).toEqual(['open', 'ETIMEDOUT at 21025'])
    expect(another.heard).toEqual(['ETIMEDOUT at 11020'])
  })

  test('by loss of power is found out by a reset when the machine is back', async () => {
    const { world, a, client, connection } = await connected()
    world.network.crash(a, { isMachineOff: true })
    a.kill()
    sendText(connection, 'anybody there?')
    await world.pass(1000)
    world.network.transport(world.process('a'))
    await world.pass(60_000)
    expect(client.heard).toEqual(['open', 'ECONNRESET at 1030'])
  })
})

test('a paused process gets its frames in order when it goes on, and its connections stay', async () => {
  const { world, a, client, connection, server, transportB } = await connected()
  a.pause()
  const texts = sendNumbers(connection, 5)
  const second = new Recorder(world)
  sendText(transportB.connect('a:1', second), 'hello')
  await world.pass(60_000)
  expect(server.recorder.heard).toEqual(['open'])
  expect(second.heard).toEqual(['open'])
  a.resume()
  await world.pass(10)
  expect(server.recorder.heard.slice(1)).toEqual(texts)
  expect(client.heard).toEqual(['open'])
})

test('the same seed takes the same way and another seed another', async () => {
  const hashOf = async (seed: number): Promise<string> => {
    const quality = { latencyMs: 1, jitterMs: 10, loss: 0.1, duplicate: 0.1 }
    const { world, connection } = await connected(quality, seed).catch(() =>
      connected(STEADY, seed),
    )
    sendNumbers(connection, 200)
    await world.pass(1000)
    return world.trace.hash
  }
  const hashes = await Promise.all([hashOf(5), hashOf(6)])
  expect(await hashOf(5)).toBe(hashes[0])
  expect(hashes[1]).not.toBe(hashes[0])
})
