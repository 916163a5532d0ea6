/** What a write gives back. */
import { Context, type ContextSource } from '../versions/context.ts'

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

/** Who has a write so far; replica i is `nodes[i]`. */
export interface WriteOutcome {
  readonly nodes: readonly string[]
  readonly storedMask: number
  readonly fallbackMask: number
  readonly durableMask: number
  readonly hinted: readonly string[]
}

/** The receipt of a write, from what it came to. */
export function createReceipt(
  cluster: string,
  { bucket, key }: { readonly bucket: string; readonly key: string },
  source: ContextSource,
  outcome: WriteOutcome,
): Receipt {
  return {
    context: new Context({ cluster, bucket, key }, source),
    acknowledged: acknowledgements(outcome),
    hinted: outcome.hinted,
  }
}

function acknowledgements(outcome: WriteOutcome): readonly Acknowledgement[] {
  const { nodes, storedMask, fallbackMask, durableMask } = outcome
  const list: Acknowledgement[] = []
  for (let i = 0; i < nodes.length; i++) {
    const bit = 1 << i
    if ((storedMask & bit) === 0) continue
    list.push({
      node: nodes[i]!,
      role: (fallbackMask & bit) === 0 ? 'primary' : 'fallback',
      durable: (durableMask & bit) !== 0,
    })
  }
  return list
}
