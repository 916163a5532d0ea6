/** What a write asks for. */
import type { ContextContent } from '../versions/context.ts'
import type { RecordKind } from '../versions/sibling-set.ts'
import type { KeyRequest } from './coordination.ts'

/** One write, with every option settled. */
export interface PutRequest extends KeyRequest {
  readonly kind: RecordKind
  readonly value: Uint8Array
  readonly tombstone: boolean
  readonly expiresAtMs: number
  readonly replaces: 'all' | ContextContent
  /** W. */
  readonly needed: number
}
