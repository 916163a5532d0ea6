/** A table in Markdown, with how much a figure grows from row to row. */

/** The cells of a row, as many as there are columns. */
export type Row = readonly string[]

/** Prints the table under its title, columns aligned to the right. */
export function printTable(title: string, columns: Row, rows: readonly Row[]): void {
  const widths = columns.map((column, i) =>
    Math.max(column.length, 2, ...rows.map((row) => row[i]!.length)),
  )
  const line = (row: Row): string =>
    `| ${row.map((cell, i) => cell.padStart(widths[i]!)).join(' | ')} |`
  const rule = `|${widths.map((width) => `${'-'.repeat(width + 1)}:`).join('|')}|`
  console.log(`\n${title}\n\n${[line(columns), rule, ...rows.map(line)].join('\n')}`)
}

/** How many times the figure of the row before, which is undefined in the first row. */
export function growth(value: number, before: number | undefined): string {
  if (before === undefined || before === 0) return ''
  return `× ${(value / before).toFixed(value / before < 10 ? 1 : 0)}`
}

/** A count with its thousands kept apart. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en')
}

/** Milliseconds with three digits or so. */
export function shownMs(ms: number): string {
  return ms < 1 ? ms.toFixed(3) : ms < 100 ? ms.toFixed(1) : whole(ms)
}

/** Bytes, from a thousand on as kB, from a million on as MB. */
export function shownBytes(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} B`
  const [size, unit] = bytes < 1e6 ? [bytes / 1e3, 'kB'] : [bytes / 1e6, 'MB']
  return `${size < 100 ? size.toFixed(1) : whole(size)} ${unit}`
}

/** Names as nodes draw them: hexadecimal digits, the same for one text, different for another. */
export function hexOf(text: string, digits: number): string {
  let hex = ''
  for (let part = 0; hex.length < digits; part++) {
    let hash = 0x811c_9dc5 ^ part
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193)
    hash = Math.imul(hash ^ (hash >>> 15), 0x85eb_ca6b)
    hex += ((hash ^ (hash >>> 13)) >>> 0).toString(16).padStart(8, '0')
  }
  return hex.slice(0, digits)
}
