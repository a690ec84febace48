// Faults of vendors that meet a search, seen by a window of the whole server: the other vendor searches instead, or a sentence tells of
// both. And what of a failed call is written down. Chats: `server-faults-glm.test.ts`, `server-faults-kimi.test.ts`.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { checkSentence, FaultTrial, mark, words } from '../support/fault-trial.ts'

let trial: FaultTrial
beforeEach(async () => {
  trial = await FaultTrial.start()
})
afterEach(() => trial.stop())

describe('a search', () => {
  const search = () => trial.window.call('web_search', { query: mark })
  const everywhere = ['reset-mid-stream', 'html-502', 'empty-body', 'garbled-body', 'stalled-first-byte']

  test.each(['code-1701', 'code-1703', 'error-in-200', ...everywhere])(
    '%s at GLM for as long as it lasts: Kimi searches instead',
    async (name) => {
      const { answer, count } = await trial.struck('glm', name, null, search)
      expect(answer).toMatchObject({ isError: false, text: expect.stringContaining('Searched by kimi.') })
      expect(count).toBeGreaterThanOrEqual(1)
      expect(count).toBeLessThanOrEqual(name === 'code-1701' ? 33 : 2)
      await trial.nothingKept('kimi')
    },
  )

  test.each(everywhere)('%s at both: a sentence that tells of both', async (name) => {
    trial.server.simulator.control({ kimi: { faults: [{ name, times: null }] } })
    const { answer, count } = await trial.struck('glm', name, null, search)
    const { code } = checkSentence(answer, 'kimi')
    if (code !== 'deadline') expect(answer.text).toMatch(/Tried before it: .*glm\/main/)
    // A silent vendor is left at once; one that failed quickly is asked again.
    expect(count).toBe(name === 'stalled-first-byte' ? 1 : 2)
    expect(trial.asked('kimi')).toBeGreaterThanOrEqual(1)
    expect(trial.asked('kimi')).toBeLessThanOrEqual(2)
    await trial.nothingKept('kimi')
  })

  test('without a result is an answer that says so', async () => {
    trial.server.simulator.control({ glm: { faults: [{ name: 'search-empty', times: 1 }] } })
    const answer = await trial.window.ask('web_search', { query: mark })
    expect(answer).toMatchObject({
      isError: false,
      text: expect.stringContaining(`No results for "${mark}"`),
    })
  })
})

describe('what is written down', () => {
  test('the log names each failed call and its cause, and holds nobody’s words', async () => {
    const before = trial.server.log().length
    trial.server.simulator.control({ kimi: { faults: [{ name: 'content-filter', times: 1 }] } })
    await trial.window.ask('summarize', { text: `We agreed on ${mark}.` })
    const line = trial.server
      .log()
      .slice(before)
      .trim()
      .split('\n')
      .map((each) => JSON.parse(each) as Record<string, unknown>)[0]
    expect(line).toMatchObject({
      tool: 'summarize',
      door: 'http',
      principal: 'local',
      client: 'window-one',
      failure: 'content-filtered',
      detail: expect.stringContaining('HTTP 400'),
      msg: 'call failed',
    })
    expect(trial.server.log()).not.toContain(mark)
    expect(trial.server.log()).not.toContain(words)
    expect(JSON.stringify(trial.server.inspect())).not.toContain(mark)
  })
})
