/** What a storm and its node processes say to each other over the IPC channel between them. */
import type { NodeStats, Receipt, StoreErrorCode } from '../../../src/index.ts'

/**
 * The buckets of a storm. In `strict` owners alone count, so that sessions read their own writes; in
 * `loose`, with the default options, others stand in for owners that are away.
 */
export type BucketName = 'strict' | 'loose'

/** How a node process is started. */
export interface NodeSettings {
  readonly id: string
  /** Where it keeps its data. */
  readonly directory: string
  /** Names of members to join. */
  readonly seeds: readonly string[]
  /** For each other member, the port that leads from this node to it. */
  readonly links: Readonly<Record<string, number>>
  /** Whether its storage says that the disk is full, although it is not. */
  readonly isDiskFull: boolean
}

/** Options of all operations. Contexts travel as text. */
interface WireOptions {
  readonly r?: 'all' | 'one'
  readonly sloppy?: false
  readonly timeoutMs?: number
  readonly context?: string | null
}

/** An entry; its context is text. */
export interface WireEntry {
  readonly siblings: readonly string[]
  readonly context: string
}

/** A receipt; its context is text. */
export interface WireReceipt extends Omit<Receipt, 'context'> {
  readonly context: string
}

interface Place {
  readonly bucket: BucketName
  readonly key: string
  readonly options: WireOptions
}

/** Where a node stands. */
export interface Status {
  readonly stats: NodeStats
  readonly members: readonly { readonly id: string; readonly status: string }[]
}

/** The commands of the parent: what each asks, and what is answered. */
export interface Commands {
  get: { ask: Place; answer: WireEntry }
  /** The entries in the order of the keys. */
  getMany: {
    ask: Omit<Place, 'key'> & { readonly keys: readonly string[] }
    answer: readonly WireEntry[]
  }
  put: { ask: Place & { readonly value: string }; answer: WireReceipt }
  delete: { ask: Place; answer: WireReceipt }
  /** The node asks for each change by `change`, and is told by `changed`. */
  update: { ask: Place; answer: WireReceipt }
  status: { ask: null; answer: Status }
  /** Has the storage say that the disk is full, or stop saying so. */
  disk: { ask: { readonly isFull: boolean }; answer: null }
  close: { ask: null; answer: null }
}

export type CommandName = keyof Commands

/** A command on its way to a node process. */
export type Call = {
  [K in CommandName]: { readonly id: number; readonly name: K; readonly ask: Commands[K]['ask'] }
}[CommandName]

/** What a node process is sent. */
export type ToNode =
  | ({ readonly kind: 'call' } & Call)
  /** What the `change` of that number came to. */
  | { readonly kind: 'changed'; readonly change: number; readonly value: string }

/** An error; `code` is there when it was one of the library's own. */
export interface Failure {
  readonly code?: StoreErrorCode
  readonly message: string
}

/** What a node process sends. */
export type FromNode =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly kind: 'failure'; readonly id: number; readonly failure: Failure }
  /** The update `call` asks for the change of these values. */
  | {
      readonly kind: 'change'
      readonly call: number
      readonly change: number
      readonly siblings: readonly string[]
    }
  /** Others can reach it at this port, if they know it: it has not joined yet. */
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'ready' }
  /** It could not start. */
  | { readonly kind: 'refused'; readonly failure: Failure }
  /** Its storage refused a write. `isBroken`: it goes on to do so until it is opened again. */
  | { readonly kind: 'write-refused'; readonly isBroken: boolean }
