// `npm run bench:admission`: what admission costs, on the machine's own clock. The last line is JSON; the exit code is 1 when a budget
// is exceeded. Each number is the median of several rounds. Numbers for which the machine was never quiet enough are not given: then
// the last line says `unmeasured`, and the exit code is 3.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { FrontDoor } from '../src/admission/front-door.ts'
import { toGroupPlan } from '../src/admission/group-plan.ts'
import type { Lease, LeaseRequest } from '../src/admission/lease.ts'
import { PenaltyBox } from '../src/admission/penalty-box.ts'
import type { Quota } from '../src/admission/quota.ts'
import { QuotaGroup } from '../src/admission/quota-group.ts'
import { QuotaBook } from '../src/admission/reserve.ts'
import type { Identity } from '../src/domain/identity.ts'
import { identityOf } from '../src/domain/identity-of.ts'
import { isRefusal } from '../src/domain/refusal.ts'
import { systemClock } from '../src/lib/clock.ts'
import { systemRandom } from '../src/lib/random.ts'
import { quietly, Unmeasured } from './quiet.ts'

const rounds = 7
const frontDoorBudgetMicros = 3
const jobBudgetMicros = 25

const identities: readonly Identity[] = Array.from({ length: 200 }, (_, i) =>
  identityOf(`principal-${i % 20}`, `window-${i}`, { team: `team-${i % 3}`, label: `window ${i}` }),
)

function pick<Value>(values: readonly Value[], index: number): Value {
  const value = values[index % values.length]
  if (value === undefined) throw new Error('nothing to pick from')
  return value
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}

function newDoor(clientsMax: number): FrontDoor {
  const roomy = { requestsPerMinute: 1e9, burst: 1e9, concurrency: 1e6 }
  return new FrontDoor({
    clock: systemClock,
    client: roomy,
    principal: roomy,
    team: roomy,
    penaltyBox: new PenaltyBox(systemClock, 1000),
    clientsMax,
    clientIdleMs: 600_000,
  })
}

/** CPU microseconds of one pass of the front door: admit and release, at three levels. */
function frontDoor(): number {
  const door = newDoor(1000)
  const passes = 100_000
  const start = process.cpuUsage()
  for (let i = 0; i < passes; i++) {
    const permit = door.admit(pick(identities, i * 7))
    if (isRefusal(permit)) throw new Error(permit.message)
    permit.release()
  }
  const { user, system } = process.cpuUsage(start)
  return (user + system) / passes
}

const quotas: readonly Quota[] = [
  { scope: 'principal', unit: 'tokens', period: 'minute', limit: 1e12 },
  { scope: 'principal', unit: 'micro-dollars', period: 'month', limit: 1e12 },
  { scope: 'team', unit: 'micro-dollars', period: 'month', limit: 1e12 },
]
const amounts = { tokens: 2000, 'micro-dollars': 900 }

function newGroup(slots: number): QuotaGroup {
  return new QuotaGroup({
    ...toGroupPlan({ per: 'account', concurrency: { default: slots, byModel: {} } }).group(''),
    name: 'bench',
    clock: systemClock,
    random: systemRandom,
  })
}

function request(index: number, signal: AbortSignal): LeaseRequest {
  const { principal, client } = pick(identities, index)
  return {
    principal,
    client: client ?? '',
    class: 'interactive',
    inputTokens: 1000,
    outputTokensMax: 1000,
    bytes: 4000,
    deadlineAt: systemClock.now() + 240_000,
    signal,
    onPlace: () => undefined,
  }
}

/** CPU microseconds of a job that has to wait: reserved, queued among 200, granted, settled, with its signal and deadline. */
async function job(): Promise<number> {
  const group = newGroup(8)
  const book = new QuotaBook({ clock: systemClock, graceMs: 5000, accountsMax: 1000 })
  const jobs = 20_000
  let done = 0
  const runOne = async (index: number): Promise<void> => {
    const identity = pick(identities, index)
    const reservation = book.reserve(identity, quotas, amounts, systemClock.now() + 240_000)
    if (isRefusal(reservation)) throw new Error(reservation.message)
    const lease = await group.acquire(request(index, new AbortController().signal))
    if (isRefusal(lease)) throw new Error(lease.message)
    // The slot is held over a turn of the loop, so that the others wait.
    await Promise.resolve()
    lease.release({ inputTokens: 1000, outputTokens: 500 })
    reservation.settle({ tokens: 1500, 'micro-dollars': 700 })
    done++
  }
  const start = process.cpuUsage()
  await Promise.all(
    identities.map(async (_, worker) => {
      for (let n = 0; n < jobs / identities.length; n++) await runOne(worker)
    }),
  )
  const { user, system } = process.cpuUsage(start)
  if (done !== jobs || group.inFlight + group.waiting + book.open > 0) throw new Error('something is left')
  return (user + system) / jobs
}

/** Milliseconds that admission adds to a job that need not wait, at the 99th percentile. */
async function addedP99(): Promise<number> {
  const group = newGroup(8)
  const door = newDoor(1000)
  const added: number[] = []
  for (let i = 0; i < 20_000; i++) {
    const start = performance.now()
    const permit = door.admit(pick(identities, i))
    const lease = await group.acquire(request(i, new AbortController().signal))
    if (isRefusal(permit) || isRefusal(lease)) throw new Error('refused on an idle server')
    lease.release()
    permit.release()
    added.push(performance.now() - start)
  }
  return added.sort((a, b) => a - b)[Math.floor(added.length * 0.99)] ?? Number.NaN
}

/** KiB of memory of a client that has called once and is idle: at the door and in one group's queue. */
async function idleClient(): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const clients = 20_000
  const door = newDoor(clients + 1)
  const group = newGroup(8)
  const { signal } = new AbortController()
  collect()
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < clients; i++) {
    const identity: Identity = identityOf(`principal-${i % 200}`, `client-${i}`, { label: `label ${i}` })
    const permit = door.admit(identity)
    const lease: Lease | { kind: 'refusal' } = await group.acquire({
      ...request(i, signal),
      principal: identity.principal,
      client: identity.client ?? '',
    })
    if (isRefusal(permit) || !('release' in lease)) throw new Error('refused on an idle server')
    lease.release()
    permit.release()
  }
  collect()
  const after = process.memoryUsage().heapUsed
  if (door.inFlight + group.inFlight > 0) throw new Error('something is left')
  return (after - before) / clients / 1024
}

async function medianOf(measure: () => number | Promise<number>): Promise<number> {
  await measure()
  const values: number[] = []
  for (let round = 0; round < rounds; round++) values.push(await measure())
  return median(values)
}

const round = (value: number): number => Number(value.toFixed(3))
const quiet = (name: string, measure: () => Promise<number>): Promise<number> =>
  quietly(name, false, measure).catch(unmeasured)

function unmeasured(cause: unknown): never {
  if (!(cause instanceof Unmeasured)) throw cause
  console.log(JSON.stringify({ bench: 'admission', unmeasured: true }))
  process.exit(3)
}

const result = {
  bench: 'admission',
  frontDoorMicros: round(await quiet('front door', () => medianOf(frontDoor))),
  jobMicros: round(await quiet('job', () => medianOf(job))),
  addedP99Ms: round(await quiet('added wait', () => medianOf(addedP99))),
  idleClientKiB: round(await idleClient()),
}
console.log(
  `front door: budget ${frontDoorBudgetMicros} us; a queued job's whole admission: budget ${jobBudgetMicros} us CPU`,
)
if (result.frontDoorMicros > frontDoorBudgetMicros || result.jobMicros > jobBudgetMicros) {
  console.error('a budget is exceeded')
  process.exitCode = 1
}
console.log(JSON.stringify(result))
