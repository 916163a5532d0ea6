/** The door `coterie/lmdb`: durable storage. A door of its own: only its users need the package `lmdb`. */

export { lmdbStorage, type LmdbStorageOptions } from './adapters/lmdb-storage.ts'
