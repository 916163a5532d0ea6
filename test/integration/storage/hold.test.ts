/** Two processes never hold one directory, and the death of one lets go of it at once (HAZARDS A5). */

import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { StorageError } from '../../../src/base/errors.ts'
import { lmdbStorage } from '../../../src/lmdb.ts'
import { freshPath } from '../../storage/kit.ts'
import { startChild } from './processes.ts'

/** Runs a command as process 1 of a world of its own, as a container does. */
const container = [
  'unshare',
  '--user',
  '--map-root-user',
  '--pid',
  '--fork',
  '--kill-child',
  '--mount-proc',
]
const hasContainers = spawnSync(container[0]!, [...container.slice(1), 'true']).status === 0

test('another process is kept out and told who holds the directory', async () => {
  const path = freshPath()
  const holder = startChild({ path, task: 'hold' })
  await holder.said('open')
  const storage = lmdbStorage({ path })
  await expect(storage.open()).rejects.toThrow(StorageError)
  await expect(storage.open()).rejects.toThrow(`is held by process ${holder.process.pid}`)
  expect(await startChild({ path, task: 'open' }).said('failed')).toMatch(/is held by process/)
})

test('the directory is taken over at once from a process that was killed', async () => {
  const path = freshPath()
  const holder = startChild({ path, task: 'hold' })
  await holder.said('open')
  await holder.kill()
  const storage = lmdbStorage({ path })
  await storage.open()
  await storage.write([{ partition: 0, key: 'key', value: Buffer.from('value') }])
  await storage.close()
})

test('a refused opening of this process leaves its hold as it was', async () => {
  const path = freshPath()
  const storage = lmdbStorage({ path })
  await storage.open()
  await expect(lmdbStorage({ path }).open()).rejects.toThrow(/is held by/)
  expect(await startChild({ path, task: 'open' }).said('failed')).toMatch(/is held by/)
  await storage.close()
  await startChild({ path, task: 'open' }).said('open')
})

test(
  'of many processes that start at once, no two hold the directory',
  { timeout: 60_000 },
  async () => {
    const path = freshPath()
    const children = Array.from({ length: 6 }, () => startChild({ path, task: 'hold' }))
    const outcomes = await Promise.all(
      children.map((child) => Promise.race([child.said('open'), child.said('failed')])),
    )
    expect(outcomes.filter((line) => line === 'open').length).toBeLessThanOrEqual(1)
    await Promise.all(children.map((child) => child.kill()))
    await startChild({ path, task: 'open' }).said('open')
  },
)

test.runIf(hasContainers)('containers keep each other out, both being process 1', async () => {
  const path = freshPath()
  const holder = startChild({ path, task: 'hold', wrap: container })
  await holder.said('open')
  const second = startChild({ path, task: 'open', wrap: container })
  expect(await second.said('failed')).toMatch(/is held by process 1 /)
  await holder.kill()
  await startChild({ path, task: 'open', wrap: container }).said('open')
})

test('a thread of this process is kept out', async () => {
  const path = freshPath()
  const storage = lmdbStorage({ path })
  await storage.open()
  const open = `import('${new URL('../../../src/lmdb.ts', import.meta.url).href}').then(({ lmdbStorage }) =>
    lmdbStorage({ path: ${JSON.stringify(path)} }).open())`
  const thread = new Worker(
    `import('tsx/esm/api').then(({ register }) => { register(); return ${open} })`,
    {
      eval: true,
    },
  )
  const [error] = (await once(thread, 'error')) as [Error]
  expect(error.message).toMatch(`is held by process ${process.pid}`)
  expect(await startChild({ path, task: 'open' }).said('failed')).toMatch(/is held by/)
  await storage.close()
})
