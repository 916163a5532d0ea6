/** How far a change of owners is, from what the nodes report. */
import type { Fleet } from './fleet.ts'

const sampleMs = 50

export interface Transfer {
  /** What the change is, in a few words. */
  readonly title: string
  /** Partitions that change owners; 0 before the change has begun. */
  readonly moving: number
  /** Hand-overs still to be made, each of one partition by one node to one other. */
  readonly toGo: number
  /** The most of them that were seen at once. */
  readonly toGoMax: number
  /** From the first report of the change to its last. */
  readonly tookMs: number
  readonly isOver: boolean
}

/**
 * Watches a change while `run` makes it.
 * @param options.show called with each look.
 */
export async function watchTransfer(
  fleet: Pick<Fleet, 'up'>,
  title: string,
  options: { readonly run: () => Promise<void>; readonly show: (transfer: Transfer) => void },
): Promise<Transfer> {
  let startedMs: number | undefined
  let endedMs: number | undefined
  let moving = 0
  let toGoMax = 0
  const look = (isMade: boolean): Transfer => {
    const reports = fleet.up.flatMap(({ report }) => (report === undefined ? [] : [report]))
    const toGo = reports.reduce((sum, { marks }) => sum + marks, 0)
    const movingNow = Math.max(0, ...reports.map(({ ring }) => ring.moving))
    moving = Math.max(moving, movingNow)
    toGoMax = Math.max(toGoMax, toGo)
    const nowMs = performance.now()
    if (movingNow > 0) startedMs ??= nowMs
    else if (startedMs !== undefined) endedMs ??= nowMs
    const tookMs = startedMs === undefined ? 0 : (endedMs ?? nowMs) - startedMs
    const isOver = isMade || endedMs !== undefined
    const transfer = { title, moving, toGo, toGoMax, tookMs, isOver }
    options.show(transfer)
    return transfer
  }
  const timer = setInterval(() => look(false), sampleMs)
  try {
    await options.run()
  } finally {
    clearInterval(timer)
  }
  return look(true)
}
