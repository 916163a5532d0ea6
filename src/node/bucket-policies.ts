/**
 * One conflict policy for each bucket, everywhere: before the first operation on a bucket the members that answer are
 * asked with which policy they opened it. Replicas check each request besides. A node that opens a bucket in another
 * way than those who work with it already stands alone: it is told so, and they go on.
 */
import { ConflictPolicyError } from '../base/errors.ts'
import type { ConflictKind } from '../ports/conflict-policy.ts'

/** The call that asks for a policy. Any answer to it also tells that a member is there. */
export const policyCall = 'policy'

/** What one member says of a bucket. */
export interface PolicyAnswer {
  readonly kind: ConflictKind
  /** Whether it works with the bucket: nobody contradicted it when it asked. */
  readonly agreed: boolean
}

/** Total: undefined for an answer without a policy. */
export function readPolicyAnswer([kind, agreed]: readonly unknown[]): PolicyAnswer | undefined {
  if (kind !== 'siblings' && kind !== 'merge' && kind !== 'lww') return undefined
  return { kind, agreed: agreed === true }
}

/** Asks one member; undefined when it has not opened the bucket, or does not answer. */
export type AskPolicy = (member: string, bucket: string) => Promise<PolicyAnswer | undefined>

/** The policies of the buckets of one node. */
export class BucketPolicies {
  readonly #ask: AskPolicy
  readonly #others: () => readonly string[]
  readonly #opened: Map<string, ConflictKind> = new Map()
  readonly #agreed: Set<string> = new Set()
  readonly #asking: Map<string, Promise<void>> = new Map()

  constructor(options: { ask: AskPolicy; others: () => readonly string[] }) {
    this.#ask = options.ask
    this.#others = options.others
  }

  /** The policy that this node works with, and so demands of others; undefined before it was agreed on. */
  inForce(bucket: string): ConflictKind | undefined {
    return this.#agreed.has(bucket) ? this.#opened.get(bucket) : undefined
  }

  /**
   * What this node tells others who ask: the kind, or null when it has not opened the bucket, and whether it is
   * agreed.
   */
  answer(bucket: string): readonly [kind: ConflictKind | null, agreed: boolean] {
    return [this.#opened.get(bucket) ?? null, this.#agreed.has(bucket)]
  }

  /** @throws {ConflictPolicyError} when this node opened the bucket with another policy before. */
  open(bucket: string, kind: ConflictKind): void {
    const before = this.#opened.get(bucket)
    if (before !== undefined && before !== kind) throw differ(bucket, before, kind, 'this node')
    this.#opened.set(bucket, kind)
  }

  /** Undefined once nobody contradicts. @throws {ConflictPolicyError} by rejection; it is asked again next time. */
  agreed(bucket: string, kind: ConflictKind): Promise<void> | undefined {
    if (this.#agreed.has(bucket)) return undefined
    let asking = this.#asking.get(bucket)
    if (asking === undefined) {
      asking = this.#agree(bucket, kind).finally(() => this.#asking.delete(bucket))
      this.#asking.set(bucket, asking)
    }
    return asking
  }

  async #agree(bucket: string, kind: ConflictKind): Promise<void> {
    const others = this.#others()
    const answers = await Promise.all(others.map((id) => this.#ask(id, bucket)))
    const isSettled = answers.some((answer) => answer?.agreed === true && answer.kind === kind)
    answers.forEach((answer, i) => {
      if (answer === undefined || answer.kind === kind || (isSettled && !answer.agreed)) return
      throw differ(bucket, answer.kind, kind, `node "${others[i]}"`)
    })
    this.#agreed.add(bucket)
  }
}

function differ(bucket: string, there: string, here: string, who: string): ConflictPolicyError {
  return new ConflictPolicyError(
    `${who} has opened bucket "${bucket}" with conflict policy ${there}, not ${here}: ` +
      'open it with one policy on every node',
    { bucket },
  )
}
