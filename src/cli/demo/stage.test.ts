import { describe, expect, it } from 'vitest'
import { type DemoStage, drawStage } from './stage.ts'

const stage: DemoStage = {
  startedAt: 0,
  order: 'fair',
  hasSwitch: true,
  strip: ['api@main', 'crawler@loop', 'crawler@loop'],
  windows: [
    {
      label: 'api@main',
      color: 'green',
      isGreedy: false,
      served: 1,
      refused: 0,
      running: new Map([
        [1, { tool: 'chat', state: 'waits', since: 0, message: 'Waiting for glm: 3rd of 7, about 12 s' }],
      ]),
    },
    {
      label: 'crawler@loop',
      color: 'red',
      isGreedy: true,
      served: 2,
      refused: 0,
      running: new Map([
        [1, { tool: 'web_search', state: 'served', since: 500, message: 'glm is answering' }],
      ]),
    },
  ],
}

describe('the stage of the demo', () => {
  it('says who is served, who waits and where, and the shares', () => {
    const text = drawStage(stage, 2000, 120, false).join('\n')
    expect(text).toContain('api@main               1 answered  … chat: Waiting for glm: 3rd of 7, about 12 s')
    expect(text).toContain('crawler@loop greedy    2 answered  ▶ web_search 1.5 s')
    expect(text).toContain('Last answers, oldest first: acc')
    expect(text).toContain('Shares of the last 3: api@main 33 %  crawler@loop 67 %')
  })

  it('shows what a change of the order does, whoever was served more before', () => {
    const strip = [
      ...Array.from({ length: 300 }, () => 'crawler@loop'),
      ...Array.from({ length: 15 }, () => ['api@main', 'crawler@loop']).flat(),
    ]
    const text = drawStage({ ...stage, strip }, 2000, 120, false).join('\n')
    expect(text).toContain('Shares of the last 30: api@main 50 %  crawler@loop 50 %')
  })

  it('shows no shares before anybody was answered', () => {
    expect(drawStage({ ...stage, strip: [] }, 2000, 120, false).join('\n')).not.toContain('Shares')
  })

  it('says who is next, and which key changes it where there is a keyboard', () => {
    expect(drawStage(stage, 2000, 120, false)[1]).toBe(
      'Queue: fair, everybody has a share. Press f to change it.',
    )
    expect(drawStage({ ...stage, order: 'first-come', hasSwitch: false }, 2000, 120, false)[1]).toBe(
      'Queue: first come, first served: whoever asks most has most',
    )
  })

  it('keeps to the width and uses no colour where none is wanted', () => {
    const lines = drawStage(stage, 2000, 60, false)
    expect(lines.slice(3, 5).every((line) => line.length <= 60)).toBe(true)
    expect(lines.join('')).not.toContain('\u001b[')
    expect(drawStage(stage, 2000, 60, true).join('')).toContain('\u001b[')
  })
})
