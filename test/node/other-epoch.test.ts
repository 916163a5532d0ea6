/** What coordinator and replica tell each other when they work under two epochs. */
import { expect, test } from 'vitest'
import { OtherEpochs } from '../../src/node/other-epoch.ts'
import type { RingConfiguration } from '../../src/ring/configuration.ts'
import type { Session } from '../../src/rpc/session.ts'
import { configurationOf, memberOf } from '../ring/kit.ts'

const members = ['a', 'b', 'c'].map((id) => memberOf(id))
const first = configurationOf(members)
const second = configurationOf(members, { epoch: 2 })

/** A node at that epoch, the connection to its peer, and what it learned and told. */
function nodeAt(begin: RingConfiguration) {
  const node = { configuration: begin, learned: 0, told: 0, isFull: false, session: {} as Session }
  const channel = {
    get session() {
      return node.session
    },
    post: () => {
      if (!node.isFull) node.told += 1
      return !node.isFull
    },
  }
  const epochs = new OtherEpochs({
    keeper: node,
    peers: { data: () => channel },
    learn: (configuration) => {
      node.configuration = configuration
      node.learned += 1
    },
  })
  const hear = (bytes: Uint8Array): boolean =>
    epochs.heard('b', { bytes, start: 0, end: bytes.length })
  return { node, epochs, hear }
}

test('what a replica tells those that are behind is packed once for each ring', () => {
  const { node, epochs } = nodeAt(second)
  const body = epochs.answerTo(1)
  expect(epochs.answerTo(1)).toBe(body)
  node.configuration = configurationOf(members, { epoch: 3 })
  expect(epochs.answerTo(1)).not.toEqual(body)
})

test('a newer ring that many answers tell of is learned once, and each request is made again', () => {
  const body = nodeAt(second).epochs.answerTo(1)
  const { node, hear } = nodeAt(first)
  for (let i = 0; i < 3; i++) expect(hear(body)).toBe(true)
  expect([node.configuration.epoch, node.learned, node.told]).toEqual([2, 1, 0])
})

test('a ring that cannot be is not learned, and nothing is asked again', () => {
  const body = nodeAt({ ...second, partitions: 0 }).epochs.answerTo(1)
  const { node, hear } = nodeAt(first)
  for (let i = 0; i < 3; i++) expect(hear(body)).toBe(false)
  expect(node.learned).toBe(0)
  expect(hear(Uint8Array.of(1, 2, 3)), 'nonsense').toBe(false)
})

test('a replica that is behind is told once over each connection, and again of the next ring', () => {
  const behind = nodeAt(first).epochs.answerTo(2)
  const { node, hear } = nodeAt(second)
  for (let i = 0; i < 3; i++) expect(hear(behind)).toBe(true)
  expect(node.told).toBe(1)
  node.session = {} as Session
  for (let i = 0; i < 3; i++) expect(hear(behind)).toBe(true)
  expect(node.told, 'over another connection').toBe(2)
  node.configuration = configurationOf(members, { epoch: 3 })
  for (let i = 0; i < 3; i++) expect(hear(behind)).toBe(true)
  expect(node.told, 'of another ring').toBe(3)
})

test('a replica that cannot be told is not asked again, and told as soon as it can be', () => {
  const behind = nodeAt(first).epochs.answerTo(2)
  const { node, hear } = nodeAt(second)
  node.isFull = true
  expect(hear(behind)).toBe(false)
  node.isFull = false
  expect(hear(behind)).toBe(true)
  expect(node.told).toBe(1)
})
