/** Counters of the coordinator, since the node was created. */
export interface CoordinatorStats {
  puts: number
  gets: number
  /** Pages that scans asked for. */
  scanPages: number
  /** Puts handed to a replica because this node owns no copy of the key. */
  forwarded: number
  /** Operations that ended with an error of the world (unavailable, uncertain, time-out). */
  failed: number
  /** Replicas that were sent a newer record because of a read. */
  repaired: number
  /** Reads that found values expired, and ended them for all. */
  expired: number
  /** Reads that asked one replica more because one was slow. */
  hedged: number
  /** Operations that were refused because this node has too much to do. */
  refused: number
  /** Operations under way. */
  inFlight: number
}

/** Counters that start at nothing. */
export function createCoordinatorStats(): CoordinatorStats {
  const none = { puts: 0, gets: 0, scanPages: 0, forwarded: 0, failed: 0, repaired: 0 }
  return { ...none, expired: 0, hedged: 0, refused: 0, inFlight: 0 }
}
