/** The forms in which the stores are driven: what is put or read, and over how many connections. */
import type { OtherName } from './options.ts'

type StoreName = 'coterie' | OtherName
export type Mix = 'put' | 'get'

export interface Form {
  readonly store: StoreName
  readonly mix: Mix
  readonly name: FormName
  /** As it stands in the table. */
  readonly says: string
}

export type FormName = 'embedded' | 'pipelined' | 'batched' | 'each' | 'leader' | 'serializable'

/** Coterie in the same form as in the rest of the bench. */
export const ours: Readonly<Record<Mix, Form>> = {
  put: { store: 'coterie', mix: 'put', name: 'embedded', says: 'W = 2 of 3' },
  get: { store: 'coterie', mix: 'get', name: 'embedded', says: 'R = 2 of 3' },
}

const others: readonly Form[] = [
  {
    store: 'redis',
    mix: 'put',
    name: 'pipelined',
    says: 'SET and WAIT 1, pipelined, one connection',
  },
  {
    store: 'redis',
    mix: 'put',
    name: 'batched',
    says: 'SETs of one turn and one WAIT 1, one connection',
  },
  {
    store: 'redis',
    mix: 'put',
    name: 'each',
    says: 'SET and WAIT 1, a connection for each in flight',
  },
  { store: 'redis', mix: 'get', name: 'pipelined', says: 'one copy, pipelined, one connection' },
  { store: 'redis', mix: 'get', name: 'each', says: 'one copy, a connection for each in flight' },
  { store: 'etcd', mix: 'put', name: 'leader', says: 'gRPC, one connection to the leader' },
  { store: 'etcd', mix: 'get', name: 'leader', says: 'linearizable, gRPC, one connection' },
  {
    store: 'etcd',
    mix: 'get',
    name: 'serializable',
    says: 'one copy (serializable), gRPC, one connection',
  },
]

/** The forms of the other stores for a mix, in the order of the table. */
export function formsOf(stores: readonly OtherName[], mix: Mix): Form[] {
  return others.filter((form) => form.mix === mix && stores.some((name) => name === form.store))
}
