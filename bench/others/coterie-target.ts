/**
 * Coterie over three processes, the client's being one of them: in memory, or on disk and waiting for it where there is
 * a directory for it.
 */
import type { Entry } from '../../src/index.ts'
import { startCluster } from '../cluster.ts'
import { assertUndisturbed } from '../disturbed.ts'
import { loadLibrary } from '../library.ts'
import type { Target } from './target.ts'

export async function connectCoterie(
  dist: string,
  directory: string | undefined,
): Promise<Target<Entry<Uint8Array>>> {
  const library = await loadLibrary(dist)
  const place =
    directory === undefined
      ? ({ layout: 'tcp-n3' } as const)
      : ({ layout: 'tcp-n3-lmdb-fsync', scratch: directory } as const)
  const cluster = await startCluster(library, { ...place, dist, sloppy: true })
  const bucket = cluster.node.bucket<Uint8Array>('bench', { codec: library.bytesCodec() })
  return {
    lanes: [bucket],
    preloader: bucket,
    bytesOf: (entry) => entry.value(),
    close: async () => {
      try {
        assertUndisturbed(cluster.node)
      } finally {
        await cluster.close()
      }
    },
  }
}
