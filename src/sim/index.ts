/**
 * `coterie/sim`: a cluster in one process on virtual time, for tests of this library and of what is
 * built on it.
 */

export { simulate } from './simulate.ts'
export type { SimOptions, SimResult } from './simulate.ts'
export type { CrashOptions, SimCluster } from './sim-cluster.ts'
export { bridge, halves, majoritiesRing } from './partitions.ts'
export type { Groups } from './partitions.ts'
export type { FaultKind, Faults } from './faults.ts'
export type { SimDisk } from './sim-disk.ts'
export type { NetworkQuality } from './sim-links.ts'
export { NoAnswerError } from './sim-service.ts'
export type { ServiceHost, ServiceStart, SimService } from './sim-service.ts'
export type { RecordView } from './stored-records.ts'
export type { TraceListener } from './trace.ts'
export { createHistory } from './history/history.ts'
export type { History } from './history/history.ts'
export type { GivenContext, NewOperation, Operation, OperationId } from './history/operation.ts'
export { record } from './history/record.ts'
export type { RecordOptions } from './history/record.ts'
export { check } from './checkers/check.ts'
export type { CheckOptions, CheckResult, Model } from './checkers/check.ts'
export type { Checked, SkippedKey, Violation } from './checkers/findings.ts'
