/**
 * What the demo reads: files become records, or are refused with the line at fault. CI runs the examples themselves.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parseCsv } from '../../examples/demo/records/csv.ts'
import { loadRecords } from '../../examples/demo/records/load.ts'

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
