/**
 * Reads CSV as RFC 4180 describes it: commas, quotes that double inside quotes, line ends `\n` or `\r\n`, also within
 * quotes. Strict: what is ambiguous is refused with its line.
 */
import { DataError } from './record.ts'

export interface CsvRow {
  /** The line on which it starts, from 1. */
  readonly line: number
  readonly fields: readonly string[]
}

/** @throws {DataError} for quotes that do not close or stand where they make no sense. */
export function parseCsv(text: string): CsvRow[] {
  return new CsvParser(text).rows()
}

class CsvParser {
  readonly #text: string
  #at = 0
  #line = 1

  constructor(text: string) {
    // Spreadsheets begin UTF-8 files with a byte order mark.
    this.#text = text.replace(/^\uFEFF/, '')
  }

  rows(): CsvRow[] {
    const rows: CsvRow[] = []
    while (this.#at < this.#text.length) {
      const line = this.#line
      const fields = this.#row()
      // An empty line is no record with one empty field.
      if (fields.length > 1 || fields[0] !== '') rows.push({ line, fields })
    }
    return rows
  }

  #row(): string[] {
    const fields: string[] = []
    for (;;) {
      fields.push(this.#text[this.#at] === '"' ? this.#quoted() : this.#plain())
      if (this.#text[this.#at] !== ',') break
      this.#at += 1
    }
    if (this.#text[this.#at] === '\r') this.#at += 1
    if (this.#at < this.#text.length) {
      this.#at += 1
      this.#line += 1
    }
    return fields
  }

  #plain(): string {
    const start = this.#at
    while (this.#at < this.#text.length && !this.#isEnd()) {
      if (this.#text[this.#at] === '"') throw this.#error('a quote inside a field without quotes')
      this.#at += 1
    }
    return this.#text.slice(start, this.#at)
  }

  #quoted(): string {
    const startLine = this.#line
    let field = ''
    for (;;) {
      const close = this.#text.indexOf('"', this.#at + 1)
      if (close < 0) throw new DataError(`line ${startLine}: a quote is never closed`)
      const part = this.#text.slice(this.#at + 1, close)
      this.#line += part.split('\n').length - 1
      field += part
      this.#at = close + 1
      if (this.#text[this.#at] !== '"') break
      field += '"'
    }
    if (this.#at < this.#text.length && !this.#isEnd())
      throw this.#error('text after a closing quote')
    return field
  }

  /** Whether a field ends here. A `\r` alone is part of the field. */
  #isEnd(): boolean {
    const char = this.#text[this.#at]
    return char === ',' || char === '\n' || (char === '\r' && this.#text[this.#at + 1] === '\n')
  }

  #error(what: string): DataError {
    return new DataError(`line ${this.#line}: ${what}`)
  }
}
