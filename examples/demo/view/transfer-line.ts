/** How far a change of owners is, in words. */
import type { Transfer } from '../transfer.ts'
import { number, seconds } from './text.ts'

export function transferText(transfer: Transfer): string {
  const { title, moving, toGo, toGoMax, tookMs, isOver } = transfer
  if (moving === 0) return `${title}: ${isOver ? 'done' : 'no partition moves yet'}`
  const partitions = `${number(moving)} partitions`
  if (isOver) return `${title}: ${partitions} moved in ${seconds(tookMs)} ✓`
  const left = `${number(toGo)} hand-overs ${toGo === toGoMax ? 'marked' : 'to go'}`
  return `${title}: ${partitions} move, ${left}`
}

/** How much of it is done, 0 to 1. */
export function transferShare({ toGo, toGoMax, isOver }: Transfer): number {
  if (isOver) return 1
  return toGoMax === 0 ? 0 : 1 - toGo / toGoMax
}
