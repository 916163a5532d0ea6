/** Where the nodes that are measured live, how they talk, and where they keep their data. */

/** What a layout is made of. */
export interface Layout {
  /** How many nodes there are; N is the same. */
  readonly size: number
  /** Whether each node has a process of its own and they talk over loopback. Else all live in the client's. */
  readonly hasProcesses: boolean
  /** Whether connections use mutual TLS. */
  readonly hasTls: boolean
  /** What the data on disk survives; none when it is kept in memory. */
  readonly durability: 'os' | 'fsync' | undefined
}

/** The name of a layout on the command line and in results. */
export type LayoutName =
  | 'memory-n1'
  | 'memory-n3'
  | 'tcp-n3'
  | 'tcp-n3-tls'
  | 'tcp-n3-lmdb-os'
  | 'tcp-n3-lmdb-fsync'
  | 'lmdb-n1-os'
  | 'lmdb-n1-fsync'

const inProcess: Layout = { size: 1, hasProcesses: false, hasTls: false, durability: undefined }
const overTcp: Layout = { ...inProcess, size: 3, hasProcesses: true }

/** All layouts by their names. */
export const layouts: Readonly<Record<LayoutName, Layout>> = {
  'memory-n1': inProcess,
  'memory-n3': { ...inProcess, size: 3 },
  'tcp-n3': overTcp,
  'tcp-n3-tls': { ...overTcp, hasTls: true },
  'tcp-n3-lmdb-os': { ...overTcp, durability: 'os' },
  'tcp-n3-lmdb-fsync': { ...overTcp, durability: 'fsync' },
  'lmdb-n1-os': { ...inProcess, durability: 'os' },
  'lmdb-n1-fsync': { ...inProcess, durability: 'fsync' },
}

/** The names of all layouts. */
export const layoutNames: readonly LayoutName[] = Object.keys(layouts) as LayoutName[]
