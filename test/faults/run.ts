// `npm run test:faults`: every fault of the simulator meets a call of a window through the whole server, once, for as long as it lasts,
// and for as long as it lasts with nobody else to go to. Prints a matrix by rule: who answers after which attempts, who counted
// their tokens, what the window's model and the operator are told, and that nothing stays taken; exits 1 where a row is not as its
// rule says, or a fault has no rule. Then a total outage, and what it makes of two hundred calls.
// `--only NAME,NAME`: rules or faults, or `outage`. `--sabotage`: plants faults into the server that must be found.

import { parseArgs } from 'node:util'
import { faultTables } from '../../simulator/fault-table.ts'
import { type Vendor, vendors } from '../../simulator/vendors.ts'
import { nothingLeftOpen, openHandles } from '../support/leftovers.ts'
import { differences, inRuns, type Wholes } from './compare.ts'
import type { Meeting } from './fault-server.ts'
import { meet, otherOf, situations, strikesOf, wholeOf } from './meet.ts'
import { totalOutage } from './outage.ts'
import type { Errand, Rule } from './rule.ts'
import { rules, unmet } from './rules.ts'
import { sabotage } from './sabotage.ts'

const { values } = parseArgs({
  options: { only: { type: 'string' }, sabotage: { type: 'boolean', default: false } },
})
const only = values.only?.split(',') ?? null
const atOnce = 8
const toldChars = 240

interface Row {
  readonly lines: readonly string[]
  readonly wrong: readonly string[]
}

const print = (text: string): void => void process.stdout.write(`${text}\n`)
const isWanted = (...names: readonly string[]): boolean =>
  only === null || names.some((name) => only.includes(name))

/** Runs `work` over all, a few at a time; the results can be awaited in order while later ones are being made. */
function eachOf<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): readonly Promise<Result>[] {
  const running = new Set<Promise<unknown>>()
  let before: Promise<unknown> = Promise.resolve()
  return items.map((item) => {
    const begun = before.then(async () => {
      while (running.size >= atOnce) await Promise.race(running)
      const result = work(item)
      const ended: Promise<unknown> = result.then(
        () => running.delete(ended),
        () => running.delete(ended),
      )
      running.add(ended)
      return { result }
    })
    before = begun
    return begun.then(({ result }) => result)
  })
}

function toLine(label: string, { outcome, attempts, operator, left, tookMs }: Meeting): string {
  const said = inRuns(attempts).map(({ what, count }) => (count === 1 ? what : `${what} x${count}`))
  const micros = attempts.reduce((sum, { nanoUsd }) => sum + nanoUsd, 0) / 1_000
  return `    ${label.padEnd(8)}${outcome}, ${(tookMs / 1_000).toFixed(0)} s | ${said.join(', ')} | ${micros.toFixed(1)} micro-dollars | operator: ${operator.join(', ') || 'nothing'} | left ${left.length}`
}

const quoted = (text: string): string => {
  const line = text.replace(/\s+/g, ' ')
  return line.length > toldChars ? `${line.slice(0, toldChars)}…` : line
}

async function rowOf(rule: Rule, vendor: Vendor, fault: string, wholes: Wholes): Promise<Row> {
  const errand: Errand = rule.errand ?? 'chat'
  const lines = [`  ${vendor} ${fault}: ${faultTables[vendor][fault]?.about ?? 'unknown'}`]
  const wrong: string[] = []
  let told = ''
  for (const situation of situations) {
    if (situation !== 'lasting' && rule[situation] === rule.lasting) continue
    const meeting = await meet(vendor, fault, errand, situation)
    const answerer = rule[situation].outcome === 'O answers' ? otherOf[vendor] : vendor
    const whole = wholes.get(`${answerer} ${errand}`) ?? null
    lines.push(toLine(situation, meeting))
    const found = differences(meeting, rule[situation], vendor, whole)
    if (found.length > 0)
      wrong.push(
        `${vendor} ${fault} (${rule.name}), ${situation}: ${found.join('; ')} [${quoted(meeting.text)}]`,
      )
    told = meeting.text
  }
  lines.push(`    model:  ${quoted(told)}`)
  return { lines, wrong }
}

/** Faults without a rule, in two rules, or in a rule and not in the simulator. */
function unruled(): readonly string[] {
  const wrong: string[] = []
  for (const vendor of vendors) {
    const ruled = [
      ...rules.flatMap(({ faults }) => faults[vendor] ?? []),
      ...unmet.filter((each) => each.vendor === vendor).map(({ fault }) => fault),
    ]
    for (const fault of Object.keys(faultTables[vendor])) {
      const count = ruled.filter((each) => each === fault).length
      if (count !== 1) wrong.push(`${vendor} ${fault} stands in ${count} rules, not in one`)
    }
    for (const fault of ruled) {
      if (!(fault in faultTables[vendor])) wrong.push(`${vendor} ${fault}: the simulator has no such fault`)
    }
  }
  return wrong
}

async function outage(): Promise<{ readonly wrong: readonly string[]; readonly ratios: readonly number[] }> {
  const { attempts, firstAttempts, floor, left } = await totalOutage()
  const ratio = attempts / firstAttempts
  const beside = (attempts - floor) / firstAttempts
  print(
    `\nTotal outage: ${firstAttempts} first attempts, ${attempts} attempts: ${ratio.toFixed(3)}; beside the ${floor.toFixed(0)} that the floor of 10 a minute allows ${beside.toFixed(3)} (at most 1.2).`,
  )
  const wrong: string[] = []
  if (firstAttempts < 200) wrong.push(`outage: ${firstAttempts} first attempts, not 200`)
  // A sum of fifths in binary is not quite whole.
  if (beside > 1.2 + 1e-6) wrong.push('outage: the retry budget let it multiply attempts')
  if (left.length > 0) wrong.push(`outage: left: ${left.join(', ')}`)
  return { wrong, ratios: [ratio, beside] }
}

async function matrix(): Promise<number> {
  const startedAt = performance.now()
  const handles = openHandles()
  const wrong: string[] = [...unruled()]
  const wholes = new Map<string, Awaited<ReturnType<typeof wholeOf>>>()
  for (const vendor of vendors) {
    for (const errand of ['chat', 'search', 'document'] as const)
      wholes.set(`${vendor} ${errand}`, await wholeOf(vendor, errand))
  }
  let good = 0
  const meetings = rules.flatMap((rule) =>
    vendors
      .flatMap((vendor) => (rule.faults[vendor] ?? []).map((fault) => ({ rule, vendor, fault })))
      .filter(({ vendor, fault }) => fault in faultTables[vendor] && isWanted(rule.name, fault)),
  )
  let rows = meetings.length
  const results = eachOf(meetings, ({ rule, vendor, fault }) => rowOf(rule, vendor, fault, wholes))
  for (const [index, { rule }] of meetings.entries()) {
    const row = await results[index]
    if (row === undefined) continue
    if (meetings[index - 1]?.rule !== rule) print(`\n${rule.name}. ${rule.why}`)
    if (row.wrong.length === 0) good++
    for (const line of row.lines) print(line)
    if (row.wrong.length > 0) print('    NOT AS EXPECTED, see below')
    wrong.push(...row.wrong)
  }
  for (const { vendor, fault, why } of unmet.filter((each) => isWanted(each.fault))) {
    const strikes = await strikesOf(vendor, fault)
    rows++
    print(`\n  ${vendor} ${fault}: no job of ours can meet it: ${why}.`)
    if (strikes === 0) good++
    else wrong.push(`${vendor} ${fault} has struck: give it a rule`)
  }
  const ended = isWanted('outage') ? await outage() : { wrong: [], ratios: [] }
  wrong.push(...ended.wrong)
  await nothingLeftOpen(handles).catch((error: Error) => wrong.push(error.message))
  print('')
  for (const each of wrong) print(`Not as expected: ${each}`)
  const [attemptsPerFirst, besideFloor] = ended.ratios.map((ratio) => Number(ratio.toFixed(3)))
  const seconds = Math.round((performance.now() - startedAt) / 1_000)
  print(JSON.stringify({ bench: 'faults', rows, asExpected: good, attemptsPerFirst, besideFloor, seconds }))
  return wrong.length === 0 ? 0 : 1
}

process.exitCode = values.sabotage ? sabotage() : await matrix()
