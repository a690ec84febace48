// What passes as an answer, and what does not.

import { describe, expect, it } from 'vitest'
import type { StreamPart } from '../providers/provider.ts'
import { type AttemptOutcome, readAnswer } from './read-answer.ts'

const call: readonly StreamPart[] = [
  { type: 'tool-input-start', id: 'c', name: 'search' },
  { type: 'tool-input-delta', id: 'c', text: '{}' },
  { type: 'tool-input-end', id: 'c' },
]

function read(parts: readonly StreamPart[], offersTools: boolean): Promise<AttemptOutcome> {
  const meter = { began: () => {}, firstPart: () => 0, usage: () => {}, outputChars: () => {} }
  async function* stream() {
    yield* parts
  }
  const ears = { provider: 'glm', attempt: 1, showsText: true, offersTools, meter, progress: () => {} }
  return readAnswer(stream(), ears)
}

describe('an answer', () => {
  const finish: StreamPart = { type: 'finish', reason: 'tool-use' }

  it('of tool calls alone is malformed where no tool was offered, and worth another try', async () => {
    await expect(read([...call, finish], false)).rejects.toMatchObject({
      code: 'malformed-output',
      retryable: true,
      message: expect.stringContaining('not offered'),
    })
    const blank: StreamPart = { type: 'text-delta', text: ' \n' }
    await expect(read([blank, ...call, finish], false)).rejects.toMatchObject({ code: 'malformed-output' })
  })

  it('of tool calls is one where tools were offered', async () => {
    expect(await read([...call, finish], true)).toMatchObject({ text: '', finish: 'tool-use' })
  })

  it('that says something besides an uninvited call is what it says', async () => {
    const text: StreamPart = { type: 'text-delta', text: 'Otters swim.' }
    expect(await read([text, ...call, finish], false)).toMatchObject({ text: 'Otters swim.' })
  })
})
