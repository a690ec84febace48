// GLM's chat, streamed and whole: reasoning before content before tool calls, role on every delta, usage on the last
// chunk, then [DONE].

import { type ChatPlan, planFor, promptTokensOf } from '../chat-plan.ts'
import { isObject, type JsonObject } from '../json.ts'
import { promptOf, questionOf } from '../prompt.ts'
import { functionsOf, type ToolCall } from '../tool-use.ts'
import { type Handled, json, type VendorRequest } from '../vendor-request.ts'
import { dataFrame, doneFrame, type Frame, slices } from '../wire.ts'
import { checkGlmChat, glmModelOf, isThinking } from './chat-checks.ts'
import { refuseGlm } from './errors.ts'
import { glmIds } from './ids.ts'
import { type ChatSearch, chatSearch } from './search.ts'

/** POST /chat/completions. */
export function glmChat(request: VendorRequest): Handled {
  const { body, settings } = request
  const model = glmModelOf(request)
  checkGlmChat(request, model)
  const prompt = promptOf(body)
  const promptTokens = promptTokensOf(prompt.text)
  if (promptTokens > model.contextTokens) refuseGlm(settings, '1261')
  const search = chatSearch(request, prompt.user)
  const cap = typeof body.max_tokens === 'number' ? body.max_tokens : undefined
  const build = () => {
    const plan = planFor({
      question: questionOf(prompt, {
        model: model.id,
        isThinking: isThinking(request, model),
        answerChars: request.pace.answerChars,
        sources: search?.sources ?? '',
      }),
      promptText: prompt.text,
      tokensMax: cap,
      functions: functionsOf(body.tools),
      isToolForced: false,
      json: isObject(body.response_format) && body.response_format.type === 'json_object' ? true : undefined,
    })
    return request.fault?.effect.kind === 'plan' ? request.fault.effect.change(plan) : plan
  }
  const tokens = promptTokens + (cap ?? 65_536)
  if (body.stream !== true) return { ...json(() => whole(request, build(), search)), tokens }
  return { reply: { kind: 'stream', frames: () => streamed(request, build(), search) }, tokens }
}

function usageOf(plan: ChatPlan): JsonObject {
  const { promptTokens, completionTokens, cachedTokens, reasoningTokens } = plan.usage
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
    completion_tokens_details: { reasoning_tokens: reasoningTokens },
  }
}

function callOf(
  request: VendorRequest,
  call: ToolCall,
  index: number,
  args: string = call.arguments,
): JsonObject {
  const isObjectForm = request.settings.switches['tool-arguments'] === 'object' && args === call.arguments
  const wireArguments: unknown = isObjectForm && isJson(args) ? JSON.parse(args) : args
  return { id: call.id, index, type: call.type, function: { name: call.name, arguments: wireArguments } }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    // A fault's broken arguments stay a string, whatever the switch says.
    return false
  }
}

/** Reasoning in its field, or inline in the content, as GLM-4.5V was seen to do. */
function spoken(request: VendorRequest, plan: ChatPlan): { reasoning: string; content: string } {
  if (request.settings.switches.reasoning !== 'inline' || plan.reasoning === '') return plan
  return { reasoning: '', content: `<think>${plan.reasoning}</think>${plan.content}` }
}

function whole(request: VendorRequest, plan: ChatPlan, search: ChatSearch | undefined): JsonObject {
  const { switches } = request.settings
  const { reasoning, content } = spoken(request, plan)
  const calls = plan.toolCalls.map((call, index) => callOf(request, call, index))
  const isBare = calls.length > 0 && content === '' && switches['tool-content'] === 'null'
  return {
    ...glmIds(request),
    ...(switches['chunk-object'] === 'missing' ? {} : { object: 'chat.completion' }),
    model: request.body.model,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: isBare ? null : content,
          ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
          ...(calls.length === 0 ? {} : { tool_calls: calls }),
        },
        finish_reason: plan.finishReason,
      },
    ],
    usage: usageOf(plan),
    ...(search?.results ? { web_search: search.results } : {}),
  }
}

function streamed(request: VendorRequest, plan: ChatPlan, search: ChatSearch | undefined): Frame[] {
  const { switches, chunkChars } = request.settings
  const { id, created } = glmIds(request)
  const { reasoning, content } = spoken(request, plan)
  let isFirst = true
  const frame = (kind: Frame['kind'], delta: JsonObject, extra: JsonObject = {}, finish?: string): Frame => {
    const role = isFirst || switches['delta-role'] !== 'first' ? { role: 'assistant' } : {}
    const found = search?.results && (isFirst ? search.isBefore : kind === 'finish' && !search.isBefore)
    isFirst = false
    return dataFrame(kind, {
      id,
      created,
      ...(switches['chunk-object'] === 'missing' ? {} : { object: 'chat.completion.chunk' }),
      model: request.body.model,
      choices: [
        {
          index: 0,
          delta: { ...role, ...delta },
          ...(finish === undefined ? {} : { finish_reason: finish }),
        },
      ],
      ...(found ? { web_search: search.results } : {}),
      ...extra,
    })
  }
  const said = switches['first-delta'] === 'newline' ? ['\n'] : []
  const thoughts = reasoning === '' ? [] : [...said, ...slices(reasoning, chunkChars)]
  const words = content === '' ? [] : [...(thoughts.length === 0 ? said : []), ...slices(content, chunkChars)]
  return [
    ...thoughts.map((text) => frame('reasoning', { reasoning_content: text })),
    ...(search?.call && switches['search-call'] === 'present'
      ? [frame('tool', { tool_calls: [search.call] })]
      : []),
    ...words.map((text) => frame('content', { content: text })),
    ...plan.toolCalls.flatMap((call, index) =>
      argumentsOf(request, call).map((args) =>
        frame('tool', { tool_calls: [callOf(request, call, index, args)] }),
      ),
    ),
    frame('finish', { content: '' }, { usage: usageOf(plan) }, plan.finishReason),
    doneFrame,
  ]
}

/** One delta holds the whole call, unless tool_stream asks for fragments. */
function argumentsOf(request: VendorRequest, call: ToolCall): string[] {
  const isFragmented = request.body.tool_stream === true && call.arguments !== ''
  return isFragmented ? slices(call.arguments, request.settings.chunkChars) : [call.arguments]
}
