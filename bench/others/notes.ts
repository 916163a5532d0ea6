/** What the table does not say: how far a comparison is one of equals. */
import { memoryRoot } from './leftovers.ts'
import type { OtherName, OthersOptions } from './options.ts'

/** What a comparison says less or more than its figures. */
interface Note {
  /** What the other store promises that coterie does not, and the other way round. */
  readonly promises: string
  /** What makes coterie look better than it is. */
  readonly flatters: string
  /** What makes it look worse. */
  readonly burdens: string
}

const embedded =
  'its client lives in the process of a replica, so that a get asks one process and a put two, and ' +
  'nothing is between the loops and the store; each operation of the other crosses a socket first'

const oneThread = 'that replica shares its thread with the client, and all three are JavaScript'

const redis: Note = {
  promises:
    'WAIT 1 has a write in two copies, like W = 2, and may lose it when the primary is replaced; ' +
    'reads ask the primary alone, where coterie compares two copies. Neither has anything on ' +
    'disk (Redis: no AOF, no RDB)',
  flatters:
    `${embedded}; WAIT holds up all that comes after it on its connection; ` +
    'ioredis parses all answers in one thread',
  burdens: `reads of two copies against one; ${oneThread}`,
}

const raft =
  'puts go through Raft and linearizable reads ask a majority; both promise more than a quorum ' +
  'of coterie, and old values are kept'

const overGrpc =
  `${embedded}; bare gRPC over node:http2 makes a stream for each operation, which costs the ` +
  'client more than a call in the process: several clients, or others, get more out of etcd'

const etcd: Note = {
  promises:
    `${raft}. The members of etcd keep their log and data in ${memoryRoot}, and wait for it (fsync). ` +
    'coterie has all in memory, and no log',
  flatters: overGrpc,
  burdens: oneThread,
}

function etcdOnDisk(diskRoot: string): Note {
  return {
    promises:
      `${raft}. All nodes of either keep their data in ${diskRoot}, and a put counts once two of three ` +
      'have waited for it (fsync): in etcd for the log, in coterie for LMDB',
    flatters: overGrpc,
    burdens:
      'LMDB writes whole pages, all on the way to what has changed, and waits for the disk twice in each ' +
      'commit, where etcd appends to its log, waits once, and brings its database up to date later; ' +
      oneThread,
  }
}

function noteOf(name: OtherName, diskRoot: string | undefined): Note {
  if (name === 'redis') return redis
  return diskRoot === undefined ? etcd : etcdOnDisk(diskRoot)
}

/** The lines below the table, for the stores that were measured. */
export function notesOf(
  stores: readonly OtherName[],
  { diskRoot }: Pick<OthersOptions, 'diskRoot'>,
): string[] {
  return stores.flatMap((name) => {
    const { promises, flatters, burdens } = noteOf(name, diskRoot)
    return [
      `Beside ${name}:`,
      `  promises: ${promises}.`,
      `  flatters coterie: ${flatters}.`,
      `  burdens coterie: ${burdens}.`,
    ]
  })
}
