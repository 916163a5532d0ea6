/** One measurement: fresh servers, a fresh client's process, and a look at whether the data is really there. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { errorOf } from '../disturbed.ts'
import type { ClientAnswer, ClientOrders } from './client.ts'
import { startEtcd } from './etcd-servers.ts'
import type { Form } from './forms.ts'
import { end, makeDirectory, memoryRoot, removeDirectory, watch } from './leftovers.ts'
import { keys, valueOf, type Figures } from './loops.ts'
import type { OthersOptions } from './options.ts'
import { startRedis } from './redis-servers.ts'
import type { Store } from './servers.ts'

/** For what is not measured: starting, preloading, warming up. */
const aroundMsMax = 60_000

/** @throws {Error} by rejection: nothing is told of a run that was not right. */
export async function measureForm(
  form: Form,
  inFlight: number,
  options: OthersOptions,
): Promise<Figures> {
  if (form.store === 'coterie') return measureOurs(form, inFlight, options)
  const root = options.diskRoot ?? memoryRoot
  const store = await (form.store === 'redis' ? startRedis() : startEtcd(root))
  try {
    return await measureStore(store, ordersFor({ form, port: store.ports[0]!, inFlight }, options))
  } finally {
    await store.stop()
  }
}

async function measureOurs(form: Form, inFlight: number, options: OthersOptions): Promise<Figures> {
  const orders = ordersFor({ form, port: 0, inFlight }, options)
  if (options.diskRoot === undefined) return runClient(orders)
  const directory = makeDirectory(options.diskRoot)
  try {
    return await runClient({ ...orders, directory })
  } finally {
    removeDirectory(directory)
  }
}

function ordersFor(
  what: Pick<ClientOrders, 'form' | 'port' | 'inFlight'>,
  { dist, valueBytes, seconds }: OthersOptions,
): ClientOrders {
  return { ...what, dist, valueBytes, seconds }
}

async function measureStore(store: Store, orders: ClientOrders): Promise<Figures> {
  const figures = await Promise.race([runClient(orders), store.failed])
  const expected = { keyCount: keys.length, key: keys[0]!, value: valueOf(orders.valueBytes) }
  await Promise.race([store.check(expected), store.failed])
  return figures
}

async function runClient(orders: ClientOrders): Promise<Figures> {
  const child = watch(fork(new URL('./client.ts', import.meta.url), [JSON.stringify(orders)]))
  const msMax = aroundMsMax + orders.seconds * 2000
  const { promise: late, stop } = deadline(msMax, 'the client did not answer')
  const exited = once(child, 'exit').then(([code, signal]) =>
    Promise.reject(new Error(`the client ended with ${String(code ?? signal)}`)),
  )
  try {
    const [answer] = (await Promise.race([once(child, 'message'), exited, late])) as [ClientAnswer]
    if ('failure' in answer) throw errorOf(answer)
    return answer.figures
  } finally {
    stop()
    await end(child)
  }
}

function deadline(
  ms: number,
  trouble: string,
): { readonly promise: Promise<never>; readonly stop: () => void } {
  let stop = (): void => {}
  const promise = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(new Error(`${trouble} within ${ms} ms`)), ms)
    stop = () => clearTimeout(timer)
  })
  return { promise, stop }
}
