// Windows that come, call, change their minds and go, at random, for a while: whoever stays gets its own answers, the vendor
// never has more than the slots allow, and at the end every book is at zero. The seed is printed; EXAI_SEED repeats a run.

import { expect, test } from 'vitest'
import { createSeededRandom } from '../../src/lib/random.ts'
import { withServer } from '../support/server-fixture.ts'
import { windowDoors } from '../support/window-call.ts'

const windows = 9
const callsEach = 12
const slots = 2

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

test('random cancels, disconnects and reconnects leave nothing behind and cost the others nothing', async () => {
  const seed = Number(process.env.EXAI_SEED ?? Math.floor(Math.random() * 1_000_000))
  process.stdout.write(`server-churn seed ${seed}\n`)
  const random = createSeededRandom(seed)
  const options = {
    yaml: `
providers: { glm: { concurrency: ${slots} }, kimi: { concurrency: ${slots} } }
limits:
  client: { requestsPerMinute: 6000, burst: 500, concurrency: 8 }
  principal: { requestsPerMinute: 60000, burst: 5000, concurrency: 100 }
`,
    simulator: { glm: { serviceMs: 15, concurrency: slots }, kimi: { serviceMs: 15, concurrency: slots } },
  }
  await withServer(options, async (server) => {
    let answered = 0
    const live = async (index: number): Promise<void> => {
      const door = windowDoors[index % 3] ?? 'modern'
      let window = await server.window(door, `window-${index}`)
      for (let turn = 0; turn < callsEach; turn++) {
        const mark = `MARK-${index}-${turn}-OF-CHURN`
        const tool = random() < 0.5 ? 'chat' : 'summarize'
        const call = window.call(tool, tool === 'chat' ? { prompt: mark } : { text: `The word is ${mark}.` })
        const dice = random()
        if (dice < 0.4) {
          const answer = await call.answer
          expect(answer).toMatchObject({ isError: false })
          expect(answer?.text).toContain(mark)
          expect(answer?.text.match(/MARK-\d+-\d+-OF-CHURN/g)?.every((each) => each === mark)).toBe(true)
          answered++
          continue
        }
        await pause(random() * 40)
        if (dice < 0.7) await call.cancel()
        else {
          call.leave()
          // A WebSocket that was cut is gone for good.
          if (door === 'websocket') window = await server.window(door, `window-${index}`)
        }
      }
    }
    await Promise.all(Array.from({ length: windows }, (_, index) => live(index)))
    await server.settle()
    const { glm, kimi } = server.simulator.stats(0)
    for (const { mostInFlight, refusals } of [glm, kimi]) {
      expect(refusals).toEqual({})
      expect(mostInFlight).toBeLessThanOrEqual(slots)
    }
    expect(answered).toBeGreaterThan(0)
  })
})
