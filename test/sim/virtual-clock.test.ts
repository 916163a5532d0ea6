import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EventQueue, ScheduledEvent } from '../../src/sim/event-queue.ts'
import { VirtualClock } from '../../src/sim/virtual-clock.ts'

describe('the event queue', () => {
  test('gives the events in the order of time and then of scheduling, without the cancelled ones', () => {
    // An event with a rank is cancelled, in the order of the ranks.
    const rank = fc.option(fc.nat(), { nil: -1 })
    const plan = fc.array(fc.record({ atMs: fc.nat(50), rank }), { minLength: 50, maxLength: 100 })
    fc.assert(
      fc.property(plan, (rows) => {
        const queue = new EventQueue()
        const events = rows.map(({ atMs }, sequence) => {
          const event = new ScheduledEvent(queue, { atMs, sequence, run: () => {} })
          queue.push(event)
          return event
        })
        const rankOf = (event: ScheduledEvent): number => rows[event.sequence]?.rank ?? -1
        const kept = events.filter((event) => rankOf(event) < 0)
        const cancelled = events.filter((event) => rankOf(event) >= 0)
        for (const event of cancelled.toSorted((a, b) => rankOf(a) - rankOf(b))) event.cancel()
        expect(queue.size).toBe(kept.length)
        const order = kept.toSorted((a, b) => a.atMs - b.atMs || a.sequence - b.sequence)
        expect(kept.map(() => queue.pop()?.sequence)).toEqual(order.map((e) => e.sequence))
        expect(queue.pop()).toBeUndefined()
      }),
    )
  })

  test('ignores a cancel of an event that has happened or was cancelled', () => {
    const queue = new EventQueue()
    const events = [1, 2].map((atMs) => {
      const event = new ScheduledEvent(queue, { atMs, sequence: atMs, run: () => {} })
      queue.push(event)
      return event
    })
    queue.pop()
    events[0]?.cancel()
    events[0]?.cancel()
    expect(queue.size).toBe(1)
    expect(queue.peek()).toBe(events[1])
  })
})

describe('virtual time', () => {
  test('jumps from event to event and stands still in between', async () => {
    const clock = new VirtualClock()
    const seen: number[] = []
    clock.after(60 * 86_400_000, () => seen.push(clock.nowMs))
    clock.after(10, () => seen.push(clock.nowMs))
    expect(await clock.runUntil(new Promise(() => {}))).toBe('idle')
    expect(seen).toEqual([10, 60 * 86_400_000])
  })

  test('lets every microtask run before the next event, however long their chain', async () => {
    const clock = new VirtualClock()
    const seen: string[] = []
    const first = async (): Promise<void> => {
      for (let i = 0; i < 5000; i++) await Promise.resolve()
      seen.push('the end of a long chain')
    }
    clock.after(1, () => void first())
    clock.after(1, () => seen.push('the next event'))
    await clock.runUntil(new Promise(() => {}))
    expect(seen).toEqual(['the end of a long chain', 'the next event'])
  })

  test('never fires a timer before its delay has passed, whatever fractions were added up', async () => {
    const clock = new VirtualClock()
    const waited: boolean[] = []
    const chain = (left: number): void => {
      const startMs = clock.nowMs
      clock.after(0.1 * left, () => {
        waited.push(clock.nowMs - startMs >= 0.1 * left)
        if (left > 0) chain(left - 1)
      })
    }
    chain(100)
    await clock.runUntil(new Promise(() => {}))
    expect(waited).toHaveLength(101)
    expect(waited).not.toContain(false)
  })

  test('ends with the work it waits for, and before its limit', async () => {
    const clock = new VirtualClock()
    const forever = (): void => void clock.after(1, forever)
    forever()
    const work = new Promise<void>((resolve) => {
      clock.after(5, resolve)
    })
    expect(await clock.runUntil(work)).toBe('settled')
    expect(clock.nowMs).toBe(5)
    expect(await clock.runUntil(new Promise(() => {}), 9)).toBe('late')
    expect(clock.nowMs).toBe(9)
    expect(await clock.runUntil(Promise.reject(new Error('no')))).toBe('settled')
  })
})
