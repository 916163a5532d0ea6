/** A full disk refuses writes with a typed error, keeps what it has, and goes on when there is room (HAZARDS H5). */

import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { freshPath } from '../../storage/kit.ts'
import { startChild } from './processes.ts'

const unshare = ['unshare', '--user', '--map-root-user', '--mount']
const mount = (mib: number): string => `mount -t tmpfs -o size=${mib}m tmpfs "$0"`
const probe = [...unshare.slice(1), 'sh', '-c', mount(4), '/mnt']
const canMount = spawnSync(unshare[0]!, probe).status === 0

// In a file of more than 10 MiB, lmdb 3.5.6 ends the process when a write of its own fails.
test.runIf(canMount).each([
  [4, 'fsync'],
  [4, 'os'],
  [40, 'fsync'],
  [40, 'os'],
] as const)(
  'a disk of %i MiB is filled with durability %s, and goes on after deletions',
  async (mib, durability) => {
    const disk = freshPath()
    mkdirSync(disk)
    const wrap = [...unshare, 'sh', '-c', `${mount(mib)} && exec "$@"`, disk]
    const child = startChild({ path: `${disk}/data`, durability, task: 'fill', wrap })
    expect(await child.said('refused')).toMatch(/no room left/)
    expect(await child.ended).toEqual([
      'open',
      expect.stringMatching(/^refused no room left/),
      'readable true',
      'vanished true',
      'stored again',
      'kept true',
    ])
  },
)
