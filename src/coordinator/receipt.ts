/** What a write gives back. */
import { assert } from '../base/assert.ts'
import type { ToldReceipt } from '../rpc/forward-frame.ts'
import { Context, type ContextBinding, type ContextSource } from '../versions/context.ts'

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

/** Who acknowledged, and the context, are written out when they are asked for: most writers only want to know that. */
class WrittenReceipt implements Receipt {
  readonly hinted: readonly string[]
  readonly #binding: ContextBinding
  readonly #source: ContextSource
  readonly #nodes: readonly string[]
  readonly #storedMask: number
  readonly #fallbackMask: number
  readonly #durableMask: number
  #context: Context | undefined
  #acknowledged: readonly Acknowledgement[] | undefined

  constructor(binding: ContextBinding, source: ContextSource, outcome: WriteOutcome) {
    this.hinted = outcome.hinted
    this.#binding = binding
    this.#source = source
    this.#nodes = outcome.nodes
    this.#storedMask = outcome.storedMask
    this.#fallbackMask = outcome.fallbackMask
    this.#durableMask = outcome.durableMask
  }

  /** What another node is told, which knows these replicas. */
  static told(receipt: Receipt, known: readonly string[]): ToldReceipt {
    assert(#source in receipt, 'only receipts of this node are told')
    const { hinted } = receipt
    const source = receipt.#source
    return {
      nodes: receipt.#nodes === known ? undefined : receipt.#nodes,
      storedMask: receipt.#storedMask,
      fallbackMask: receipt.#fallbackMask,
      durableMask: receipt.#durableMask,
      hinted,
      context: 'head' in source ? source : receipt.context.toString(),
    }
  }

  get context(): Context {
    return (this.#context ??= new Context(this.#binding, this.#source))
  }

  get acknowledged(): readonly Acknowledgement[] {
    return (this.#acknowledged ??= this.#writeOut())
  }

  #writeOut(): readonly Acknowledgement[] {
    const has = (mask: number, i: number): boolean => ((mask >>> i) & 1) === 1
    return this.#nodes.flatMap((node, i) => {
      if (!has(this.#storedMask, i)) return []
      const role = has(this.#fallbackMask, i) ? 'fallback' : 'primary'
      return [{ node, role, durable: has(this.#durableMask, i) }]
    })
  }

  /** What `JSON.stringify` shows. */
  toJSON(): object {
    const { context, acknowledged, hinted } = this
    return { context, acknowledged, hinted }
  }

  /** What `console.log` shows. */
  [Symbol.for('nodejs.util.inspect.custom')](): object {
    return { ...this.toJSON(), context: this.context.toString() }
  }
}

/** The receipt of a write, from what it came to. `outcome.nodes` may not change any more. */
export function createReceipt(
  binding: ContextBinding,
  source: ContextSource,
  outcome: WriteOutcome,
): Receipt {
  return new WrittenReceipt(binding, source, outcome)
}

/** What another node is told of a receipt of this one. @param known the replicas that it knows by their numbers */
export function toldReceipt(receipt: Receipt, known: readonly string[]): ToldReceipt {
  return WrittenReceipt.told(receipt, known)
}
