/** Both storages of the library pass the published suite. */

import { describe, test } from 'vitest'
import { lmdbStorage } from '../../src/adapters/lmdb-storage.ts'
import { memoryStorage } from '../../src/adapters/memory-storage.ts'
import { storageSuite } from '../../src/conformance/storage-suite.ts'
import { freshPath } from './kit.ts'

describe('memoryStorage', () => {
  storageSuite({ test, create: async () => memoryStorage() })
})

describe.each(['fsync', 'os'] as const)('lmdbStorage with durability %s', (durability) => {
  storageSuite({ test, create: async () => lmdbStorage({ path: freshPath(), durability }) })
})
