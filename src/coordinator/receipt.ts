/** What a write gives back. */
import type { WriteTally } from '../quorum/write-tally.ts'
import { Context, type ContextBinding, type ContextContent } from '../versions/context.ts'

/** One acknowledgement of a write. */
export interface Acknowledgement {
  readonly node: string
  readonly role: 'primary' | 'fallback'
  /** Whether it survives what the node's storage survives (the process with `os`, power with `fsync`). */
  readonly durable: boolean
}

/** The receipt of a write: who holds it, and what it replaced. Nothing in it is rounded up. */
export interface Receipt {
  /** What the write replaced, and the write itself; nothing that it did not replace. */
  readonly context: Context
  /** Who had acknowledged when the write counted as done; others may follow. */
  readonly acknowledged: readonly Acknowledgement[]
  /** Owners for which a hint is kept. */
  readonly hinted: readonly string[]
}

/** Where a receipt's context comes from: a content, or the whole record of `stored` bytes. */
export type ReceiptContext =
  | ContextContent
  | { readonly record: Uint8Array; readonly start: number }

/** The receipt of a write, from what it came to. */
export function createReceipt(
  binding: ContextBinding,
  context: ReceiptContext,
  outcome: { acknowledged: readonly Acknowledgement[]; hinted: readonly string[] },
): Receipt {
  return {
    context: new Context(binding, context),
    acknowledged: outcome.acknowledged,
    hinted: outcome.hinted,
  }
}

/** Who has acknowledged so far; replica i of the tally is node i. */
export function acknowledgements(
  nodes: readonly string[],
  tally: WriteTally,
  durableMask: number,
): readonly Acknowledgement[] {
  const list: Acknowledgement[] = []
  for (let i = 0; i < nodes.length; i++) {
    const bit = 1 << i
    if ((tally.acknowledgedMask & bit) === 0) continue
    list.push({
      node: nodes[i]!,
      role: (tally.fallbackMask & bit) === 0 ? 'primary' : 'fallback',
      durable: (durableMask & bit) !== 0,
    })
  }
  return list
}
