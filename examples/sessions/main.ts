/**
 * A web service of three instances, each a process of its own, whose sessions live in coterie: no session server, no
 * sticky load balancer. One instance is killed, and nobody is logged out.
 *
 *     npx tsx examples/sessions/main.ts
 */
import assert from 'node:assert/strict'
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

interface Instance {
  readonly process: ChildProcess
  readonly url: string
  readonly seed: string
}

const one = await startInstance('one', [])
const two = await startInstance('two', [one.seed])
const three = await startInstance('three', [one.seed, two.seed])
const instances = [one, two, three]
let turn = 0
let cookie = ''

try {
  const login = await send('/login?user=ann', { method: 'POST' })
  cookie = login.headers.get('set-cookie')?.split(';')[0] ?? ''

  // The requests of one session meet any instance, here three at the same time.
  const items = ['book', 'lamp', 'rug']
  await Promise.all(items.map((item) => send(`/add?item=${item}`, { method: 'POST' })))
  for (const _ of instances) await sees(items)

  two.process.kill('SIGKILL')
  console.log('instance two is killed')
  for (const _ of instances) await sees(items)

  await send('/add?item=vase', { method: 'POST' })
  for (const _ of instances) await sees([...items, 'vase'])

  await send('/logout', { method: 'POST' })
  assert.equal((await send('/cart')).status, 401)
  console.log('logged out, everywhere')
} finally {
  for (const instance of instances) instance.process.kill('SIGKILL')
}

async function sees(items: readonly string[]): Promise<void> {
  const response = await send('/cart')
  const session: unknown = await response.json()
  console.log(`instance ${response.headers.get('x-instance')} sees`, session)
  assert.deepEqual(session, { user: 'ann', items })
}

/** A tiny load balancer: the instances take turns, and one that does not answer is passed over. */
async function send(path: string, init: RequestInit = {}): Promise<Response> {
  for (const _ of instances) {
    const { url } = instances[turn++ % instances.length]!
    try {
      return await fetch(url + path, { ...init, headers: { cookie } })
    } catch {
      continue
    }
  }
  throw new Error('no instance answers')
}

async function startInstance(id: string, seeds: readonly string[]): Promise<Instance> {
  const child = fork(fileURLToPath(new URL('./instance.ts', import.meta.url)), [id, ...seeds])
  const [ready] = (await once(child, 'message')) as [Omit<Instance, 'process'>]
  return { process: child, ...ready }
}
