/** Weights that the ring cannot hold: refused before they reach it, or nobody could read the ring again. */
import { expect, test } from 'vitest'
import { createNode, memoryNetwork, memoryTransport } from '../../src/index.ts'
import { rejection } from './kit.ts'

test.each([0.005, 64.5])(
  'a weight of %f is refused, and the weights at the borders are not',
  async (weight) => {
    const network = memoryNetwork()
    const create = (options: object) =>
      createNode({ transport: memoryTransport(network), ...options })
    expect(await rejection(create({ weight }))).toMatchObject({ argument: 'weight' })
    const first = await create({ weight: 1 / 128 })
    const second = await create({ weight: 64, seeds: [first.address] })
    expect(
      second
        .members()
        .map((member) => member.weight)
        .toSorted((a, b) => a - b),
    ).toEqual([1 / 128, 64])
    await Promise.all([first.close(), second.close()])
  },
)
