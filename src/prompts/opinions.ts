// Prompts that have other models think along: a second opinion, two answers side by side, a claim under attack, a vote, and an
// earlier conversation taken up again.

import { z } from 'zod'
import { lineField, modelField, nameField, subject, textField, withModel } from './fields.ts'
import { asking, definePrompt, type Prompt, type PromptContext, suggestModels } from './prompt.ts'

/** One's own answer first, then another model's, then the difference. */
export const secondOpinion: Prompt = definePrompt({
  name: 'second_opinion',
  title: 'Second opinion',
  description: 'Answer a question, ask another model the same, and say where the two differ',
  input: z.strictObject({ model: modelField, question: textField('The question') }),
  suggest: { model: suggestModels },
  get: async ({ model, question }, context) =>
    asking([
      'Get a second opinion.',
      ...subject('The question', question),
      'First think it through yourself and settle on an answer, before you see any other.',
      `Then call the chat tool of exai with a self-contained prompt${withModel(model, context)}. The other model sees neither this conversation nor any file, so put in what it needs; do not hint at your own answer.`,
      'Then tell me: what both say; where you differ, and who is right for which reason (check in the code or the sources what can be checked); and your final answer, changed if the other one was better.',
    ]),
})

/** Two models, the same question. */
export const compareModels: Prompt = definePrompt({
  name: 'compare_models',
  title: 'Compare two models',
  description: 'Ask two models the same question and compare their answers',
  input: z.strictObject({
    first: nameField('The first model'),
    second: nameField('The second model'),
    question: textField('What to ask both'),
  }),
  suggest: {
    first: suggestModels,
    second: (context, { first }) => context.models().filter(({ value }) => value !== first),
  },
  get: async ({ first, second, question }, context) =>
    asking([
      `Compare the answers of ${first} and ${second}.`,
      ...subject('The question', question),
      `Call the chat tool of exai twice at once, with the same self-contained prompt and fresh: true, once${withModel(first, context)} and once${withModel(second, context)}; each without a continuation_id.`,
      'Then judge without regard to who said it: a short table of what each got right, wrong and left out; quote the sentences that decide it; name the better answer, or say that neither is good enough and why.',
    ]),
})

/** A claim, attacked. */
export const challenge: Prompt = definePrompt({
  name: 'challenge',
  title: 'Challenge a claim',
  description: 'Have another model attack a claim or a plan, and see what stands',
  input: z.strictObject({ model: modelField, claim: textField('The claim, decision or plan') }),
  suggest: { model: suggestModels },
  get: async ({ model, claim }, context) =>
    asking([
      'Put this to the test; do not agree with it out of politeness.',
      ...subject('The claim or plan', claim),
      `Call the chat tool of exai${withModel(model, context)} and ask for the strongest case against it: the assumptions it rests on, how it fails, what it costs, and the best alternative. Put in the context that is needed to judge.`,
      'Then go through the objections one by one: say which are right, which are wrong and why, with evidence where there is some. End with what you would do now, and what would change your mind.',
    ]),
})

/** For, against, and neither. */
export const consensus: Prompt = definePrompt({
  name: 'consensus',
  title: 'Consensus',
  description: 'Have models argue for and against a proposal, and weigh what they say',
  input: z.strictObject({
    models: lineField('Models to ask, separated by commas without spaces; default: the server chooses'),
    proposal: textField('What is to be decided'),
  }),
  suggest: { models: suggestModels },
  get: async ({ models, proposal }, context) =>
    asking([
      'Weigh a proposal.',
      ...subject('The proposal', proposal),
      `Call the chat tool of exai three times at once, fresh: true, each without a continuation_id${inTurn(models, context)}. One argues for it as well as can be, one against it, one judges without a side. Give each the same facts.`,
      'Then say what all agree on, which disagreements rest on facts (and check those) and which on taste, and give a recommendation with the two or three reasons that carry it.',
    ]),
})

function inTurn(models: string | undefined, context: PromptContext): string {
  const names = models?.split(',').map((name) => name.trim()) ?? []
  return names.length === 0
    ? ''
    : `, in turn with ${names.map((name) => withModel(name, context).slice(2)).join(', ')}`
}

/** An earlier conversation goes on. */
export const continueThread: Prompt = definePrompt({
  name: 'continue',
  title: 'Continue a conversation',
  description: 'Take up an earlier conversation with another model again',
  input: z.strictObject({
    thread: nameField('The continuation_id'),
    model: modelField,
    prompt: textField('What to say next'),
  }),
  suggest: { thread: (context) => context.threads(), model: suggestModels },
  get: async ({ thread, model, prompt }, context) =>
    asking([
      `Call the chat tool of exai with continuation_id ${JSON.stringify(thread)}${withModel(model, context)}.`,
      ...subject('The next prompt', prompt),
      `What was said before stands in the resource exai://threads/${encodeURIComponent(thread)}; read it if the answer makes no sense without. If the conversation is not known any more, tell me and ask anew.`,
    ]),
})
