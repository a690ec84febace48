// The pool with real threads: turns, limits, aborts, idle threads under a virtual clock, and nothing left.

import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { VirtualClock } from './virtual-clock.ts'
import { WorkerFault, WorkerPool, type WorkerPoolOptions } from './worker-pool.ts'

let dir: string
let module: URL
let clock: VirtualClock
let pool: WorkerPool<string, string>
const never = new AbortController().signal

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'pool-'))
  module = pathToFileURL(join(dir, 'work.mjs'))
  writeFileSync(
    module,
    `import { answerTasks } from ${JSON.stringify(new URL('./worker-tasks.ts', import.meta.url).href)}
     answerTasks(async (task) => {
       if (task === 'hang') for (;;) {}
       if (task === 'wait') await new Promise(() => setInterval(() => {}, 1000))
       if (task === 'throw') throw new RangeError('too deep')
       if (task === 'exit') process.exit(3)
       if (task === 'grow') { const kept = []; for (;;) kept.push(new Array(1e5).fill(kept.length)) }
       if (task === 'inflate') { const kept = []; for (;;) if (kept.length < 400) kept.push(new Uint8Array(1e6).fill(1)) }
       if (task === 'print') { console.log('noise'); console.error('noise') }
       if (task === 'env') return JSON.stringify(process.env)
       return 'did ' + task
     })`,
  )
})
afterAll(() => rm(dir, { recursive: true }))
afterEach(async () => {
  await pool.destroy()
  expect(pool.inspect()).toEqual({ running: 0, waiting: 0, workers: 0 })
  expect(clock.pendingTimers).toBe(0)
})

function start(options: Partial<WorkerPoolOptions> = {}): void {
  clock = new VirtualClock()
  pool = new WorkerPool({
    clock,
    module,
    workersMax: 1,
    queueMax: 10,
    queueWeightMax: 100,
    timeoutMs: 1_000,
    idleMs: 5_000,
    memoryMiBMax: 32,
    ...options,
  })
}

function run(
  input: string,
  options: { lane?: string; weight?: number; signal?: AbortSignal } = {},
): Promise<string> {
  return pool.run({
    lane: options.lane ?? 'a',
    input,
    weight: options.weight ?? 1,
    signal: options.signal ?? never,
  })
}

const faultOf = (work: Promise<string>): Promise<unknown> =>
  work.then(
    (value) => expect.fail(`answered ${value}`),
    (error: unknown) => (error instanceof WorkerFault ? error.reason : error),
  )

it('answers, keeps the thread warm, and lets it go when idle', async () => {
  start()
  expect(pool.inspect().workers).toBe(0)
  expect(await run('one')).toBe('did one')
  await clock.advance(4_999)
  expect(await run('two')).toBe('did two')
  expect(pool.inspect()).toEqual({ running: 0, waiting: 0, workers: 1 })
  await clock.advance(5_000)
  while (pool.inspect().workers > 0) await new Promise((next) => setImmediate(next))
})

it('survives what tasks do to their thread', async () => {
  start()
  expect(await faultOf(run('throw'))).toBe('crashed')
  expect(await faultOf(run('exit'))).toBe('crashed')
  expect(await faultOf(run('grow'))).toBe('memory')
  expect(await run('fine')).toBe('did fine')
})

it('ends a task that never returns at its time limit, and begins the next', async () => {
  start()
  const hanging = faultOf(run('hang'))
  const next = run('next', { lane: 'b' })
  await clock.advance(1_000)
  expect(await hanging).toBe('timeout')
  expect(await next).toBe('did next')
})

it('ends a task whose buffers grow beyond the cap, also when the thread starts slowly', async () => {
  start({ timeoutMs: 1e9 })
  let reason: unknown = null
  const growing = faultOf(run('inflate')).then((fault) => {
    reason = fault
  })
  // The first look comes before the thread runs at all.
  await clock.advance(100)
  while (reason === null) {
    await clock.advance(100)
    await new Promise((next) => setImmediate(next))
  }
  await growing
  expect(reason).toBe('memory')
})

it('serves lanes in turn', async () => {
  start()
  const order: string[] = []
  const note = (task: string, lane: string): Promise<unknown> =>
    run(task, { lane }).then(() => order.push(task))
  await Promise.all([note('a1', 'a'), note('a2', 'a'), note('a3', 'a'), note('b1', 'b')])
  expect(order).toEqual(['a1', 'a2', 'b1', 'a3'])
})

it('never lets one lane hold every thread', async () => {
  start({ workersMax: 2 })
  const gone = new AbortController()
  const held = [run('wait', { signal: gone.signal }), run('wait', { signal: gone.signal })].map(faultOf)
  expect(pool.inspect()).toMatchObject({ running: 1, waiting: 1 })
  expect(await run('other', { lane: 'b' })).toBe('did other')
  gone.abort('left')
  expect(await Promise.all(held)).toEqual(['left', 'left'])
})

it('refuses what the queue cannot hold, but takes one task of any weight when empty', async () => {
  start({ queueMax: 1 })
  const gone = new AbortController()
  const running = faultOf(run('wait', { weight: 500, signal: gone.signal }))
  expect(await faultOf(run('heavy'))).toBe('queue-full')
  gone.abort('left')
  await running
  await run('warm')
  const two = [run('one'), run('two')]
  expect(await faultOf(run('three'))).toBe('queue-full')
  expect(await Promise.all(two)).toEqual(['did one', 'did two'])
})

it('begins nothing for a caller that has left, nor after its end', async () => {
  start()
  expect(await faultOf(run('x', { signal: AbortSignal.abort('left') }))).toBe('left')
  expect(pool.inspect().workers).toBe(0)
  const running = faultOf(run('wait'))
  const waiting = faultOf(run('x'))
  await pool.destroy()
  expect([await running, await waiting]).toEqual(['destroyed', 'destroyed'])
  expect(await faultOf(run('late'))).toBe('destroyed')
})

it('lets the process end while a thread is still warm, and prints nothing of its own', () => {
  start()
  const program = `
    import { WorkerPool } from ${JSON.stringify(new URL('./worker-pool.ts', import.meta.url).href)}
    import { systemClock } from ${JSON.stringify(new URL('./clock.ts', import.meta.url).href)}
    const pool = new WorkerPool({ clock: systemClock, module: new URL(${JSON.stringify(module.href)}), workersMax: 1,
      queueMax: 1, queueWeightMax: 9, timeoutMs: 20000, idleMs: 3600000, memoryMiBMax: 32 })
    console.log(await pool.run({ lane: '', input: 'print', weight: 1, signal: new AbortController().signal }))`
  const ended = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    timeout: 60_000,
    encoding: 'utf8',
  })
  expect(ended).toMatchObject({ status: 0, stdout: 'did print\n', stderr: '' })
})

it('hands no environment to its threads', async () => {
  start()
  expect(await run('env')).toBe('{}')
})
