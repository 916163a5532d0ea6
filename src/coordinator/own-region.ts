/** What goes on for longer than the common way of an operation keeps nothing in the storage. */
import type { LentRegion } from '../ports/storage.ts'

/** Copies a region that is kept, in place of keeping it. */
export function ownRegion(region: LentRegion): void {
  const { hold, bytes, start, end } = region
  if (hold === undefined) return
  region.bytes = Buffer.from(bytes.subarray(start, end))
  region.start = 0
  region.end = end - start
  letGo(region)
}

/** The region is looked at no more. */
export function letGo(region: LentRegion): void {
  region.hold?.release()
  region.hold = undefined
}

/** The region is looked at no more when the result is there: what is told later is read later. */
export function letGoAfter(region: LentRegion, result: unknown): void {
  if (!(result instanceof Promise)) return letGo(region)
  const letGoNow = (): void => letGo(region)
  result.then(letGoNow, letGoNow)
}
