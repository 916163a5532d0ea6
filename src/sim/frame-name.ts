/** What a frame is, for the trace: the name of its type. */

import { frameType } from '../rpc/frame.ts'

const names = new Map<number, string>(Object.entries(frameType).map(([name, type]) => [type, name]))

/** The name of the type, or its number when there is no such type. */
export function frameName(bytes: Uint8Array): string {
  const type = bytes[0] ?? 0
  return names.get(type) ?? String(type)
}
