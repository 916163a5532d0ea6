/**
 * coterie: an embeddable, leaderless, replicated key-value store. This door has what a service needs; `coterie/lmdb`
 * keeps data on disk, `coterie/sim` runs clusters on virtual time, `coterie/conformance` checks adapters.
 */
export { createNode } from './node/create-node.ts'
export type { CoterieNode, Replica } from './node/coterie-node.ts'
export type { Bucket } from './node/bucket.ts'
export type {
  BucketOptions,
  DeleteOptions,
  GetOptions,
  PutOptions,
  RequestOptions,
  UpdateOptions,
} from './node/bucket-options.ts'
export type { Balance } from './node/balance.ts'
export type { LoadRates } from './ring/load-rates.ts'
export type { Explanation, RecordSummary, ReplicaReport } from './node/explain.ts'
export type { Convergence, Holding } from './node/convergence.ts'
export type { TombstoneFate } from './node/tombstone-fate.ts'
export type { CloseOptions, CloseOutcome } from './node/close.ts'
export type { ChangeRequest, MemberToAdd } from './node/change-request.ts'
export type { ChangePlan, PlannedMember, PlannedMove } from './node/plan-change.ts'
export type { ShortPartition } from './ring/change-plan.ts'
export type { Scan } from './node/bucket-scan.ts'
export type { ScanOptions } from './node/scan-options.ts'
export type { PutManyOptions, PutManyWrite } from './node/put-many.ts'
export type { Member, NodeEvents, RingView } from './node/events.ts'
export type { AntiEntropyStats, NodeStats, ReapingStats } from './node/stats.ts'
export type {
  AntiEntropyOptions,
  HandoffOptions,
  LimitOptions,
  NodeOptions,
  Quorum,
  ReplicationOptions,
  TombstoneOptions,
} from './node/options.ts'
export type { Entry } from './coordinator/entry.ts'
export type { ReadRepairMode } from './coordinator/get-request.ts'
export type { Acknowledgement, Receipt } from './coordinator/receipt.ts'
export type { Stage } from './ring/configuration.ts'
export { Context } from './versions/context.ts'

export { leastInFlight, powerOfTwo, roundRobin } from './coordinator/replica-choices.ts'
export { siblings, merge, lww } from './ports/conflict-policy.ts'
export type { ConflictKind, ConflictPolicy } from './ports/conflict-policy.ts'
export type { Clock, Timer } from './ports/clock.ts'
export type { OperationMessage } from './ports/diagnostics.ts'
export type { Random } from './ports/random.ts'
export type { Storage, StorageEntry, StorageWrite } from './ports/storage.ts'
export type { Connection, ConnectionHandler, Transport } from './ports/transport.ts'
export type { ReplicaChoice, ReplicaLoad } from './ports/replica-choice.ts'
export type { ValueCodec } from './ports/value-codec.ts'

export { tcpTransport } from './adapters/tcp-transport.ts'
export type { TcpTlsOptions, TcpTransportOptions } from './adapters/tcp-options.ts'
export { memoryNetwork, memoryTransport } from './adapters/memory-transport.ts'
export type { MemoryNetwork } from './adapters/memory-transport.ts'
export { memoryStorage } from './adapters/memory-storage.ts'
export { bytesCodec } from './adapters/bytes-codec.ts'
export { jsonCodec } from './adapters/json-codec.ts'
export { msgpackCodec } from './adapters/msgpack-codec.ts'

export { lan, oneProcess, wan } from './membership/options.ts'
export type { MembershipOptions } from './membership/options.ts'
export type { Status } from './membership/claim.ts'

export { BrokenInvariantError } from './base/assert.ts'
export {
  ClosedError,
  CodecError,
  ConflictError,
  ConflictPolicyError,
  InvalidArgumentError,
  InvalidContextError,
  JoinError,
  LimitError,
  OverloadedError,
  PartialWriteError,
  ProtocolError,
  StorageError,
  StoreError,
  TimeoutError,
  TopologyBusyError,
  UnavailableError,
  WriteUncertainError,
} from './base/errors.ts'
export type { StoreErrorCode } from './base/errors.ts'
