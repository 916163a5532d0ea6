import { describe, test } from 'vitest'
import { storageSuite } from '../../src/conformance/storage-suite.ts'
import { transportSuite } from '../../src/conformance/transport-suite.ts'
import { SimDisk } from '../../src/sim/sim-disk.ts'
import { World } from './world.ts'

/** Declares a test that runs in a world of its own, on virtual time. */
function suiteIn(enter: (world: World) => void) {
  return (name: string, fn: () => Promise<void>): void => {
    test(name, async () => {
      const world = new World()
      enter(world)
      await world.run(fn())
    })
  }
}

describe.each(['memory', 'fsync'] as const)('the simulated storage, %s', (durability) => {
  let world = new World()
  storageSuite({
    test: suiteIn((entered) => {
      world = entered
    }),
    create: () => Promise.resolve(world.storage(new SimDisk(), world.process('a'), durability)),
  })
})

describe('the simulated transport', () => {
  let world = new World()
  let count = 0
  transportSuite({
    test: suiteIn((entered) => {
      world = entered
    }),
    create: () => Promise.resolve(world.network.transport(world.process(`p${count++}`))),
  })
})
