/**
 * A transport of one's own, `unix-transport.ts`, is held to the duties of a transport by the conformance suite. Then
 * three nodes talk over it.
 *
 *     npx tsx examples/own-transport/main.ts
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createNode } from 'coterie'
import { transportSuite } from 'coterie/conformance'
import { UnixTransport } from './unix-transport.ts'

// Mode 0700: other users of the machine do not get in.
const directory = await mkdtemp(join(tmpdir(), 'coterie-'))
after(() => rm(directory, { recursive: true }))

let sockets = 0
const newTransport = (): UnixTransport => new UnixTransport(join(directory, `${++sockets}.sock`))

transportSuite({ test, create: async () => newTransport() })

void test('three nodes share their data over it', async () => {
  const first = await createNode({ transport: newTransport() })
  const seeds = [first.address]
  const second = await createNode({ seeds, transport: newTransport() })
  const third = await createNode({ seeds, transport: newTransport() })

  await second.bucket<string>('notes').put('first', 'over a Unix socket')
  const entry = await third.bucket<string>('notes').get('first')
  assert.equal(entry.value(), 'over a Unix socket')

  await Promise.all([first, second, third].map((node) => node.close()))
})
