/**
 * Looks for an order of operations in which each takes effect at one moment between its start and its
 * end. Depth first with memory of the dead ends: Wing and Gong 1993, Lowe 2017, as in Porcupine.
 *
 * Two things keep it fast. A read that changes nothing is put first at once, since it can do no harm
 * there. And floating writes are not placed at all (see `SiblingRegister`): they would keep the window
 * of concurrent operations open until the end of the history.
 */

import type { Read, Write } from './key-history.ts'
import { nothingHeld, type Held, type SiblingRegister } from './sibling-register.ts'

/** `undecided`: there were too many possible orders to try. */
export type Verdict = 'explained' | 'unexplained' | 'undecided'

/** Dead ends that are remembered before the search gives up. */
const deadEndsMax = 100_000

interface Step {
  readonly start: number
  readonly end: number
  readonly after: (held: Held) => Held | undefined
}

/** A point of the search: what is held, and what may take effect next. */
interface Point {
  /** The step that led here; −1 at the beginning. */
  readonly by: number
  readonly held: Held
  /** All steps before this one are done. */
  readonly low: number
  readonly candidates: readonly number[]
  next: number
}

/** Whether some order of the reads and the acknowledged writes explains what was read. */
export function linearize(
  register: SiblingRegister,
  { reads, writes }: { reads: readonly Read[]; writes: readonly Write[] },
): Verdict {
  const steps: Step[] = [
    ...reads.map((read) => ({
      start: read.start,
      end: read.end,
      after: (held: Held) => register.afterRead(held, read),
    })),
    ...writes.map((write) => ({
      start: write.start,
      end: write.acknowledgedAt ?? Infinity,
      after: (held: Held) => register.afterWrite(held, write),
    })),
  ]
  return new Search(steps.sort((a, b) => a.start - b.start)).run()
}

class Search {
  readonly #steps: readonly Step[]
  readonly #done: Uint8Array
  readonly #deadEnds = new Set<string>()
  #doneCount = 0

  constructor(steps: readonly Step[]) {
    this.#steps = steps
    this.#done = new Uint8Array(steps.length)
  }

  run(): Verdict {
    const path: Point[] = [this.#point(-1, nothingHeld, 0)]
    while (this.#doneCount < this.#steps.length) {
      const point = path.at(-1)
      if (point === undefined) return 'unexplained'
      if (this.#deadEnds.size > deadEndsMax) return 'undecided'
      const index = point.candidates[point.next++]
      if (index === undefined) {
        path.pop()
        if (point.by >= 0) this.#undo(point.by)
        continue
      }
      const held = this.#steps[index]!.after(point.held)
      if (held === undefined) continue
      this.#done[index] = 1
      this.#doneCount++
      const next = this.#point(index, held, point.low)
      if (this.#isNew(next)) path.push(next)
      else this.#undo(index)
    }
    return 'explained'
  }

  #undo(index: number): void {
    this.#done[index] = 0
    this.#doneCount--
  }

  #point(by: number, held: Held, from: number): Point {
    let low = from
    while (this.#done[low] === 1) low++
    return { by, held, low, candidates: this.#candidates(held, low), next: 0 }
  }

  /** Steps that no other has to precede; one alone when it is a read that changes nothing. */
  #candidates(held: Held, low: number): number[] {
    const found: number[] = []
    let firstEnd = Infinity
    for (let i = low; i < this.#steps.length; i++) {
      const { start, end, after } = this.#steps[i]!
      if (start > firstEnd) break
      if (this.#done[i] === 1) continue
      if (after(held) === held) return [i]
      firstEnd = Math.min(firstEnd, end)
      found.push(i)
    }
    return found
  }

  /** False when the same steps have led to the same before. A point without a choice is not kept. */
  #isNew({ candidates, held, low }: Point): boolean {
    if (candidates.length < 2) return true
    const beyond: number[] = []
    for (let i = low; low + beyond.length < this.#doneCount; i++) {
      if (this.#done[i] === 1) beyond.push(i)
    }
    const name = `${low},${beyond.join()};${names(held.certain)};${names(held.optional)}`
    const before = this.#deadEnds.size
    return this.#deadEnds.add(name).size > before
  }
}

function names(writes: readonly Write[]): string {
  return writes
    .map(({ index }) => index)
    .sort((a, b) => a - b)
    .join()
}
