/** Weights that the ring cannot hold: refused before they reach it, or nobody could read the ring again. */
import { expect, test } from 'vitest'
import { createNode, memoryNetwork, memoryTransport } from '../../src/index.ts'
import { rejection } from './kit.ts'

test.each([0.005, 1025])('a weight of %d is refused, and the weights at the borders are not', async (weight) => {
  const network = memoryNetwork()
  const create = (options: object) =>
    createNode({ transport: memoryTransport(network), ...options })
  expect(await rejection(create({ weight }))).toMatchObject({ argument: 'weight' })
  const first = await create({ weight: 1 / 128 })
  const second = await create({ weight: 1024, seeds: [first.address] })
  expect(second.members().map((member) => member.weight).toSorted()).toEqual([1 / 128, 1024])
  await Promise.all([first.close(), second.close()])
})

test('a member that would make the weights too heavy is not let in, and the ring stays as it was', async () => {
  const network = memoryNetwork()
  const nodes = [await createNode({ weight: 1024, transport: memoryTransport(network) })]
  const seeds = [nodes[0]!.address]
  const join = () =>
    createNode({ weight: 1024, seeds, transport: memoryTransport(network), joinTimeoutMs: 300 })
  for (let i = 1; i < 16; i++) nodes.push(await join())
  expect(await rejection(join())).toMatchObject({ code: 'ERR_JOIN' })
  expect(nodes[0]!.ring().epoch).toBe(16)
  await Promise.all(nodes.map((node) => node.close()))
})
