/**
 * Each session reads its own writes. After a write of its own was acknowledged, a read of the same
 * session and key
 *
 * 1. returns it, or a value whose write may have replaced it, directly or through others (or a delete
 *    may have);
 * 2. returns nothing that it certainly replaced.
 *
 * Promised by strict R + W > N, unless copies are lost. A write whose outcome is unknown
 * promises nothing.
 */

import { Coverage } from './coverage.ts'
import type { Findings } from './findings.ts'
import type { KeyHistory, Read } from './key-history.ts'
import { checkFloor } from './session-floor.ts'

/** Reports the reads of a session that lack its own writes. */
export function checkReadYourWrites(key: KeyHistory, findings: Findings): void {
  const coverage = new Coverage(key)
  for (const [session, reads] of bySession(key.reads)) {
    const writes = key.writes.filter(({ operation }) => operation.session === session)
    checkFloor(key, coverage, { reads, isMonotonic: false, writes }, findings)
  }
}

/** Reads of each session, in their order. */
export function bySession(reads: readonly Read[]): Map<number | string, Read[]> {
  const sessions = new Map<number | string, Read[]>()
  for (const read of reads) {
    const { session } = read.operation
    const others = sessions.get(session)
    if (others === undefined) sessions.set(session, [read])
    else others.push(read)
  }
  return sessions
}
