/** Values of all kinds, and for which option of `createNode` which of them are legal. */
import { expect } from 'vitest'

/** One value of each kind that JavaScript has, and of each kind of wrong number and text. */
export const zoo: readonly (readonly [label: string, value: unknown])[] = [
  ['null', null],
  ['NaN', NaN],
  ['-1', -1],
  ['0', 0],
  ['1.5', 1.5],
  ['Infinity', Infinity],
  ['2**60', 2 ** 60],
  ["''", ''],
  ["'x'", 'x'],
  ['a lone surrogate', 'a\ud800'],
  ['a text of 200 bytes', 'é'.repeat(100)],
  ['a text with NUL', 'a\0b'],
  ['{}', {}],
  ['{ colour: 1 }', { colour: 1 }],
  ['[]', []],
  ['[1]', [1]],
  ["['']", ['']],
  ['a function', () => 1],
  ['a symbol', Symbol('s')],
  ['10n', 10n],
  ['true', true],
]

/** What is wrong everywhere but where it is legal. */
export function zooWithout(...legal: readonly string[]): readonly (readonly [string, unknown])[] {
  for (const label of legal) expect(zoo.map(([each]) => each)).toContain(label)
  return zoo.filter(([label]) => !legal.includes(label))
}

/** The options in which one has this value. */
export function nested(path: string, value: unknown): object {
  const [first = '', second] = path.split('.')
  return { [first]: second === undefined ? value : { [second]: value } }
}

/** Options for which a fraction is legal. */
function fractions(
  group: string,
  names: readonly string[],
): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(names.map((name) => [`${group}.${name}`, ['1.5']]))
}

/** Each option of `createNode`, and which of the zoo is legal for it. */
export const nodeOptions: Readonly<Record<string, readonly string[]>> = {
  id: ["'x'"],
  cluster: ["'x'"],
  seeds: ['[]'],
  zone: ["''", "'x'"],
  weight: ['1.5'],
  replaces: [],
  partitions: [],
  replication: ['{}'],
  'replication.n': [],
  'replication.r': [],
  'replication.w': [],
  'replication.sloppy': ['true'],
  'replication.readRepair': [],
  'replication.replicaChoice': [],
  timeoutMs: ['1.5'],
  joinTimeoutMs: ['1.5'],
  membership: ['{}'],
  'membership.probeIntervalMs': [],
  'membership.gossipFanout': [],
  handoff: ['{}'],
  ...fractions('handoff', [
    'intervalMs',
    'windowMs',
    'bytesMax',
    'bytesPerTargetMax',
    'bytesPerSecondMax',
  ]),
  antiEntropy: ['{}'],
  'antiEntropy.enabled': ['true'],
  ...fractions('antiEntropy', ['intervalMs', 'verifyIntervalMs', 'bytesPerSecondMax']),
  tombstones: ['{}'],
  'tombstones.reap': ['true'],
  'tombstones.graceMs': [],
  'tombstones.intervalMs': ['1.5'],
  limits: ['{}'],
  'limits.keyBytesMax': [],
  'limits.valueBytesMax': [],
  'limits.siblingsMax': [],
  'limits.inFlightMax': [],
  'limits.queuedBytesPerPeerMax': [],
  transport: [],
  storage: [],
  clock: [],
  random: [],
}
