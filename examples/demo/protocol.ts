/** What the demo and its node processes say to each other over the IPC channel between them. */

/** How a node process is started. */
export interface NodeSettings {
  readonly id: string
  /** Where it keeps its data. */
  readonly directory: string
  readonly seeds: readonly string[]
}

/** The commands of the parent: what each asks, and what is answered. */
export interface Commands {
  put: {
    ask: { readonly key: string; readonly value: unknown; readonly context?: string }
    answer: PutAnswer
  }
  /** The siblings of each key, in the order of the keys. R is a quorum. */
  read: { ask: { readonly keys: readonly string[] }; answer: readonly (readonly unknown[])[] }
  /** Settles a conflict between lists of words: `update` to the union of all siblings. */
  settle: { ask: { readonly key: string }; answer: PutAnswer }
  report: { ask: null; answer: Report }
  leave: { ask: null; answer: null }
  close: { ask: null; answer: null }
}

export type CommandName = keyof Commands

interface PutAnswer {
  /** The receipt's context, as text: what the next write of the key replaces. */
  readonly context: string
}

/** A command on its way to a node process. */
export type Call = {
  [K in CommandName]: { readonly id: number; readonly name: K; readonly ask: Commands[K]['ask'] }
}[CommandName]

export interface Failure {
  /** The error's `code`. */
  readonly code: string
  readonly message: string
}

/** What a node process sends: answers to commands, and notices that nobody asked for. */
export type FromNode =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly kind: 'failure'; readonly id: number; readonly failure: Failure }
  | { readonly kind: 'ready'; readonly address: string }
  | { readonly kind: 'report'; readonly report: Report }
  | { readonly kind: 'notice'; readonly notice: Notice }

/** An event of the node. */
export type Notice =
  | {
      readonly event: 'member-up' | 'member-suspect' | 'member-down' | 'member-left'
      readonly member: string
    }
  | { readonly event: 'ring-change'; readonly epoch: number; readonly moving: number }
  | { readonly event: 'hints-delivered'; readonly target: string; readonly count: number }
  | { readonly event: 'background-error'; readonly task: string; readonly message: string }

/** Where a node stands now. */
export interface Report {
  readonly ring: {
    readonly epoch: number
    readonly partitions: number
    readonly n: number
    readonly balance: number
    /** Partitions that change owners now. */
    readonly moving: number
    readonly owned: { readonly [id: string]: number }
  }
  /** Writes that this node coordinated or forwarded. */
  readonly puts: number
  /** What it is in the ring: joining, normal, leaving. */
  readonly stage: string
  /** Hints kept for others now. */
  readonly hints: number
  /** Partitions marked for others now: to be handed over whole. */
  readonly marks: number
  /** Partitions of which others have still to hand it something over. */
  readonly lacking: number
  readonly delivered: number
  /** Replicas that reads brought up to date. */
  readonly repairs: number
}
