import { expect, test } from 'vitest'
import { FROZEN_PPM, SimWallClock } from '../../src/sim/sim-wall-clock.ts'
import { World } from './world.ts'

function started() {
  const world = new World()
  const wall = new SimWallClock(world.clock, world.faults)
  const start = wall.readMs()
  return { world, wall, shown: () => wall.readMs() - start }
}

test('a wall clock that is right counts no fault', async () => {
  const { world, shown } = started()
  await world.pass(1234.5)
  expect(shown()).toBe(1234)
  expect(Object.values(world.faults.view()).every((count) => count === 0)).toBe(true)
})

test('jumps forward and back while it runs', async () => {
  const { world, wall, shown } = started()
  wall.skew(3_600_000)
  await world.pass(10)
  expect(shown()).toBe(3_600_010)
  wall.skew(-5)
  expect(shown()).toBe(5)
  wall.skew(0)
  expect(shown()).toBe(10)
  expect(world.faults.view()['clock-skewed']).toBe(2)
})

test('drifts from now on, and keeps its error when the drift ends', async () => {
  const { world, wall, shown } = started()
  await world.pass(1000)
  wall.drift(100_000)
  await world.pass(1000)
  expect(shown()).toBe(2100)
  wall.drift(-50_000)
  await world.pass(1000)
  expect(shown()).toBe(3050)
  wall.drift(0)
  await world.pass(1000)
  expect(shown()).toBe(4050)
  wall.skew(0)
  expect(shown()).toBe(4000)
  expect(world.faults.view()).toMatchObject({ 'clock-drifting': 2, 'clock-skewed': 1 })
})

test('stands still, can jump all the same, and goes on', async () => {
  const { world, wall, shown } = started()
  await world.pass(0.3)
  wall.drift(FROZEN_PPM)
  for (let i = 0; i < 100; i++) {
    await world.pass(i / 7)
    expect(shown()).toBe(0)
  }
  await world.pass(1e8)
  expect(shown()).toBe(0)
  const aheadMs = world.clock.nowMs
  wall.skew(0)
  expect(shown()).toBe(Math.floor(aheadMs))
  await world.pass(50)
  expect(shown()).toBe(Math.floor(aheadMs))
  wall.drift(0)
  await world.pass(50)
  expect(shown()).toBe(Math.floor(aheadMs + 50))
  expect(world.faults.view()['clock-frozen']).toBe(103)
})
