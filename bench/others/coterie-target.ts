/** Coterie over three processes, the client's being one of them. */
import type { Entry } from '../../src/index.ts'
import { startCluster } from '../cluster.ts'
import { loadLibrary } from '../library.ts'
import type { Target } from './target.ts'

export async function connectCoterie(dist: string): Promise<Target<Entry<Uint8Array>>> {
  const library = await loadLibrary(dist)
  const cluster = await startCluster(library, { layout: 'tcp-n3', dist, sloppy: true })
  const bucket = cluster.node.bucket<Uint8Array>('bench', { codec: library.bytesCodec() })
  return {
    lanes: [bucket],
    preloader: bucket,
    bytesOf: (entry) => entry.value(),
    close: async () => {
      // Not measured: a store that was never whole.
      const { operations, handoff } = cluster.node.stats()
      await cluster.close()
      if (operations.failed > 0 || handoff.hints > 0)
        throw new Error('the machine is too busy: coterie gave up a replica')
    },
  }
}
