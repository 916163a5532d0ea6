/** The door `coterie/conformance`: the duties of the ports as tests, for adapters of the library's users. */

export { storageSuite, type StorageSuiteKit } from './storage-suite.ts'
export type { TestFunction } from './test-function.ts'
export { transportSuite, type TransportSuiteKit } from './transport-suite.ts'
