import { describe, test } from 'vitest'
import { memoryNetwork, memoryTransport } from '../../src/adapters/memory-transport.ts'
import { transportSuite } from '../../src/conformance/transport-suite.ts'

describe('the memory transport keeps the duties of a transport', () => {
  const network = memoryNetwork()
  transportSuite({ test, create: async () => memoryTransport(network) })
})
