/** CRC-32 of bytes, to tell damage from data. No protection against intent. */
import { crc32 } from 'node:zlib'

/** @param seed the checksum of what comes before; chains. */
export function checksum(data: Uint8Array | string, seed = 0): number {
  return crc32(data, seed)
}
