/** A picture of the scene, as lines of text. */
import type { Member } from '../member.ts'
import type { LogLine, Scene } from '../scene.ts'
import {
  bar,
  nodeBlock,
  nodeTint,
  number,
  padEnd,
  padStart,
  percent,
  seconds,
  size,
  tint,
} from './text.ts'
import { transferShare, transferText } from './transfer-line.ts'

const labelWidth = 8
const barWidth = 40
const transferBarWidth = 10
/** In fewer columns the steps stand closer together; then 80 are enough. */
const widthOfSteps = 90

/** The whole scene, with as much of the log as there are rows for. */
export function frame(scene: Scene, room: { columns: number; rows: number }): string[] {
  const upper = [
    title(scene, room.columns),
    '',
    ` ${steps(scene, room.columns)}`,
    '',
    ...dataLines(scene),
    '',
    ...ringLines(scene, room.columns),
    transferLine(scene),
    '',
    ...nodeTable(scene),
    '',
  ]
  const rowsLeft = Math.max(0, room.rows - upper.length)
  const log = rowsLeft === 0 ? [] : scene.log.slice(-rowsLeft)
  return [...upper, ...log.map((line) => ` ${logLine(line)}`)]
}

export function logLine({ atMs, text, tone }: LogLine): string {
  return `${tint(padStart(seconds(atMs), 7), 'dim')}  ${tint(text, tone)}`
}

function title(scene: Scene, columns: number): string {
  const left = ` ${tint('coterie', 'bold')}  processes over TCP, N = 3, R = W = 2, LMDB with fsync`
  return padEnd(left, columns - 9) + padStart(tint(seconds(scene.nowMs), 'dim'), 8)
}

function steps(scene: Scene, columns: number): string {
  const shown = [...scene.steps].map(([name, state]) => {
    if (state === 'done') return tint(`✓ ${name}`, 'good')
    return state === 'running' ? tint(`▶ ${name}`, 'bold') : tint(`· ${name}`, 'dim')
  })
  return shown.join(columns >= widthOfSteps ? '  ' : ' ')
}

function dataLines(scene: Scene): string[] {
  const { data, acknowledged, revised, inFlight, retried } = scene
  const total = data.records.length
  const rate = scene.isWriting ? `${number(scene.rate())}/s` : ''
  const progress = `${number(acknowledged)} of ${number(total)}`
  const details =
    `${number(inFlight)} in flight, ${number(revised)} records written anew, ` +
    `${number(retried)} writes made again`
  return [
    label('data', `${data.source}: ${number(total)} records, ${size(data.bytes)}`),
    label('writes', `${bar(acknowledged / total, barWidth)}  ${progress}  ${tint(rate, 'bold')}`),
    label('', tint(details, 'dim')),
  ]
}

function label(name: string, text: string): string {
  return ` ${tint(padEnd(name, labelWidth), 'dim')} ${text}`
}

/** The newest ring that a node has told of. */
function ringOf(scene: Scene): NonNullable<Member['report']>['ring'] | undefined {
  const rings = scene.fleet.members.flatMap(({ report }) =>
    report === undefined ? [] : [report.ring],
  )
  return rings.toSorted((a, b) => b.epoch - a.epoch)[0]
}

/** One block for each node, as wide as its share. */
function ringLines(scene: Scene, columns: number): string[] {
  const ring = ringOf(scene)
  if (ring === undefined) return [label('ring', tint('not yet', 'dim')), '']
  const width = Math.min(columns - labelWidth - 4, 84)
  const owned = scene.fleet.members.map(({ id }) => ring.owned[id] ?? 0)
  const total = owned.reduce((sum, count) => sum + count, 0)
  let drawn = 0
  let counted = 0
  const blocks = scene.fleet.members.map(({ id, state }, index) => {
    counted += owned[index] ?? 0
    const end = Math.round((counted / total) * width)
    const text = padEnd(`  ${id}${state === 'up' ? '' : ` ${state}`}`, end - drawn).slice(
      0,
      end - drawn,
    )
    drawn = end
    return state === 'up' ? nodeBlock(text, index) : tint(text.replaceAll(' ', '░'), 'dim')
  })
  const owners = ring.n === 1 ? '1 owner' : `${ring.n} owners`
  const facts = `${number(ring.partitions)} partitions with ${owners} each, epoch ${ring.epoch}`
  return [
    label('ring', blocks.join('')),
    label('', tint(`${facts}, balance ${ring.balance.toFixed(2)}`, 'dim')),
  ]
}

function transferLine({ transfer }: Scene): string {
  if (transfer === undefined) return label('transfer', tint('none', 'dim'))
  const text = transferText(transfer)
  return label('transfer', `${bar(transferShare(transfer), transferBarWidth)}  ${text}`)
}

/** With the margin they fit into 80 columns. */
const columnsOfTable: readonly (readonly [string, number])[] = [
  ['node', 5],
  ['pid', 8],
  ['state', 9],
  ['share', 7],
  ['puts', 7],
  ['hints', 7],
  ['delivered', 10],
  ['repairs', 8],
  ['read back', 17],
]

const looksOfStates = {
  starting: 'dim',
  up: 'good',
  killed: 'bad',
  left: 'dim',
  stopped: 'dim',
} as const

/** One row for each node. */
export function nodeTable(scene: Scene): string[] {
  const header = columnsOfTable.map(([name, width], index) => {
    return index < 3 ? padEnd(name, width) : padStart(name, width)
  })
  const rows = scene.fleet.members.map((member, index) => row(scene, member, index))
  return [` ${tint(header.join(''), 'dim')}`, ...rows.map((cells) => ` ${cells}`)]
}

function row(scene: Scene, member: Member, index: number): string {
  const { id, pid, state, report } = member
  const ring = ringOf(scene)
  const total = Object.values(ring?.owned ?? {}).reduce((sum, count) => sum + count, 0)
  const look = looksOfStates[state]
  const owned = ring?.owned[id]
  const isMoving = state === 'up' && report !== undefined && report.stage !== 'normal'
  const hints = report?.hints ?? 0
  const cells = [
    nodeTint(id, index),
    String(pid === 0 ? '' : pid),
    tint(isMoving ? report.stage : state, look),
    owned === undefined || total === 0 ? '' : percent(owned / total),
    number(report?.puts ?? 0),
    hints > 0 ? tint(number(hints), 'warn') : '0',
    number(report?.delivered ?? 0),
    number(report?.repairs ?? 0),
    readBackCell(scene, id),
  ]
  return columnsOfTable
    .map(([, width], i) =>
      i < 3 ? padEnd(cells[i] ?? '', width) : padStart(cells[i] ?? '', width),
    )
    .join('')
}

function readBackCell(scene: Scene, id: string): string {
  const { read, right } = scene.readBack.get(id) ?? { read: 0, right: 0 }
  if (read === 0) return tint('–', 'dim')
  const isRight = read === right
  return tint(`${number(right)} / ${number(read)} ${isRight ? '✓' : '✗'}`, isRight ? 'good' : 'bad')
}
