/**
 * Looks at a database before LMDB does. When opening one fails, the package `lmdb` uses memory that it has just
 * freed (version 3.5.6, `src/env.cpp`, `openEnv`) and mostly takes the process along: so what can be foreseen is an
 * error here.
 */

import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs'
import { access, lstat } from 'node:fs/promises'
import { StorageError } from '../base/errors.ts'

/**
 * Address space, not memory and not disk: how far the database grows before LMDB must map it anew, which it does
 * while other threads read. 256 GiB of the 128 TiB that a process has.
 */
const MAP_BYTES = 2 ** 38

/*
 * A meta page, of which there are two at the start (`mdb.c`, `MDB_meta`), numbers with the small end first:
 *
 *     0        24       28        32                    48          144         152
 *     ├ header ┼ magic  ┼ version ┼ address, map size ──┼ page size … ┼ last page ┼ transaction
 */
const MAGIC_AT = 24
const VERSION_AT = 28
const PAGE_BYTES_AT = 48
const META_BYTES = 160
const MAGIC = 0xbeefc0de
const VERSION = 2

/** @throws {StorageError} when LMDB could not open the file, or its lock file. Neither need be there. */
export async function checkOpenable(file: string): Promise<void> {
  // The lock file is looked at from outside: to open and close it would let go of locks of this process on it.
  const [isThere] = await Promise.all([isAccessible(file), isAccessible(`${file}-lock`)])
  if (isThere && !isDatabase(file))
    throw new StorageError(`${file} is not an LMDB database, or damaged`)
}

/** `undefined` where so much address space may not be had: LMDB starts small then, and maps anew as it grows. */
export function mapBytes(): number | undefined {
  if (process.platform === 'win32') return undefined
  return /^Max address space +unlimited/m.test(limitsOfProcess()) ? MAP_BYTES : undefined
}

async function isAccessible(file: string): Promise<boolean> {
  const found = await lstat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new StorageError(`cannot look at ${file}`, error)
  })
  if (!found) return false
  if (!found.isFile()) throw new StorageError(`${file} is not a file`)
  await access(file, constants.R_OK | constants.W_OK).catch((error: unknown) => {
    throw new StorageError(`may not read and write ${file}`, error)
  })
  return true
}

/** An empty file counts: LMDB starts a database in it. */
function isDatabase(file: string): boolean {
  const meta = Buffer.alloc(META_BYTES)
  const descriptor = openSync(file, 'r')
  try {
    const bytes = readSync(descriptor, meta, 0, META_BYTES, 0)
    if (bytes === 0) return true
    if (bytes < META_BYTES || !isMeta(meta)) return false
    const second = meta.readUInt32LE(PAGE_BYTES_AT)
    return readSync(descriptor, meta, 0, META_BYTES, second) === META_BYTES && isMeta(meta)
  } finally {
    closeSync(descriptor)
  }
}

function isMeta(meta: Buffer): boolean {
  return meta.readUInt32LE(MAGIC_AT) === MAGIC && meta.readUInt32LE(VERSION_AT) === VERSION
}

/** Where the system has no such file, as if nothing were limited. */
function limitsOfProcess(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8')
  } catch {
    return 'Max address space unlimited'
  }
}
