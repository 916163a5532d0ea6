/** Text for terminals: colours, widths, numbers. */
import { stripVTControlCharacters } from 'node:util'

const isColoured = process.stdout.isTTY && process.env['NO_COLOR'] === undefined

/** SGR parameters, by what they mean here. */
const looks = {
  plain: '',
  bold: '1',
  dim: '2',
  good: '32',
  warn: '33',
  bad: '1;31',
} as const

/** Colours of the 256-colour palette, one for each node. */
const nodeColours: readonly number[] = [75, 215, 114, 176, 222, 80]

export function tint(text: string, look: keyof typeof looks): string {
  return styled(text, looks[look])
}

export function nodeTint(text: string, index: number): string {
  return styled(text, `1;38;5;${nodeColours[index % nodeColours.length]}`)
}

/** Dark text on the node's colour; where there are no colours, between bars. */
export function nodeBlock(text: string, index: number): string {
  if (!isColoured) return text.replace(/^.|.$/g, '|')
  return styled(text, `38;5;232;48;5;${nodeColours[index % nodeColours.length]}`)
}

function styled(text: string, parameters: string): string {
  return isColoured && parameters !== '' ? `\x1b[${parameters}m${text}\x1b[0m` : text
}

/** Columns that the text takes, escapes aside. */
function widthOf(text: string): number {
  return Array.from(stripVTControlCharacters(text)).length
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)))
}

export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - widthOf(text))) + text
}

/** Cuts to so many columns; escapes are kept, so that no colour leaks. */
export function clip(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  let left = width - 1
  const parts = text.match(escapeOrCharacter) ?? []
  const kept = parts.filter((part) => part.startsWith('\x1b') || left-- > 0)
  return `${kept.join('')}…`
}

const escape = '\x1b'
const escapeOrCharacter = new RegExp(`${escape}\\[[\\d;]*m|.`, 'gu')

/** A bar of so many columns, filled by a share from 0 to 1. */
export function bar(share: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8)
  const partial = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8] ?? ''
  const full = '█'.repeat(Math.floor(eighths / 8)) + partial
  return full + tint('░'.repeat(width - full.length), 'dim')
}

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

export function number(value: number): string {
  return grouped.format(value)
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

export function percent(share: number, digits = 1): string {
  return `${(share * 100).toFixed(digits)} %`
}

export function size(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}
