/** Real processes: one that closed its nodes ends by itself, and with nothing unhandled. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'

const child = fileURLToPath(new URL('child.ts', import.meta.url))
const directories: string[] = []

afterEach(() => {
  for (const path of directories.splice(0)) rmSync(path, { recursive: true, force: true })
})

interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly value: unknown
  readonly errors: string
}

/** Runs a scenario to the end of its process, which nobody hastens; killed after half a minute. */
function run(scenario: string, argument = ''): Promise<Ended> {
  const flags = ['--import', 'tsx', '--unhandled-rejections=strict', '--throw-deprecation']
  const process = spawn(globalThis.process.execPath, [...flags, child, scenario, argument], {
    timeout: 30_000,
    killSignal: 'SIGKILL',
  })
  let output = ''
  let errors = ''
  process.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  process.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  return new Promise((resolve) => {
    process.on('close', (code, signal) => {
      const value = output === '' ? undefined : (JSON.parse(output) as unknown)
      resolve({ code, signal, value, errors })
    })
  })
}

const fine = { code: 0, signal: null, errors: '' }

describe('a process ends by itself', () => {
  test('after it closed its nodes', async () => {
    expect(await run('close')).toEqual({ ...fine, value: ['n1', 'n2', 'n3'] })
  })

  test('after it closed them in the middle of work', async () => {
    const { value, ...ended } = await run('close at work')
    expect(ended).toEqual(fine)
    for (const outcome of value as string[]) {
      expect([
        'done',
        'ERR_CLOSED',
        'ERR_UNAVAILABLE',
        'ERR_WRITE_UNCERTAIN',
        'ERR_TIMEOUT',
      ]).toContain(outcome)
    }
  })

  test('after it could not join', async () => {
    expect(await run('cannot join')).toEqual({ ...fine, value: 'ERR_JOIN' })
  })

  test('after a node left', async () => {
    expect(await run('leave')).toEqual({ ...fine, value: ['n1', 'n2', 'n3'] })
  })

  test('after its port was in use', async () => {
    const { value, ...ended } = await run('port in use')
    expect(ended).toEqual(fine)
    expect(value).toMatch(/PORT/)
  })
})

test('a node is itself again on its directory, run after run', async () => {
  const path = mkdtempSync(join(tmpdir(), 'coterie-node-'))
  directories.push(path)
  const ids = new Set<string>()
  for (let count = 1; count <= 3; count++) {
    const { value, ...ended } = await run('durable', path)
    expect(ended).toEqual(fine)
    expect(value).toMatchObject({ count })
    ids.add((value as { id: string }).id)
  }
  expect(ids.size).toBe(1)
})
