// Every fault of a vendor that can meet a chat, seen by a window of the whole server, once and without end.

import { afterEach, beforeEach, expect, test } from 'vitest'
import { faultTables } from '../../simulator/fault-table.ts'
import type { Vendor } from '../../simulator/vendors.ts'
import { checkSentence, FaultTrial, mark, words } from './fault-trial.ts'
import { fixtureKeys } from './server-fixture.ts'

const models: Readonly<Record<Vendor, string>> = { glm: 'glm-5.2', kimi: 'kimi-k3' }

/** What a window must not notice: the answer is whole at the first attempt. */
const harmless = new Set([
  'slow-first-byte',
  'idle-gap',
  'finish-without-done',
  'done-without-finish',
  'choices-null',
  'usage-missing',
  'usage-absurd',
  'usage-twice',
  'sse-comments',
  'sse-crlf',
  'slow-drip',
  'finish-unknown',
  'cut-after-finish',
  'glued-whole',
  // A chat without search has nothing that these could strike.
  'search-count',
  'search-empty',
  'search-no-link',
])
/** The vendor asks for a tool that nobody offered: what it said besides is the answer. */
const oddButWhole = new Set(['tool-arguments-invalid', 'tool-arguments-empty', 'tool-finish-stop'])

/** Lets every fault of the vendor that can meet a chat strike one. */
export function strikeChats(vendor: Vendor): void {
  let trial: FaultTrial
  beforeEach(async () => {
    trial = await FaultTrial.start()
  })
  afterEach(() => trial.stop())

  const chatFaults = Object.entries(faultTables[vendor])
    .filter(([, { operations }]) => operations === undefined || operations.includes('chat'))
    .map(([name]) => name)
  // Asked for by its own name, a model gets no other.
  const chat = () => trial.window.call('chat', { model: models[vendor], prompt: `${words} ${mark}` })

  test.each(chatFaults)('%s in a chat', async (name) => {
    if (harmless.has(name) || oddButWhole.has(name) || name === 'length') {
      const { answer, count } = await trial.struck(vendor, name, 1, chat)
      expect({ isError: answer.isError, count }).toEqual({ isError: false, count: 1 })
      expect(answer.text).not.toBe('')
      if (harmless.has(name)) expect(answer.text).toContain(mark)
      expect(answer.text.includes('The model reached its output limit: the answer is incomplete.')).toBe(
        name === 'length',
      )
    } else await trial.checkFault(vendor, name, chat)
    // The next window finds the slot free and, an hour later at the latest, the vendor well.
    await trial.heal(name)
    expect(await trial.window.ask('chat', { model: models[vendor], prompt: mark })).toMatchObject({
      isError: false,
    })
  })

  test('a vendor that repeats the key, the account and the organisation is not quoted with them', async () => {
    const key = fixtureKeys[vendor]
    for (const name of vendor === 'glm' ? ['code-1305', 'dead-key'] : ['overloaded', 'dead-key']) {
      const message = `Your account org-9f8e7d6c5b4a3210 / proj-0123456789abcdef<ak-abcdef0123456789> with key ${key} (Authorization: Bearer ${key}) is not welcome`
      trial.server.simulator.control({ [vendor]: { faults: [{ name, times: null, message }] } })
      const answer = await trial.outlasted(chat(), vendor)
      checkSentence(answer, vendor)
      trial.noSecrets(answer)
      for (const text of [answer.text, trial.server.log()]) {
        expect(text).not.toMatch(/9f8e7d6c5b4a3210|0123456789abcdef|abcdef0123456789/)
      }
    }
  })
}
