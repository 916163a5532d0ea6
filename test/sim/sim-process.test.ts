import { describe, expect, test } from 'vitest'
import { SimProcess } from '../../src/sim/sim-process.ts'
import { SimWallClock } from '../../src/sim/sim-wall-clock.ts'
import { World } from './world.ts'

describe('the clock of a process', () => {
  test('starts anywhere, goes with virtual time, and only the wall clock is wrong', async () => {
    const world = new World()
    const { clock, trace, faults } = world
    const wall = new SimWallClock(clock, faults)
    const process = new SimProcess({ name: 'a', clock, trace, faults, originMs: 5000, wall })
    const wallMs = process.clock.wallMs()
    await world.pass(10)
    wall.skew(-3_600_000)
    expect(process.clock.monotonicMs()).toBe(5010)
    expect(process.clock.wallMs()).toBe(wallMs + 10 - 3_600_000)
  })

  test('calls a timer once and never synchronously, and lets time pass for a timer of 0 ms', async () => {
    const world = new World()
    const process = world.process('a')
    const seen: number[] = []
    process.clock.after(0, () => seen.push(world.clock.nowMs))
    expect(seen).toEqual([])
    await world.pass(1)
    expect(seen).toHaveLength(1)
    expect(seen[0]).toBeGreaterThan(0)
    expect(process.pending).toBe(0)
  })

  test('does not call a cancelled timer, also not one that was held back by a pause', async () => {
    const world = new World()
    const process = world.process('a')
    const seen: string[] = []
    const timers = [1, 3].map((ms) => process.clock.after(ms, () => seen.push(`${ms} ms`)))
    process.pause()
    await world.pass(2)
    for (const timer of timers) timer.cancel()
    process.resume()
    await world.pass(5)
    expect(seen).toEqual([])
  })
})

describe('a paused process', () => {
  test('holds everything back and gets it in its order when it goes on', async () => {
    const world = new World()
    const process = world.process('a')
    const seen: string[] = []
    for (const ms of [1, 2, 3, 10])
      process.after(ms, () => seen.push(`${ms} at ${world.clock.nowMs}`))
    await world.pass(1)
    process.pause()
    await world.pass(8)
    expect(seen).toEqual(['1 at 1'])
    process.resume()
    await world.pass(5)
    expect(seen).toEqual(['1 at 1', '2 at 9', '3 at 9', '10 at 10'])
  })

  test('is not overtaken by what arrives in the moment it goes on', async () => {
    const world = new World()
    const process = world.process('a')
    const seen: string[] = []
    process.after(1, () => seen.push('early'))
    process.pause()
    world.clock.after(5, () => process.resume())
    process.after(5, () => seen.push('late'))
    await world.pass(6)
    expect(seen).toEqual(['early', 'late'])
  })

  test('stops again when it is paused while it catches up', async () => {
    const world = new World()
    const process = world.process('a')
    const seen: number[] = []
    process.after(1, () => {
      seen.push(1)
      process.pause()
    })
    process.after(2, () => seen.push(2))
    process.pause()
    await world.pass(3)
    process.resume()
    await world.pass(1)
    expect(seen).toEqual([1])
    process.resume()
    await world.pass(1)
    expect(seen).toEqual([1, 2])
  })
})

test('a dead process hears nothing, not even what it sets itself', async () => {
  const world = new World()
  const process = world.process('a')
  const seen: string[] = []
  process.clock.after(1, () => seen.push('timer'))
  process.kill()
  process.clock.after(1, () => seen.push('timer of a ghost')).cancel()
  process.clock.after(1, () => seen.push('timer of a ghost'))
  process.hand(() => seen.push('frame'))
  process.resume()
  await world.pass(5)
  expect(seen).toEqual([])
  expect(process.pending).toBe(0)
})

test('a process that is cut off in a pause still gets its own timers, or what awaits it would never end', async () => {
  const world = new World()
  const process = world.process('a')
  const seen: string[] = []
  process.clock.after(1, () => seen.push('timer'))
  process.pause()
  await world.pass(2)
  world.clock.after(0, () => process.hand(() => seen.push('frame')))
  await world.pass(1)
  process.cut()
  await world.pass(1)
  expect(seen).toEqual(['timer'])
})

test('a process that is cut off hears nothing from outside, but its timers go on', async () => {
  const world = new World()
  const process = world.process('a')
  const seen: string[] = []
  process.pause()
  process.cut()
  process.clock.after(1, () => seen.push('timer'))
  process.hand(() => seen.push('frame'))
  process.resume()
  await world.pass(5)
  expect(seen).toEqual(['timer'])
  expect(world.lines).toEqual([])
})
