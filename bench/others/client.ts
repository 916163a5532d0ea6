/** The process that measures one form of one store, and answers its parent with the figures or with what went wrong. */
import { toldOf, type ToldError } from '../disturbed.ts'
import { exitWithParent } from '../parent.ts'
import { preload } from '../preload.ts'
import { connectCoterie } from './coterie-target.ts'
import { connectEtcd } from './etcd-target.ts'
import type { Form } from './forms.ts'
import { keys, runLoops, valueOf, type Figures } from './loops.ts'
import { connectRedis } from './redis-target.ts'
import type { Target } from './target.ts'

/** As long as in the rest of the bench. */
const warmUpSecondsMax = 1

/** What the process is told. */
export interface ClientOrders {
  readonly form: Form
  /** Of the primary or the leader; unused for coterie. */
  readonly port: number
  readonly dist: string
  /** Where coterie keeps its data on disk; not there: in memory. Unused for other stores. */
  readonly directory?: string
  readonly valueBytes: number
  readonly inFlight: number
  readonly seconds: number
}

/** What the process answers. */
export type ClientAnswer = { readonly figures: Figures } | ToldError

function measureForm(orders: ClientOrders): Promise<Figures> {
  const { form, port, dist, directory, inFlight } = orders
  switch (form.store) {
    case 'coterie':
      return measure(connectCoterie(dist, directory), orders)
    case 'redis':
      return measure(connectRedis(port, { form: form.name, inFlight }), orders)
    case 'etcd':
      return measure(connectEtcd(port, form.name), orders)
  }
}

async function measure<A>(
  connecting: Promise<Target<A>>,
  { form: { mix }, valueBytes, inFlight, seconds }: ClientOrders,
): Promise<Figures> {
  const target = await connecting
  const value = valueOf(valueBytes)
  const load = { mix, inFlight, value }
  await preload({ keys, value }, (key) => target.preloader.put(key, value))
  await runLoops(target, { ...load, seconds: Math.min(warmUpSecondsMax, seconds) })
  const figures = await runLoops(target, { ...load, seconds })
  await target.close()
  return figures
}

async function answer(orders: ClientOrders): Promise<ClientAnswer> {
  try {
    return { figures: await measureForm(orders) }
  } catch (error) {
    return toldOf(error)
  }
}

// The parent is gone, or has the answer: there is nothing left to do.
exitWithParent()
process.send?.(await answer(JSON.parse(process.argv[2] ?? '{}') as ClientOrders))
