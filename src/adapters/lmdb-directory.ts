/**
 * The directory of an `lmdbStorage`, and the note in it that names who has it open:
 *
 *     records.mdb   the data           records.mdb-lock   LMDB's own
 *     holder.mdb    the lock           holder.mdb-lock    LMDB's own
 *     holder.json   the note: there while a storage has the directory open, and after one that did not close
 */

import { readFileSync } from 'node:fs'
import { lstat, mkdir, open, readFile, realpath, rename, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { InvalidArgumentError, StorageError } from '../base/errors.ts'

/** Who has a directory open, and what a power cut would do to it. */
export interface HolderNote {
  readonly durability: 'fsync' | 'os'
  readonly host: string
  readonly pid: number
  /** Changes with each start of the operating system; '' where it does not say. */
  readonly boot: string
}

/** @throws {InvalidArgumentError} */
export function checkedPath(path: unknown): string {
  if (typeof path !== 'string') throw new InvalidArgumentError('path', 'must be a string')
  if (path === '') throw new InvalidArgumentError('path', 'must not be empty')
  if (path.includes('\0')) throw new InvalidArgumentError('path', 'must not contain a zero byte')
  if (!path.isWellFormed()) throw new InvalidArgumentError('path', 'must be well-formed text')
  return resolve(path)
}

/**
 * Makes the directory, for its owner alone, where there is none.
 * @throws {StorageError} when something else is there. A symbolic link is something else: through one, two paths
 *   could mean one store.
 * @returns the one path of it that has no symbolic link on its way.
 */
export async function prepareDirectory(path: string): Promise<string> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw new StorageError(`cannot make the directory ${path}`, error)
    }
  }
  const found = await lstat(path).catch((error: unknown) => {
    throw new StorageError(`cannot look at ${path}`, error)
  })
  if (found.isSymbolicLink()) throw new StorageError(`${path} is a symbolic link`)
  if (!found.isDirectory()) throw new StorageError(`${path} is not a directory`)
  return realpath(path)
}

/** Makes durable which files the directory has, and that its parent has it. */
async function syncDirectory(path: string): Promise<void> {
  // Windows has no such thing: directories cannot be opened there.
  if (process.platform === 'win32') return
  for (const directory of [path, dirname(path)]) {
    const handle = await open(directory, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  }
}

/** The note that a storage of this process leaves. */
export function noteOfThisProcess(durability: 'fsync' | 'os'): HolderNote {
  return { durability, host: hostname(), pid: process.pid, boot: bootId() }
}

/** `undefined` when there is none. @throws {StorageError} when it cannot be read: damaged is not absent. */
export async function readNote(directory: string): Promise<HolderNote | undefined> {
  const file = notePath(directory)
  try {
    const note: unknown = JSON.parse(await readFile(file, 'utf8'))
    if (isHolderNote(note)) return note
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new StorageError(`cannot read ${file}`, error)
  }
  throw new StorageError(`${file} is damaged; remove it when no process has the storage open`)
}

/** Durable when it resolves, and never there by half: made under another name first. */
export async function writeNote(directory: string, note: HolderNote): Promise<void> {
  const file = notePath(directory)
  const draft = `${file}.draft`
  const handle = await open(draft, 'w', 0o600)
  try {
    await handle.writeFile(JSON.stringify(note))
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(draft, file)
  await syncDirectory(directory)
}

/** Durable when it resolves: a note that came back with the power would refuse good data. */
export async function removeNote(directory: string): Promise<void> {
  await rm(notePath(directory), { force: true })
  await syncDirectory(directory)
}

/**
 * Whether the power may have gone while a storage with durability `os` was open. LMDB writes its pages in no order
 * then, and the file may be damaged in ways that nothing notices.
 */
export function mayBeDamaged(note: HolderNote): boolean {
  return note.durability === 'os' && note.boot !== bootId()
}

function notePath(directory: string): string {
  return join(directory, 'holder.json')
}

function isHolderNote(note: unknown): note is HolderNote {
  const { durability, host, pid, boot } = (note ?? {}) as Record<string, unknown>
  return (
    (durability === 'fsync' || durability === 'os') &&
    typeof host === 'string' &&
    typeof boot === 'string' &&
    Number.isInteger(pid)
  )
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}
