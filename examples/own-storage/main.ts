/**
 * A storage of one's own, `json-log-storage.ts`, is held to the duties of a storage by the conformance suite. Then a
 * node keeps its data in it over a restart.
 *
 *     npx tsx examples/own-storage/main.ts
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createNode } from 'coterie'
import { storageSuite } from 'coterie/conformance'
import { JsonLogStorage } from './json-log-storage.ts'

const directory = await mkdtemp(join(tmpdir(), 'coterie-own-storage-'))
after(() => rm(directory, { recursive: true }))

let files = 0
storageSuite({ test, create: async () => new JsonLogStorage(join(directory, `${++files}.jsonl`)) })

void test('a node has its data again after a restart', async () => {
  const path = join(directory, 'node.jsonl')
  const before = await createNode({ storage: new JsonLogStorage(path) })
  await before.bucket<string>('notes').put('first', 'kept in a file')
  await before.close()
  const node = await createNode({ storage: new JsonLogStorage(path) })
  assert.equal((await node.bucket<string>('notes').get('first')).value(), 'kept in a file')
  assert.equal(node.id, before.id)
  await node.close()
})
