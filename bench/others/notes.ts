/** What the table does not say: how far a comparison is one of equals. */
import { dataSentence } from './etcd-servers.ts'
import type { OtherName } from './options.ts'

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

const notes: Readonly<Record<OtherName, Note>> = {
  redis: {
    promises:
      'WAIT 1 has a write in two copies, like W = 2, and may lose it when the primary is replaced; ' +
      'reads ask the primary alone, where coterie compares two copies. Neither has anything on ' +
      'disk (Redis: no AOF, no RDB)',
    flatters:
      `${embedded}; WAIT holds up all that comes after it on its connection; ` +
      'ioredis parses all answers in one thread',
    burdens: `reads of two copies against one; ${oneThread}`,
  },
  etcd: {
    promises:
      'puts go through Raft and linearizable reads ask a majority; both promise more than a quorum ' +
      `of coterie, and old values are kept. ${dataSentence()} coterie has all in memory, and no log`,
    flatters:
      `${embedded}; bare gRPC over node:http2 makes a stream for each operation, which costs the ` +
      'client more than a call in the process: several clients, or others, get more out of etcd',
    burdens: oneThread,
  },
}

/** The lines below the table, for the stores that were measured. */
export function notesOf(stores: readonly OtherName[]): string[] {
  return stores.flatMap((name) => {
    const { promises, flatters, burdens } = notes[name]
    return [
      `Beside ${name}:`,
      `  promises: ${promises}.`,
      `  flatters coterie: ${flatters}.`,
      `  burdens coterie: ${burdens}.`,
    ]
  })
}
