/**
 * Reads never go back in time. After a read has ended, a later read of the same session and key (or
 * of anybody, with `across: 'sessions'`)
 *
 * 1. returns each value that it returned, or one whose write may have replaced it, directly or
 *    through others (or a delete may have);
 * 2. returns nothing that a value it returned certainly replaced;
 * 3. returns nothing that it lacked although a read before it had returned it: that was replaced, or
 *    has expired, and what one read finds expired has ended for all.
 *
 * Promised within a session, and across sessions, by strict quorums with R + W > N and blocking read
 * repair, and by strict R = N.
 */

import { Coverage } from './coverage.ts'
import type { Findings } from './findings.ts'
import type { KeyHistory } from './key-history.ts'
import { bySession } from './read-your-writes.ts'
import { checkFloor } from './session-floor.ts'

/**
 * Reports reads that go back in time.
 * @param across whose reads are compared with each other.
 */
export function checkMonotonic(
  key: KeyHistory,
  findings: Findings,
  across: 'session' | 'sessions',
): void {
  const coverage = new Coverage(key)
  const groups = across === 'sessions' ? [key.reads] : bySession(key.reads).values()
  for (const reads of groups) {
    checkFloor(key, coverage, { reads, isMonotonic: true, writes: [] }, findings)
  }
}
