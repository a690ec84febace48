// What GLM checks of a chat before it answers. Each rule refuses with the code and, where it is known, the words of GLM.

import { isObject, type JsonObject, objectsOf, textOf } from '../json.ts'
import type { VendorSettings } from '../settings.ts'
import type { VendorRequest } from '../vendor-request.ts'
import { refuseGlm } from './errors.ts'
import { type GlmModel, glmModels } from './models.ts'

const alwaysThinks =
  'This model always engages in thinking and cannot be disabled; please use low, high, or max.'
const knownFields = new Set(
  `model messages stream thinking reasoning_effort temperature top_p do_sample max_tokens stop tools tool_choice
  tool_stream response_format request_id user_id seed sensitive_word_check meta`.split(/\s+/),
)

/** The model asked for; refuses an unknown one. */
export function glmModelOf(request: VendorRequest): GlmModel {
  const { body, settings } = request
  const model = glmModels.find((one) => one.id === body.model)
  return model ?? refuseGlm(settings, settings.switches['unknown-model'] ?? '1211')
}

/** Checks messages and parameters; throws GLM's refusal. */
export function checkGlmChat(request: VendorRequest, model: GlmModel): void {
  checkMessages(request, model)
  checkNumbers(request, model)
  checkThinking(request, model)
  checkTools(request, model)
  if (request.settings.switches['unknown-fields'] !== 'refuse') return
  const stranger = Object.keys(request.body).find((field) => !knownFields.has(field))
  if (stranger) refuseGlm(request.settings, '1210', `Invalid API parameter: ${stranger}`)
}

function checkMessages({ body, settings }: VendorRequest, model: GlmModel): void {
  const messages = objectsOf(body.messages)
  if (messages.length === 0) refuseGlm(settings, '1214', 'Input cannot be empty')
  if (!messages.some((message) => message.role === 'user' || message.role === 'tool')) {
    refuseGlm(settings, '1214', 'messages must contain more than system and assistant messages')
  }
  for (const [index, message] of messages.entries()) checkContent(settings, model, message, index)
  const text = messages.map((message) => textOf(message.content)).join('')
  if (text === '') refuseGlm(settings, '1214', 'Input cannot be empty')
}

function checkContent(settings: VendorSettings, model: GlmModel, message: JsonObject, index: number): void {
  if (typeof message.role !== 'string' || !['system', 'user', 'assistant', 'tool'].includes(message.role)) {
    refuseGlm(settings, '1214', `messages[${index}].role: invalid value`)
  }
  for (const [partIndex, part] of objectsOf(message.content).entries()) {
    const at = `messages[${index}].content[${partIndex}]`
    if (part.type === 'text') {
      if (part.text === '' || part.text === undefined)
        refuseGlm(settings, '1214', `${at}.text: cannot be empty`)
    } else if (
      !model.isVision &&
      !(model.id === 'glm-5.3-flash' && settings.switches['flash-vision'] === 'accept')
    ) {
      refuseGlm(settings, '1212', `${at}.type: ${String(part.type)} is not supported by ${model.id}`)
    }
  }
}

function checkNumbers({ body, settings }: VendorRequest, model: GlmModel): void {
  const { max_tokens: cap, temperature, top_p: topP, stop } = body
  if (
    cap !== undefined &&
    !(Number.isInteger(cap) && Number(cap) >= 1 && Number(cap) <= model.outputTokensMax)
  ) {
    refuseGlm(settings, '1210', `max_tokens: must be between 1 and ${model.outputTokensMax}`)
  }
  if (temperature !== undefined && !(Number(temperature) >= 0 && Number(temperature) <= 1)) {
    refuseGlm(settings, '1210', 'temperature: must be between 0 and 1')
  }
  if (topP !== undefined && !(Number(topP) >= 0.01 && Number(topP) <= 1)) {
    refuseGlm(settings, '1210', 'top_p: must be between 0.01 and 1')
  }
  if (stop !== undefined && !(Array.isArray(stop) && stop.length <= 1)) {
    refuseGlm(settings, '1210', 'stop: at most one item is supported')
  }
}

function checkThinking({ body, settings }: VendorRequest, model: GlmModel): void {
  const type = isObject(body.thinking) ? body.thinking.type : undefined
  if (type !== undefined && type !== 'enabled' && type !== 'disabled') {
    refuseGlm(settings, '1210', 'thinking.type: must be enabled or disabled')
  }
  const effort = body.reasoning_effort
  const isLenient = settings.switches['always-thinking'] === 'ignore'
  if (model.thinking === 'always' && !isLenient) {
    if (type === 'disabled') refuseGlm(settings, '1210', alwaysThinks)
    if (effort !== undefined && !model.efforts.some((one) => one === effort))
      refuseGlm(settings, '1210', alwaysThinks)
  }
  if (model.thinking === 'switchable' && model.efforts.length > 0 && effort !== undefined) {
    if (!model.efforts.some((one) => one === effort))
      refuseGlm(settings, '1210', 'reasoning_effort: invalid value')
  }
}

function checkTools({ body, settings }: VendorRequest, model: GlmModel): void {
  const tools = objectsOf(body.tools)
  if (tools.length > 128) refuseGlm(settings, '1210', 'tools: at most 128 are supported')
  if (body.tool_choice !== undefined && body.tool_choice !== 'auto') {
    refuseGlm(settings, '1210', 'tool_choice: only auto is supported')
  }
  for (const tool of tools) {
    const type = String(tool.type)
    if (!['function', 'retrieval', 'web_search'].includes(type) || (model.isVision && type !== 'function')) {
      refuseGlm(settings, '1210', `tools.type: ${type} is not supported`)
    }
    const name = isObject(tool.function) ? String(tool.function.name ?? '') : ''
    if (type === 'function' && !/^[a-zA-Z0-9_-]{1,64}$/.test(name)) {
      refuseGlm(settings, '1210', `tools.function.name: ${name} is not a valid name`)
    }
  }
  const format = isObject(body.response_format) ? body.response_format.type : undefined
  if (format !== undefined && format !== 'text' && format !== 'json_object') {
    refuseGlm(settings, '1210', 'response_format.type: must be text or json_object')
  }
}

/** Whether the model thinks on this request. */
export function isThinking({ body }: VendorRequest, model: GlmModel): boolean {
  if (model.thinking !== 'switchable') return model.thinking === 'always'
  if (isObject(body.thinking) && body.thinking.type === 'disabled') return false
  return !(
    model.efforts.length > 0 &&
    (body.reasoning_effort === 'none' || body.reasoning_effort === 'minimal')
  )
}
