/** What a node tells its service about: one object for each event. */
import type { Stage } from '../ring/configuration.ts'
import type { Status } from '../membership/claim.ts'

/** One member of the cluster, as this node sees it now. */
export interface Member {
  readonly id: string
  readonly address: string
  readonly zone: string
  readonly weight: number
  /** Whether it answers: a matter of each observer. */
  readonly status: Status
  /** Where it is in its life in the ring: agreed among all. */
  readonly stage: Stage
}

/** The ring as it is in force here. */
export interface RingView {
  readonly epoch: number
  /** Q. */
  readonly partitions: number
  /** Owners of each partition: N, or all members while there are fewer. */
  readonly n: number
  /** How many partitions each member owns. */
  readonly owned: { readonly [id: string]: number }
  /** How many partitions change owners now; 0 when no change is under way. */
  readonly moving: number
  /** Average load ÷ hottest load, by weight: 1 is perfect. */
  readonly balance: number
}

/** The events of a node, by name; each has one object of details. */
export interface NodeEvents {
  'member-up': [Member]
  'member-suspect': [Member]
  'member-down': [Member]
  'member-left': [Member]
  'ring-change': [RingView]
  /** `count`: hints kept for the target now. */
  'hint-stored': [{ readonly target: string; readonly count: number }]
  /** `count`: records delivered to it. */
  'hints-delivered': [{ readonly target: string; readonly count: number }]
  'read-repair': [
    { readonly bucket: string; readonly key: string; readonly replicas: readonly string[] },
  ]
  /** Something went wrong that no operation waits for. Never a bare `error`: nobody need listen. */
  'background-error': [{ readonly task: string; readonly error: Error; readonly peer?: string }]
  close: []
}
