/** Which of the deadlines that are set belong to writes: who leaves waits for those. */
import { PutLot } from './many-puts.ts'
import { PutOperation } from './put.ts'
import { QuickPut } from './quick-put.ts'
import type { Deadline } from './timer-wheel.ts'

/** Whether it is the deadline of a write under way, or of several. */
export function isWrite(deadline: Deadline): boolean {
  return (
    deadline instanceof QuickPut || deadline instanceof PutLot || deadline instanceof PutOperation
  )
}
