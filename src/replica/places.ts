/** Which partitions of the storage hold what. Records live in partitions 0 to Q − 1; the highest numbers are ours. */

/** What the node knows of itself and of the cluster. */
export const booksPartition = 0xffff_ffff
/** Hints for absent owners. */
export const hintsPartition = 0xffff_fffe
/** Partitions that an owner may lack data of. */
export const dirtyPartition = 0xffff_fffd

/** Bucket and key in one byte string: what a record is stored under. */
export function storageKeyBytes(bucket: string, key: string): Buffer {
  return Buffer.from(`${bucket}\0${key}`, 'utf8')
}

/** Bucket and key of a storage key. */
export function splitStorageKey(storageKey: string): { bucket: string; key: string } {
  const text = isAscii(storageKey) ? storageKey : Buffer.from(storageKey, 'latin1').toString('utf8')
  const end = text.indexOf('\0')
  return { bucket: text.slice(0, end), key: text.slice(end + 1) }
}

/** Whether the bytes of a text are its characters. */
function isAscii(bytes: string): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes.charCodeAt(i) > 0x7f) return false
  return true
}
