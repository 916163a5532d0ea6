/**
 * What the demo reads: files become records, or are refused with the line at fault. What it writes anew, how it judges
 * what it reads back, and how it shows a transfer. CI runs the examples themselves.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { Fleet, newcomer } from '../../examples/demo/fleet.ts'
import { Ledger } from '../../examples/demo/ledger.ts'
import { CommandError, type Member } from '../../examples/demo/member.ts'
import type { Report } from '../../examples/demo/protocol.ts'
import { readBack } from '../../examples/demo/read-back.ts'
import { parseCsv } from '../../examples/demo/records/csv.ts'
import { loadRecords } from '../../examples/demo/records/load.ts'
import type { DemoRecord } from '../../examples/demo/records/record.ts'
import { Reviser } from '../../examples/demo/reviser.ts'
import { Scene } from '../../examples/demo/scene.ts'
import { watchTransfer, type Transfer } from '../../examples/demo/transfer.ts'
import { frame } from '../../examples/demo/view/frame.ts'
import { transferShare, transferText } from '../../examples/demo/view/transfer-line.ts'
import type { Write } from '../../examples/demo/write.ts'

const directory = mkdtempSync(join(tmpdir(), 'coterie-examples-'))
afterAll(() => rmSync(directory, { recursive: true }))

let files = 0

function fileWith(content: string | Uint8Array, extension: string): string {
  const file = join(directory, `${++files}${extension}`)
  writeFileSync(file, content)
  return file
}

test.each([
  [
    'plain fields',
    'a,b\nc,d\n',
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  ],
  [
    'no line end at the end',
    'a,b\nc,d',
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  ],
  [
    'Windows line ends',
    'a,b\r\nc,d\r\n',
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  ],
  [
    'empty fields',
    ',\n,x,\n',
    [
      ['', ''],
      ['', 'x', ''],
    ],
  ],
  ['empty lines', '\n\r\na\n\n', [['a']]],
  ['a byte order mark', '\uFEFFa,b\n', [['a', 'b']]],
  ['quotes', '"a","b c"\n', [['a', 'b c']]],
  ['doubled quotes', '"say ""a"""\n""""\n', [['say "a"'], ['"']]],
  [
    'commas and line ends in quotes',
    '"a,b","c\r\nd"\ne,f',
    [
      ['a,b', 'c\r\nd'],
      ['e', 'f'],
    ],
  ],
  ['an empty quoted field', '"",x\n', [['', 'x']]],
  ['a carriage return within a field', 'a\rb,c\n', [['a\rb', 'c']]],
  ['nothing', '', []],
])('CSV with %s', (_name, text, rows) => {
  expect(parseCsv(text).map(({ fields }) => fields)).toEqual(rows)
})

test('CSV rows know their lines, across line ends in quotes', () => {
  expect(parseCsv('a\n"b\nb"\n\nc').map(({ line }) => line)).toEqual([1, 2, 5])
})

test('each row of CSV is a record under its first column, or the column asked for', async () => {
  const file = fileWith('code,name\nat,"Austria"\nch,Switzerland\n', '.csv')
  const byFirst = await loadRecords({ file, keyField: undefined })
  expect(byFirst.records).toEqual([
    { key: 'at', value: { code: 'at', name: 'Austria' } },
    { key: 'ch', value: { code: 'ch', name: 'Switzerland' } },
  ])
  const byName = await loadRecords({ file, keyField: 'name' })
  expect(byName.records.map(({ key }) => key)).toEqual(['Austria', 'Switzerland'])
})

test('each line of JSON lines is a record under its field', async () => {
  const file = fileWith('{"id":7,"tags":["a",null]}\n\n{"id":"x"}\r\n', '.jsonl')
  const { records } = await loadRecords({ file, keyField: undefined })
  expect(records).toEqual([
    { key: '7', value: { id: 7, tags: ['a', null] } },
    { key: 'x', value: { id: 'x' } },
  ])
})

describe('a file that makes no sense is refused with the reason', () => {
  test.each([
    ['a quote that is never closed', '.csv', 'id\n"x\ny\n', /line 2: a quote is never closed/],
    ['a quote within a plain field', '.csv', 'id\nx"y\n', /line 2: a quote inside a field/],
    ['text after a closing quote', '.csv', 'id\n"x"y\n', /line 2: text after a closing quote/],
    ['a row that is too long', '.csv', 'id\nx,y\n', /line 2: 2 fields, but 1 columns/],
    ['two columns of one name', '.csv', 'id,id\nx,y\n', /two columns are called "id"/],
    ['a key that occurs twice', '.csv', 'id\nx\ny\nx\n', /line 4: has the key "x" of line 2/],
    ['an empty key', '.csv', 'id,name\n,x\n', /line 2: its key is ""/],
    ['a header alone', '.csv', 'id,name\n', /there are no records/],
    ['bytes that are no text', '.csv', Uint8Array.of(0xff, 0xfe), /cannot be read/],
    ['broken JSON', '.jsonl', '{"id":1}\n{"id":\n', /line 2: /],
    ['a line that is no object', '.jsonl', '[1]\n', /line 1: is no JSON object/],
    ['a record without the key', '.ndjson', '{"name":1}\n', /line 1: has no field "id"/],
    ['a key that is no name', '.jsonl', '{"id":{}}\n', /line 1: its key is \{\}/],
    ['an unknown kind of file', '.txt', 'id\nx\n', /must end in \.csv, \.jsonl, \.ndjson/],
  ])('%s', async (_name, extension, content, reason) => {
    const file = fileWith(content, extension)
    await expect(loadRecords({ file, keyField: undefined })).rejects.toThrow(reason)
  })
})

const memberOf = (id: string, more: object): Member => ({ id, ...more }) as unknown as Member
const sceneOf = (fleet: object, records: readonly DemoRecord[] = []): Scene =>
  new Scene(fleet as Fleet, { source: 'a test', records, bytes: 0 }, { pauseMs: 0 })
const reportOf = (moving: number, marks: number): Report => ({
  ring: { epoch: 1, partitions: 8, n: 3, balance: 1, moving, owned: {} },
  stage: 'normal',
  puts: 0,
  hints: 0,
  marks,
  lacking: 0,
  delivered: 0,
  repairs: 0,
})

describe('the demo', () => {
  test('revises by the newest context, and not what may have been written twice', async () => {
    const asked: Write[] = []
    const seen = new Map<string, string>()
    const ask = async (_name: string, write: Write): Promise<{ context: string }> => {
      asked.push(write)
      await new Promise((resolve) => setImmediate(resolve))
      const isLost = write.key === 'b' && !seen.has('b')
      seen.set(write.key, `${write.key}${asked.length}`)
      if (isLost) throw new CommandError({ code: 'LOST', message: 'its process died' })
      return { context: seen.get(write.key)! }
    }
    const scene = sceneOf({ next: () => memberOf('n1', { ask }) })
    const ledger = new Ledger()
    for (const key of ['a', 'b', 'c'])
      ledger.note({ key, record: key, value: key, revision: 0, context: '0', isTwice: key === 'c' })
    const reviser = new Reviser(scene, ledger)
    const run = reviser.run()
    await vi.waitFor(() => expect(scene.revised).toBeGreaterThan(5))
    reviser.stop()
    await run

    const ofA = asked.filter(({ key }) => key === 'a')
    expect(ofA.length).toBeGreaterThan(3)
    expect(ofA[0]!.context).toBe('0')
    const contexts = ofA.map(({ context }) => context)
    expect(new Set(contexts).size).toBe(ofA.length)
    expect(ofA.map(({ value }) => value)).toEqual(
      ofA.map((_, i) => ({ revision: i + 1, record: 'a' })),
    )
    const ofB = asked.filter(({ key }) => key === 'b')
    expect(ofB.map(({ context, value }) => [context, value])).toEqual(
      Array.from({ length: 2 }, () => ['0', { revision: 1, record: 'b' }]),
    )
    expect(asked.some(({ key }) => key === 'c')).toBe(false)
    const [a, b, c] = ledger.entries
    expect(a).toMatchObject({ revision: ofA.length, context: seen.get('a'), isTwice: false })
    expect(b).toMatchObject({ revision: 1, isTwice: true })
    expect(c).toMatchObject({ revision: 0, value: 'c' })
  })

  test.each([
    ['the newest write', [[{ revision: 2 }]], 0, 0],
    ['the newest write twice', [[{ revision: 2 }, { revision: 2 }]], 0, 1],
    ['an older write', [[{ revision: 1 }]], 1, 0],
    ['an older write beside the newest', [[{ revision: 2 }, { revision: 1 }]], 1, 0],
    ['nothing', [[]], 1, 0],
  ])('judges a node that gives %s', async (_name, answer, faults, twins) => {
    const good = memberOf('n1', { ask: async () => [[{ revision: 2 }]] })
    const tried = memberOf('n2', { ask: async () => answer })
    const scene = sceneOf({ up: [good, tried] })
    const value = { revision: 2 }
    const written = { record: 0, revision: 2, context: '', isTwice: false }
    const result = await readBack(scene, [{ key: 'k', value, ...written }])
    expect(result).toEqual({ faults, twins })
    expect(scene.readBack.get('n1')).toEqual({ read: 1, right: 1 })
    expect(scene.readBack.get('n2')).toEqual({ read: 1, right: 1 - faults })
  })

  test('tells how far a transfer is', async () => {
    const [n1, n2] = [memberOf('n1', {}), memberOf('n2', {})]
    const shown: Transfer[] = []
    const told: string[] = []
    const next = async (moving: number, marks: number): Promise<void> => {
      const before = shown.length
      n1.report = reportOf(moving, marks)
      n2.report = reportOf(0, marks)
      await vi.waitFor(() => expect(shown.length).toBeGreaterThan(before + 1))
      told.push(transferText(shown.at(-1)!))
    }
    const last = await watchTransfer({ up: [n1, n2] }, 'n6 joins', {
      show: (transfer) => shown.push(transfer),
      run: async () => {
        await next(0, 0)
        await next(5, 6)
        await next(5, 2)
        expect(transferShare(shown.at(-1)!)).toBeCloseTo(2 / 3)
        await next(0, 0)
      },
    })
    expect(told.slice(0, 3)).toEqual([
      'n6 joins: no partition moves yet',
      'n6 joins: 5 partitions move, 12 hand-overs marked',
      'n6 joins: 5 partitions move, 4 hand-overs to go',
    ])
    expect(told[3]).toMatch(/^n6 joins: 5 partitions moved in \d+\.\d s ✓$/)
    expect(last).toMatchObject({ moving: 5, toGo: 0, toGoMax: 12, isOver: true })
    expect(transferShare(last)).toBe(1)
  })

  test('its picture fits into 80 columns', () => {
    const fleet = new Fleet({ notice: () => undefined, died: () => undefined })
    onTestFinished(() => fleet.destroyNow())
    fleet.add(newcomer)
    const owned = Object.fromEntries(fleet.members.map(({ id }) => [id, 512]))
    for (const member of fleet.members) {
      const report = reportOf(505, 1_509)
      member.report = { ...report, puts: 99_999, hints: 9_999, ring: { ...report.ring, owned } }
      member.pid = 4_194_304
    }
    const scene = sceneOf(fleet, [{ key: 'a', value: 1 }])
    Object.assign(scene, { inFlight: 256, revised: 99_999, retried: 999 })
    for (const { id } of fleet.members) scene.readBack.set(id, { read: 99_999, right: 99_999 })
    const change = { title: 'n1 leaves', moving: 1_024, toGo: 3_072, toGoMax: 3_073, tookMs: 0 }
    scene.transfer = { ...change, isOver: false }
    const lines = frame(scene, { columns: 80, rows: 23 }).map((line) =>
      stripVTControlCharacters(line),
    )
    expect(lines.length).toBeLessThan(23)
    for (const line of lines) expect(Array.from(line).length, line).toBeLessThan(80)
    expect(lines.some((line) => line.includes('3,072 hand-overs to go'))).toBe(true)
  })
})
