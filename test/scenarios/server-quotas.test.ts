// Tokens a minute and a day through the whole server: whoever has used up its own is told when to come back, exactly; nobody else
// notices; no restart gives anything back; and what is refused, cancelled or failed costs nothing.

import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test, vi } from 'vitest'
import { VirtualClock } from '../../src/lib/virtual-clock.ts'
import { until } from '../support/mcp-composition.ts'
import { admitPerson, expelPerson } from '../support/people.ts'
import { type ServerFixture, withServer } from '../support/server-fixture.ts'
import type { Window, WindowAnswer } from '../support/window-call.ts'

const dayMs = 86_400_000
const model = 'glm-5.2'
const yaml = 'providers: { glm: { concurrency: 1 } }\n'
const patiently = { timeout: 60_000, interval: 20 }

interface QuotaRefusal {
  readonly used: number
  readonly retryAfterMs: number
}

const refusalOf = ({ meta }: WindowAnswer): QuotaRefusal => meta['exai/refusal'] as QuotaRefusal

let asked = 0
const ask = (window: Window): Promise<WindowAnswer> =>
  window.ask('chat', { model, prompt: `Question ${++asked}: how many are there?` })

/** Asks until it is refused; how often it was answered before, and the refusal. */
async function useUp(window: Window): Promise<{ readonly answered: number; readonly refused: WindowAnswer }> {
  for (let answered = 0; answered < 50; answered++) {
    const answer = await ask(window)
    if (answer.isError) return { answered, refused: answer }
  }
  throw new Error('it was never refused')
}

const books = ({ server }: ServerFixture) =>
  (server.inspect() as { budgets: { reservations: number; quotas: Record<string, { used: number }> } })
    .budgets

const usedOf = (server: ServerFixture, account: string): number => books(server).quotas[account]?.used ?? 0

const chats = ({ simulator }: ServerFixture): number => simulator.stats(0).glm.requests.chat ?? 0

function tokensInLedger(dataDir: string, principal: string): number {
  const database = new DatabaseSync(join(dataDir, 'exai.db'))
  try {
    const sum = database
      .prepare('SELECT sum(input_tokens + output_tokens) AS tokens FROM ledger WHERE principal = ?')
      .get(principal)
    return Number(sum?.tokens ?? 0)
  } finally {
    database.close()
  }
}

describe('the tokens of a day', () => {
  test('used up by one person are refused to the day, over a restart, and no other person notices', async () => {
    const clock = new VirtualClock()
    const kept = mkdtempSync(join(tmpdir(), 'exai-kept-'))
    const keys: Record<string, string> = {}
    let told = { used: 0 }
    const open = async (server: ServerFixture, name: string): Promise<Window> =>
      server.window('modern', `window-${name}`, { key: keys[name] ?? '' })
    const expectRefused = (answer: WindowAnswer): void => {
      expect(answer).toMatchObject({
        status: 200,
        isError: true,
        text: expect.stringMatching(
          new RegExp(
            `^Your key may use 600 tokens a day and has used ${told.used}; this job may take \\d+\\. It begins anew on 1970-01-02 \\(UTC\\), in `,
          ),
        ),
      })
      expect(answer.meta['exai/refusal']).toEqual({
        reason: 'rate-limited',
        scope: 'principal',
        dimension: 'tokens a day',
        limit: 600,
        used: told.used,
        retryAfterMs: dayMs - clock.wallMs(),
        advice: 'wait',
      })
    }
    try {
      const prepare = async (dataDir: string): Promise<void> => {
        for (const name of ['anna', 'bert'])
          keys[name] = await admitPerson(dataDir, name, { tokensPerDay: 600 })
      }
      await withServer({ yaml, clock, prepare }, async (server) => {
        const data = join(server.home, 'data')
        const [anna, bert] = [await open(server, 'anna'), await open(server, 'bert')]
        const { answered, refused } = await useUp(anna)
        told = refusalOf(refused)
        expect(answered).toBeGreaterThan(0)
        expectRefused(refused)
        // The books hold what the vendor counted, and a refusal asks no vendor.
        expect(told.used).toBe(tokensInLedger(data, 'anna'))
        expect(usedOf(server, 'principal tokens day anna')).toBe(told.used)
        expect(chats(server)).toBe(answered)
        expect((await ask(bert)).isError).toBe(false)
        const left = new RegExp(
          `This key has ${Math.max(0, 600 - told.used)} of 600 tokens left today \\(UTC\\)`,
        )
        expect((await anna.ask('status', {})).text).toMatch(left)
        expect((await anna.ask('usage', {})).text).toMatch(left)
        // As a kill would leave them: the server still runs.
        await vi.waitFor(() => {
          for (const name of ['keys.json', 'budgets.json']) copyFileSync(join(data, name), join(kept, name))
          const state = JSON.parse(readFileSync(join(kept, 'budgets.json'), 'utf8'))
          expect(state['principal tokens day anna'].spent).toBe(told.used)
        }, patiently)
      })

      const restore = async (dataDir: string): Promise<void> => {
        mkdirSync(dataDir, { recursive: true })
        for (const name of ['keys.json', 'budgets.json']) copyFileSync(join(kept, name), join(dataDir, name))
      }
      await withServer({ yaml, clock, prepare: restore }, async (server) => {
        // Nothing has been seen of outputs in this life, so the whole quota is asked for; a day must pass all the same.
        const answer = await ask(await open(server, 'anna'))
        expectRefused(answer)
        await clock.advance(refusalOf(answer).retryAfterMs - 0.5)
        expectRefused(await ask(await open(server, 'anna')))
        await clock.advance(0.5)
        expect((await ask(await open(server, 'anna'))).isError).toBe(false)
        expect(chats(server)).toBe(1)
      })
    } finally {
      rmSync(kept, { recursive: true, force: true })
    }
  })

  test('are more as soon as the key says so', async () => {
    const clock = new VirtualClock()
    let key = ''
    const prepare = async (dataDir: string): Promise<void> => {
      key = await admitPerson(dataDir, 'anna', { tokensPerDay: 600 })
    }
    await withServer({ yaml, clock, prepare }, async (server) => {
      const { refused } = await useUp(await server.window('modern', 'window-before', { key }))
      const data = join(server.home, 'data')
      await expelPerson(data, 'anna')
      key = await admitPerson(data, 'anna', { tokensPerDay: 100_000 })
      const after = await server.window('modern', 'window-after', { key })
      await vi.waitFor(async () => {
        await clock.advance(500)
        expect((await after.ask('status', {})).text).toContain(
          `This key has ${100_000 - refusalOf(refused).used} of 100000 tokens left today (UTC)`,
        )
      }, patiently)
      expect((await ask(after)).isError).toBe(false)
    })
  })

  test('counted by a clock that was ahead are those of today, not of the day that it said; the log says so once', async () => {
    const clock = new VirtualClock()
    const keys: Record<string, string> = {}
    const prepare = async (dataDir: string): Promise<void> => {
      keys.anna = await admitPerson(dataDir, 'anna', { tokensPerDay: 600 })
      const kept = { 'principal tokens day anna': { kind: 'period', period: 400, spent: 600 } }
      writeFileSync(join(dataDir, 'budgets.json'), JSON.stringify(kept))
    }
    await withServer({ yaml, clock, prepare }, async (server) => {
      const anna = await server.window('modern', 'window-anna', { key: keys.anna ?? '' })
      expect((await ask(anna)).text).toMatch(/has used 600; .* It begins anew on 1970-01-02 /)
      await clock.advance(dayMs - clock.wallMs())
      expect((await ask(anna)).isError).toBe(false)
      expect(server.log().match(/was put back by 400 days/g)).toHaveLength(1)
    })
  })
})

describe('the tokens of a minute', () => {
  test('refuse one window until the moment they name, take nothing from its key and team, and let another through', async () => {
    const clock = new VirtualClock()
    let key = ''
    const prepare = async (dataDir: string): Promise<void> => {
      key = await admitPerson(dataDir, 'anna', {
        team: 'blue',
        tokensPerMinute: 60_000,
        tokensPerDay: 80_000,
      })
    }
    const limits = 'limits: { client: { tokensPerMinute: 600 } }\nteams: { blue: { tokensPerDay: 90000 } }\n'
    await withServer({ yaml: `${yaml}${limits}`, clock, prepare }, async (server) => {
      const first = await server.window('modern', 'window-first', { key })
      const { answered, refused } = await useUp(first)
      expect(refused).toMatchObject({
        isError: true,
        text: expect.stringMatching(
          /^Your window \(window-first\) may use 600 tokens a minute and has used \d+; this job may take \d+\. Try again in \d+ seconds?/,
        ),
        meta: {
          'exai/refusal': { scope: 'client', dimension: 'tokens a minute', limit: 600, advice: 'wait' },
        },
      })
      const before = JSON.stringify(books(server))
      for (let again = 0; again < 5; again++) expect((await ask(first)).isError).toBe(true)
      expect(JSON.stringify(books(server))).toBe(before)
      const total = tokensInLedger(join(server.home, 'data'), 'anna')
      expect(usedOf(server, 'principal tokens day anna')).toBe(total)
      expect(usedOf(server, 'team tokens day blue')).toBe(total)
      const second = await server.window('modern', 'window-second', { key })
      expect((await ask(second)).isError).toBe(false)

      const last = await ask(first)
      await clock.advance(refusalOf(last).retryAfterMs - 0.5)
      expect((await ask(first)).isError).toBe(true)
      await clock.advance(0.5)
      expect((await ask(first)).isError).toBe(false)
      expect(chats(server)).toBe(answered + 2)
    })
  })

  test('are given back by a job that finds no place in the queue, and one that is cancelled there; of one whose vendor was silent until then its input stays, which may be billed', async () => {
    const principal =
      'limits: { principal: { tokensPerMinute: 60000, tokensPerDay: 100000 }, queue: { perClient: 1 } }\n'
    const clock = new VirtualClock()
    const account = 'principal tokens day local'
    const simulator = { glm: { gate: 'closed', concurrency: 1 } } as const
    await withServer({ yaml: `${yaml}${principal}`, simulator, clock }, async (server) => {
      const [one, two] = [
        await server.window('modern', 'window-one'),
        await server.window('modern', 'window-two'),
      ]
      const holder = one.call('chat', { model, prompt: 'I hold the slot.' })
      await until(() => server.simulator.stats(0).glm.inFlight === 1, 'it is at the vendor')
      const alone = usedOf(server, account)
      expect(alone).toBeGreaterThan(0)
      const waiter = two.call('chat', { model, prompt: 'I wait behind it.' })
      await until(() => books(server).reservations === 2, 'both are set aside')
      const both = usedOf(server, account)
      expect(both).toBeGreaterThan(alone)
      expect((await ask(two)).meta).toMatchObject({ 'exai/refusal': { reason: 'queue-full' } })
      expect([books(server).reservations, usedOf(server, account)]).toEqual([2, both])
      await waiter.cancel()
      await until(() => books(server).reservations === 1, 'one is given back')
      expect(usedOf(server, account)).toBe(alone)
      await holder.cancel()
      await until(() => books(server).reservations === 0, 'what it would have answered is given back')
      const input = usedOf(server, account)
      expect(input).toBeGreaterThan(0)
      expect(input).toBeLessThan(alone / 10)
      await until(() => server.inspect().calls.inFlight === 0, 'both are over')
      // The vendor may still be at what was cut: its slot comes back a little later.
      await vi.waitFor(async () => {
        await clock.advance(1_000)
        expect(server.inspect().groups[`glm/main ${model}`]?.held).toBe(0)
      }, patiently)
    })
  })
})
