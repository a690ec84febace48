// Kimi's chat, streamed and whole: a first delta with the role alone, then reasoning, content, tool calls in fragments;
// usage in whichever of its places the switch names; [DONE] as the only proof of completion.

import { type ChatPlan, planFor, promptTokensOf } from '../chat-plan.ts'
import { hashOf, isObject, type JsonObject } from '../json.ts'
import { promptOf, questionOf } from '../prompt.ts'
import { functionsOf, type ToolCall } from '../tool-use.ts'
import { type Handled, json, type VendorRequest } from '../vendor-request.ts'
import { dataFrame, doneFrame, type Frame, slices } from '../wire.ts'
import { builtinSearch } from './builtin-search.ts'
import { capOf, checkKimiChat, isThinking, kimiModelOf } from './chat-checks.ts'
import { refuseKimi } from './errors.ts'

/** POST /v1/chat/completions. */
export function kimiChat(request: VendorRequest): Handled {
  const { body, settings } = request
  const model = kimiModelOf(request)
  checkKimiChat(request, model)
  const prompt = promptOf(body)
  const promptTokens = promptTokensOf(prompt.text)
  const cap = capOf(body)
  // The default cap shrinks to what the window leaves; a requested one does not.
  if (promptTokens + (cap ?? 1) > model.contextTokens) {
    refuseKimi(settings, `Invalid request: Your request exceeded model token limit : ${model.contextTokens}`)
  }
  const search = builtinSearch(request, prompt)
  const build = () => {
    const plan = planFor({
      question: questionOf(prompt, {
        model: model.id,
        isThinking: isThinking(request, model),
        answerChars: request.pace.answerChars,
        sources: search.sources ?? '',
      }),
      promptText: prompt.text,
      tokensMax: cap,
      functions: body.tool_choice === 'none' ? [] : functionsOf(body.tools),
      isToolForced: body.tool_choice === 'required' || isObject(body.tool_choice),
      json: jsonOf(body.response_format),
      dueCall: search.dueCall,
    })
    return request.fault?.effect.kind === 'plan' ? request.fault.effect.change(plan) : plan
  }
  const tokens = promptTokens + (cap ?? model.outputTokensDefault)
  if (body.stream !== true) return { ...json(() => whole(request, build())), tokens }
  return { reply: { kind: 'stream', frames: () => streamed(request, build()) }, tokens }
}

function jsonOf(format: unknown): JsonObject | true | undefined {
  if (!isObject(format)) return undefined
  if (format.type === 'json_object') return true
  if (format.type !== 'json_schema' || !isObject(format.json_schema)) return undefined
  return isObject(format.json_schema.schema) ? format.json_schema.schema : true
}

function usageOf(request: VendorRequest, plan: ChatPlan): JsonObject {
  const { promptTokens, completionTokens, cachedTokens, reasoningTokens } = plan.usage
  const isDetailed = request.settings.switches['cached-tokens'] === 'details'
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    ...(isDetailed
      ? { prompt_tokens_details: { cached_tokens: cachedTokens } }
      : { cached_tokens: cachedTokens }),
    ...(reasoningTokens > 0 ? { completion_tokens_details: { reasoning_tokens: reasoningTokens } } : {}),
  }
}

function idOf(request: VendorRequest): string {
  return `chatcmpl-${hashOf(`kimi-${request.serial}-${Date.now()}`)}${request.serial.toString(16).padStart(8, '0')}`
}

function whole(request: VendorRequest, plan: ChatPlan): JsonObject {
  const calls = plan.toolCalls.map((call) => ({
    id: call.id,
    type: call.type,
    function: { name: call.name, arguments: call.arguments },
  }))
  const isBare =
    calls.length > 0 && plan.content === '' && request.settings.switches['tool-content'] === 'null'
  const message = {
    role: 'assistant',
    content: isBare ? null : plan.content,
    ...(plan.reasoning === '' ? {} : { reasoning_content: plan.reasoning }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  }
  return {
    id: idOf(request),
    object: 'chat.completion',
    created: Math.floor(Date.now() / 1000),
    model: request.body.model,
    choices: [{ index: 0, message, finish_reason: plan.finishReason }],
    ...(request.settings.switches.usage === 'none' ? {} : { usage: usageOf(request, plan) }),
  }
}

function streamed(request: VendorRequest, plan: ChatPlan): Frame[] {
  const { switches, chunkChars } = request.settings
  const head = {
    id: idOf(request),
    object: 'chat.completion.chunk',
    created: Math.floor(Date.now() / 1000),
    model: request.body.model,
  }
  const frame = (kind: Frame['kind'], delta: JsonObject): Frame =>
    dataFrame(kind, { ...head, choices: [{ index: 0, delta, finish_reason: null }] })
  const usage = usageOf(request, plan)
  const place = switches.usage
  const last = { index: 0, delta: {}, finish_reason: plan.finishReason }
  const isInChoice = place === 'choice' || place === 'both'
  const finish = dataFrame('finish', {
    ...head,
    choices: [isInChoice ? { ...last, usage } : last],
    ...(place === 'top-level' || place === 'both' ? { usage } : {}),
  })
  return [
    frame('role', { role: 'assistant', content: '' }),
    ...slices(plan.reasoning, chunkChars).map((text) => frame('reasoning', { reasoning_content: text })),
    ...slices(plan.content, chunkChars).map((text) => frame('content', { content: text })),
    ...plan.toolCalls.flatMap((call, index) =>
      fragments(request, call, index).map((delta) => frame('tool', { tool_calls: [delta] })),
    ),
    finish,
    ...(isUsageChunkDue(request) ? [dataFrame('usage', { ...head, choices: [], usage })] : []),
    doneFrame,
  ]
}

function isUsageChunkDue({ body, settings }: VendorRequest): boolean {
  const when = settings.switches['include-usage-chunk']
  if (when !== 'when-asked') return when === 'always'
  return isObject(body.stream_options) && body.stream_options.include_usage === true
}

/** id, type and name in the first fragment; later ones carry only arguments. */
function fragments({ settings }: VendorRequest, call: ToolCall, index: number): JsonObject[] {
  const isWhole = settings.switches['tool-arguments'] === 'whole'
  const at = settings.switches['tool-index'] === 'missing' ? {} : { index }
  const start = { ...at, id: call.id, type: call.type }
  if (isWhole) return [{ ...start, function: { name: call.name, arguments: call.arguments } }]
  return [
    { ...start, function: { name: call.name, arguments: '' } },
    ...slices(call.arguments, settings.chunkChars).map((piece) => ({
      ...at,
      function: { arguments: piece },
    })),
  ]
}
