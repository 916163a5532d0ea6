/**
 * Listens to the nodes of a simulation: shows their events to whoever watches the trace, and finds
 * the errors that no node may have, wherever they were caught.
 */

import { StoreError } from '../base/errors.ts'
import type { CoterieNode } from '../node/coterie-node.ts'
import type { Trace } from './trace.ts'

/**
 * Trouble of the world is a `StoreError`, and a node may have that in the background. Anything else
 * is a mistake in the code, and so is what an assertion threw, whatever was wrapped around it.
 * @param failed told of such a mistake.
 */
export function watchNode(
  node: CoterieNode,
  { name, trace, failed }: { name: string; trace: Trace; failed: (error: Error) => void },
): void {
  node.on('background-error', ({ error }) => {
    if (!(error instanceof StoreError) || isBrokenInvariant(error)) failed(error)
  })
  if (!trace.isWatched) return
  const show = (event: string, text: string): void => trace.show(name, 'event', `${event} ${text}`)
  for (const event of ['member-up', 'member-suspect', 'member-down', 'member-left'] as const) {
    node.on(event, ({ id }) => show(event, id))
  }
  for (const event of ['hint-stored', 'hints-delivered'] as const) {
    node.on(event, ({ target, count }) => show(event, `${target} ${count}`))
  }
  node.on('ring-change', ({ epoch }) => show('ring-change', String(epoch)))
  node.on('read-repair', ({ bucket, key, replicas }) => {
    show('read-repair', `${bucket} ${key} ${replicas.join()}`)
  })
  node.on('background-error', ({ task, error }) => {
    show('background-error', `${task}: ${error.message}`)
  })
}

/** Whether `assert` threw the error, or one that caused it. */
function isBrokenInvariant(error: Error): boolean {
  if (error.message.startsWith('coterie: broken invariant')) return true
  return error.cause instanceof Error && isBrokenInvariant(error.cause)
}
