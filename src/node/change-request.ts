/** What a service asks about a change of the ring, checked against the ring in force. */
import { InvalidArgumentError } from '../base/errors.ts'
import { checkConfiguration, configurationLimits } from '../ring/configuration-check.ts'
import { afterChange, type RingChange } from '../ring/change-plan.ts'
import type { RingConfiguration, RingMember } from '../ring/configuration.ts'
import { describe, refuseUnknown, textProblem, type Problems } from './option-checks.ts'
import { takeoverProblem } from './takeover.ts'

/** A member that would join. */
export interface MemberToAdd {
  /** The id that it would have: where its share lies on the ring follows from it. */
  readonly id: string
  /** @default '', or that of the member whose place it takes */
  readonly zone?: string
  /** @default 1, or that of the member whose place it takes */
  readonly weight?: number
  /** Id of the member whose place it takes, as with the option `replaces` of `createNode`. @default nobody's */
  readonly replaces?: string
}

/** Changes of the ring to look at together. A member may stand in one of the lists only. */
export interface ChangeRequest {
  /** Members that would join. @default none */
  readonly add?: readonly MemberToAdd[]
  /** Ids of members that would leave, or would be removed if they do not answer. @default none */
  readonly remove?: readonly string[]
  /** New weights, by id of the member. @default none */
  readonly reweight?: { readonly [id: string]: number }
  /** New zones, by id of the member. @default none */
  readonly rezone?: { readonly [id: string]: string }
}

const keys = ['add', 'remove', 'reweight', 'rezone']
const addKeys = ['id', 'zone', 'weight', 'replaces']
const idBytesMax = 128

/**
 * The request as a change of the configuration.
 * @param storeOf an identity for the storage of a member that would join.
 * @throws {InvalidArgumentError}
 */
export function readChange(
  asked: ChangeRequest,
  configuration: RingConfiguration,
  storeOf: (id: string) => string,
): RingChange {
  const problems: Problems = []
  if (refuseUnknown(problems, 'change', asked, keys)) {
    checkShape(problems, asked)
    if (problems.length === 0) checkMembers(problems, asked, configuration)
  }
  const [first] = problems
  if (first !== undefined) throw new InvalidArgumentError(first[0], first[1])
  const { add = [], remove = [], reweight = {}, rezone = {} } = asked
  const altered = new Set([...Object.keys(reweight), ...Object.keys(rezone)])
  const newcomer = ({ id, zone = '', weight = 1 }: MemberToAdd): RingMember => {
    return { id, store: storeOf(id), zone, weight, stage: 'normal' }
  }
  const memberOf = (id: string): RingMember | undefined =>
    configuration.members.find((member) => member.id === id)
  const change: RingChange = {
    add: add.filter(({ replaces }) => replaces === undefined).map(newcomer),
    replace: add.flatMap((asking) => {
      const replaced = asking.replaces === undefined ? undefined : memberOf(asking.replaces)
      return replaced === undefined ? [] : [{ member: newcomer(asking), replaced }]
    }),
    remove: configuration.members.filter(({ id }) => remove.includes(id)),
    alter: configuration.members
      .filter(({ id }) => altered.has(id))
      .map((member) => {
        const { id, weight, zone } = member
        return { ...member, weight: reweight[id] ?? weight, zone: rezone[id] ?? zone }
      }),
  }
  const checked = checkConfiguration(afterChange(configuration, change))
  if (typeof checked === 'string') throw new InvalidArgumentError('change', checked)
  return change
}

function checkShape(problems: Problems, asked: ChangeRequest): void {
  const { add, remove, reweight, rezone } = asked as Record<keyof ChangeRequest, unknown>
  const lists = { 'change.add': add, 'change.remove': remove }
  for (const [name, list] of Object.entries(lists)) {
    if (list !== undefined && !Array.isArray(list))
      problems.push([name, `must be a list, not ${describe(list)}`])
  }
  const maps = { 'change.reweight': reweight, 'change.rezone': rezone }
  for (const [name, map] of Object.entries(maps)) {
    const isMap = typeof map === 'object' && map !== null && !Array.isArray(map)
    if (map !== undefined && !isMap)
      problems.push([name, `must be an object by id of the member, not ${describe(map)}`])
  }
}

function checkMembers(
  problems: Problems,
  { add = [], remove = [], reweight = {}, rezone = {} }: ChangeRequest,
  { members }: RingConfiguration,
): void {
  const ids = new Set(members.map(({ id }) => id))
  const going = new Set(remove)
  const coming = new Set<string>()
  const taken = new Set(remove)
  add.forEach((member, i) => {
    const name = `change.add.${i}`
    if (!refuseUnknown(problems, name, member, addKeys)) return
    const problem = textProblem(member.id, idBytesMax)
    if (problem !== undefined) problems.push([`${name}.id`, problem])
    else if (ids.has(member.id) || coming.has(member.id))
      problems.push([`${name}.id`, `is a member already: ${describe(member.id)}`])
    coming.add(member.id)
    if (member.replaces !== undefined) checkTakeover(problems, name, { member, members, taken })
    if (member.weight !== undefined) checkWeight(problems, `${name}.weight`, member.weight)
    if (member.zone !== undefined) checkZone(problems, `${name}.zone`, member.zone)
  })
  const known = (name: string, id: string): void => {
    if (!ids.has(id)) problems.push([name, `is no member of the ring: ${describe(id)}`])
  }
  remove.forEach((id, i) => known(`change.remove.${i}`, id))
  if (remove.length > 0 && members.every(({ id }) => going.has(id)) && add.length === 0)
    problems.push(['change.remove', 'leaves no member'])
  const stays = (name: string, id: string): void => {
    known(name, id)
    if (taken.has(id)) problems.push([name, 'is to be removed or replaced'])
  }
  for (const [id, weight] of Object.entries(reweight)) {
    stays(`change.reweight.${id}`, id)
    checkWeight(problems, `change.reweight.${id}`, weight)
  }
  for (const [id, zone] of Object.entries(rezone)) {
    stays(`change.rezone.${id}`, id)
    checkZone(problems, `change.rezone.${id}`, zone)
  }
}

/** @param asked.taken ids of members that are to go; the one that is replaced becomes one of them. */
function checkTakeover(
  problems: Problems,
  name: string,
  asked: {
    readonly member: MemberToAdd
    readonly members: readonly RingMember[]
    readonly taken: Set<string>
  },
): void {
  const { id, zone, weight, replaces = '' } = asked.member
  const problem = takeoverProblem(asked.members, { id, replaces, zone, weight })
  if (problem !== undefined) problems.push([`${name}.${problem[0]}`, problem[1]])
  else if (asked.taken.has(replaces))
    problems.push([`${name}.replaces`, `"${replaces}" is to be removed or replaced already`])
  asked.taken.add(replaces)
}

function checkWeight(problems: Problems, name: string, weight: unknown): void {
  const { weightMin, weightMax } = configurationLimits
  if (typeof weight === 'number' && weight >= weightMin && weight <= weightMax) return
  problems.push([name, `must be a number from 1/128 to ${weightMax}, not ${describe(weight)}`])
}

function checkZone(problems: Problems, name: string, zone: unknown): void {
  const problem = zone === '' ? undefined : textProblem(zone, idBytesMax)
  if (problem !== undefined) problems.push([name, problem])
}
