/** The peers of a node: whose sessions carry what is meant for whom, and their end. */
import { expect, test } from 'vitest'
import type { StoreError } from '../../src/base/errors.ts'
import { plainFrame } from '../../src/rpc/frame-buffer.ts'
import { frameType } from '../../src/rpc/frame.ts'
import { Peers } from '../../src/rpc/peers.ts'
import { deliver, greetingFrame, Host, Wire, WireTransport } from './kit.ts'

const random = { float: () => 1, bytes: (count: number) => new Uint8Array(count) }
const put = () => plainFrame({ type: frameType.put, flags: 0, id: 0 }, Buffer.alloc(4))

function rig() {
  const transport = new WireTransport()
  const host = new Host()
  const unreachable: string[] = []
  const peers = new Peers({
    host,
    transport,
    random,
    queuedBytesMax: 1000,
    addressOf: (id) => `at ${id}`,
    isWhoItSays: ({ store }) => store === 's-them',
    isNear: () => true,
    greeted: () => undefined,
    unreachable: (id, error: StoreError) => unreachable.push(`${id} ${error.code}`),
  })
  /** A peer dials this node. */
  const visit = (about: Parameters<typeof greetingFrame>[1]): Wire => {
    const wire = new Wire('visitor')
    const session = peers.accept(wire)
    session.open()
    deliver(session, greetingFrame(frameType.hello, about))
    return wire
  }
  return { peers, transport, visit, unreachable, clock: host.clock }
}

test('what a peer dialled carries what is meant for it, in its lane', () => {
  const { peers, transport, visit } = rig()
  peers.data('them')
  const control = visit({ lane: 'control' })
  const data = visit({ lane: 'data' })
  peers.data('them').post(put())
  expect(data.types).toEqual([frameType.welcome, frameType.put])
  peers.control('them').post(put())
  expect(control.types).toEqual([frameType.welcome, frameType.put])
  expect(transport.dialled).toEqual([])
})

test('a peer that is reached in one lane is dialled anew in the other, where a dial got no answer', () => {
  const { peers, transport, visit, clock } = rig()
  peers.data('them').post(put())
  clock.pass(1000)
  visit({ lane: 'control', store: 's-other' })
  expect(transport.dialled).toHaveLength(1)
  visit({ lane: 'control' })
  expect(transport.dialled).toHaveLength(2)
})

test('a namesake with another storage gets nothing that is meant for the member', () => {
  const { peers, transport, visit } = rig()
  peers.data('them')
  const wire = visit({ store: 's-other' })
  peers.data('them').post(put())
  expect(wire.types).toEqual([frameType.welcome])
  expect(transport.dialled.map(({ address }) => address)).toEqual(['at them'])
})

test('a namesake does not take the place of the member that is connected', () => {
  const { peers, visit } = rig()
  peers.data('them')
  const member = visit({})
  const namesake = visit({ store: 's-other', boot: 'b-other' })
  peers.data('them').post(put())
  expect([member.types, namesake.types]).toEqual([
    [frameType.welcome, frameType.put],
    [frameType.welcome],
  ])
})

test('a member that started anew takes the place of its earlier start', () => {
  const { peers, visit } = rig()
  peers.data('them')
  const before = visit({})
  const after = visit({ boot: 'b-later' })
  expect(before.isClosed).toBe(true)
  peers.data('them').post(put())
  expect(after.types).toEqual([frameType.welcome, frameType.put])
})

test('a peer whose address does not answer is told of; a mere contact is not', () => {
  const { peers, transport, unreachable } = rig()
  peers.data('them').post(put())
  peers.contact('somewhere').post(put())
  for (const { handler } of transport.dialled) handler.close(new Error('refused'))
  expect(unreachable).toEqual(['them ERR_PROTOCOL'])
})

test('after the end nobody is let in, and nothing is dialled', () => {
  const { peers, transport, visit } = rig()
  peers.close()
  expect(visit({}).isClosed).toBe(true)
  expect(peers.data('them').post(put())).toBe(false)
  expect(peers.control('others').post(put())).toBe(false)
  expect(transport.dialled).toEqual([])
})
