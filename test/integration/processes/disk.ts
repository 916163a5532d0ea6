/**
 * Disks that can be full: a file system of a few MiB in memory, with ballast that takes what room there is. It is
 * mounted in a name space of its own, held by a process that ends with this one, so that nothing is left behind. Where
 * that may not be had (no `unshare` or `nsenter`, or not the permission), the storage in the node's process is told to
 * refuse writes instead.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { createInterface } from 'node:readline'

/** Far more than a round writes, ballast aside. */
const sizeMib = 96

const ownNameSpace = ['unshare', '--user', '--map-root-user', '--mount'] as const

const holder = `
mount -t tmpfs -o size=${sizeMib}m tmpfs "$0" && echo ready || exit 1
while read -r command; do
  case $command in
    fill) dd if=/dev/zero of="$0/ballast" bs=4k 2>/dev/null ;;
    free) rm -f "$0/ballast" ;;
  esac
  echo done
done`

/** A disk for one node. */
export interface Disk {
  readonly kind: 'small file system' | 'injected ENOSPC' | 'shared'
  /** What the command line of the node's process is appended to. */
  readonly wrap: readonly string[]
  isFull: boolean
  /** Takes all room, or gives it back. Of an injected one only `isFull` changes: the node must be told. */
  setFull(isFull: boolean): Promise<void>
  close(): void
}

/** The disk of the machine, which is not filled. */
export function sharedDisk(): Disk {
  return plainDisk('shared')
}

/** A disk mounted at `directory`, or one that pretends. */
export async function smallDisk(directory: string): Promise<Disk> {
  mkdirSync(directory, { recursive: true })
  const isForced = process.env['COTERIE_INJECT_ENOSPC'] === '1'
  const mounted = isForced ? undefined : await MountedDisk.mount(directory)
  return mounted ?? plainDisk('injected ENOSPC')
}

function plainDisk(kind: Disk['kind']): Disk {
  return {
    kind,
    wrap: [],
    isFull: false,
    setFull(isFull) {
      this.isFull = isFull
      return Promise.resolve()
    },
    close: () => undefined,
  }
}

class MountedDisk implements Disk {
  readonly kind = 'small file system'
  readonly wrap: readonly string[]
  isFull = false
  readonly #holder: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(holder: ChildProcess, lines: AsyncIterator<string>) {
    this.#holder = holder
    this.#lines = lines
    const target = String(holder.pid)
    // The working directory of the holder is that of this process: there the loaders of modules look.
    this.wrap = [
      'nsenter',
      '--target',
      target,
      '--user',
      '--mount',
      '--preserve-credentials',
      '--wd',
    ]
  }

  static async mount(directory: string): Promise<MountedDisk | undefined> {
    const [unshare, ...options] = [...ownNameSpace, 'sh', '-c', holder, directory]
    const process = spawn(unshare, options, { stdio: ['pipe', 'pipe', 'ignore'] })
    process.on('error', () => undefined)
    process.stdin.on('error', () => undefined)
    const lines = createInterface({ input: process.stdout })[Symbol.asyncIterator]()
    const first = await lines.next()
    const disk = new MountedDisk(process, lines)
    const [command = '', ...rest] = disk.wrap
    if (first.value === 'ready' && spawnSync(command, [...rest, 'true']).status === 0) return disk
    disk.close()
    return undefined
  }

  async setFull(isFull: boolean): Promise<void> {
    if (this.isFull === isFull) return
    this.isFull = isFull
    this.#holder.stdin?.write(isFull ? 'fill\n' : 'free\n')
    const { done } = await this.#lines.next()
    if (done === true) throw new Error('the process that holds the disk is gone')
  }

  close(): void {
    this.#holder.kill('SIGKILL')
  }
}
